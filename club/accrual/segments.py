"""Segments: lists of subscribers that rules may ask for.

A list comes as a file of phone numbers, one a line, of any size. It is laid beside the subscribers in a
temporary table and judged there by a few statements; a segment then points to the new list in one
step, so no event sees half of one. What a rule in force asks for is changed by four eyes.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import BinaryIO

from django.db import connection, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from pydantic import ValidationError

from club.access import actions as audit
from club.access import proposals
from club.access.errors import MayNotPropose
from club.access.models import Proposal, Staff
from club.access.rules import Json
from club.accrual.errors import (
    BadSegment,
    NobodyOnList,
    NoSuchSegment,
    SegmentInUse,
    TooManyBroken,
)
from club.accrual.models import InForce, MemberList, Segment, SegmentMember
from club.accrual.rows import rows
from club.accrual.rules.to_python import compiled
from club.arrays import literal
from club.subscribers import rules as subscribers
from club.subscribers.models import Subscriber

KIND = "accrual.segment"
PERMISSION = "accrual.propose_campaign"
NUMBERS_PERMISSION = "subscribers.view_msisdn"
CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
NAME_CHARS_MAX = 100
BROKEN_PERCENT_MAX = 5
LINE_BYTES_MAX = 200
ROWS_PER_WRITE = 10_000
FAULTS_SHOWN = 100
HEADING = b"msisdn"
NO_NUMBER, UNKNOWN, TWICE = "no_number", "unknown_subscriber", "twice"
"""What may be wrong with a line."""


@dataclass(frozen=True, slots=True)
class Report:
    """What was in a file. `faults` counts the lines of each kind, `shown` are the first of them, by
    their number and kind: never with the phone number itself."""

    lines: int
    members: int
    faults: dict[str, int]
    shown: list[tuple[int, str]]
    joined: int = 0
    left: int = 0
    is_changed: bool = True
    proposal: Proposal | None = field(default=None, compare=False)
    """It waits for this one; None when it is in force already."""

    @property
    def broken(self) -> int:
        return sum(self.faults.values())


# ---- what staff do ---------------------------------------------------------------------------
@transaction.atomic
def bring_in(
    *,
    code: str,
    name: str,
    stream: BinaryIO,
    why: str,
    by: Staff,
    now: datetime,
    accept_broken: bool = False,
    faults_to: BinaryIO | None = None,
) -> Report:
    """Make the segment what the file says: at once, or by a proposal where a rule in force asks for it.

    Every broken line is written to `faults_to`, as CSV of its number and the reason.
    Raises MayNotPropose, BadSegment, NobodyOnList, TooManyBroken (over 5 % of the lines, unless they are
    accepted), and as `proposals.propose` does; then nothing is changed.
    """
    _check(code, name, by)
    lines = _stage(stream)
    ((members,),) = rows(MEMBERS)
    shown = [(line, fault) for line, fault in rows(FIRST_FAULTS, limit=FAULTS_SHOWN)]
    report = Report(lines, members, dict(rows(COUNTS)), shown)
    if faults_to is not None:
        _write_faults(faults_to)
    if report.broken * 100 > lines * BROKEN_PERCENT_MAX and not accept_broken:
        raise TooManyBroken(
            f"{report.broken:,} of {lines:,} lines cannot be used: nothing was changed",
            report=report,
        )
    if not report.members:
        raise NobodyOnList(
            "nobody of the programme is on the list: nothing was changed", report=report
        )
    before = Segment.objects.select_for_update().select_related("list").filter(pk=code).first()
    made = _keep(code, now)
    if before is not None and before.list.digest == made.digest and before.name == name:
        _forget(made)
        return replace(report, is_changed=False)
    joined, left = _difference(before, made)
    report = replace(report, joined=joined, left=left)
    document = _document(code, name, made)
    if rules_that_ask(code, now):
        proposal = proposals.propose(
            kind=KIND, subject_id=code, document=document, why=why, by=by, now=now
        )
        return replace(report, proposal=proposal)
    put_in_force(document, now)
    _audited("segment.imported", code, by=by, now=now, made=made, why=why)
    return report


@transaction.atomic
def put_in_force(document: Json, now: datetime) -> None:
    """Let the segment be the list of an approved document."""
    code, name = str(document["code"]), str(document["name"])
    made = MemberList.objects.get(pk=int(str(document["list"])))
    Segment.objects.update_or_create(code=code, defaults={"name": name, "list": made})
    _sweep(code)


@transaction.atomic
def delete(*, code: str, by: Staff, now: datetime) -> None:
    """Raises MayNotPropose, NoSuchSegment, SegmentInUse."""
    if not by.has_perm(PERMISSION):
        raise MayNotPropose("you may not delete a list", permission=PERMISSION)
    found = Segment.objects.select_for_update().select_related("list").filter(pk=code).first()
    if found is None:
        raise NoSuchSegment(f"there is no list {code}")
    if asking := rules_that_ask(code, now):
        raise SegmentInUse(f"rules ask for it: {', '.join(asking)}; end them first", rules=asking)
    _audited("segment.deleted", code, by=by, now=now, made=found.list)
    found.delete()
    _sweep(code)


def exported(*, code: str, by: Staff, now: datetime) -> Iterator[str]:
    """The whole numbers of a segment, for a reader who may see them.

    Raises MayNotPropose, NoSuchSegment.
    """
    if not by.has_perm(NUMBERS_PERMISSION):
        raise MayNotPropose("you may not see whole numbers", permission=NUMBERS_PERMISSION)
    found = segment(code)
    _audited("segment.exported", code, by=by, now=now, made=found.list)
    return members(code)


@transaction.atomic
def sweep() -> None:
    """Forget the lists that are no segment and that no open proposal asks for: those of refused ones."""
    for code in sorted({*MemberList.objects.values_list("code", flat=True)}):
        _sweep(code)


# ---- what is asked ---------------------------------------------------------------------------
def current(document: Json, now: datetime) -> Json | None:
    """The segment as it is, comparable with a document."""
    found = Segment.objects.select_related("list").filter(pk=str(document["code"])).first()
    return _document(found.code, found.name, found.list) if found else None


def segments() -> list[Segment]:
    return list(Segment.objects.select_related("list").order_by("code"))


def segment(code: str) -> Segment:
    """Raises NoSuchSegment."""
    found = Segment.objects.select_related("list").filter(pk=code).first()
    if found is None:
        raise NoSuchSegment(f"there is no list {code}")
    return found


def members(code: str) -> Iterator[str]:
    """The numbers of a segment, in ascending order. Raises NoSuchSegment."""
    on_it = SegmentMember.objects.filter(list=segment(code).list_id).values("subscriber_id")
    found = Subscriber.objects.filter(id__in=on_it).order_by("msisdn")
    return found.values_list("msisdn", flat=True).iterator(chunk_size=ROWS_PER_WRITE)


def sizes(codes: Sequence[str]) -> dict[str, int]:
    """How many are on each of these lists; of those that exist."""
    found = Segment.objects.filter(pk__in=codes).values_list("code", "list__members")
    return dict(found)


def rules_that_ask(code: str, now: datetime) -> list[str]:
    """The rules, in force now or later, that ask for a segment."""
    over = DateTimeTZRange(now, None)
    running = InForce.objects.exclude(during__fully_lt=over).select_related("version")
    return sorted({row.rule_id for row in running if code in _asked_by(row.version.canonical)})


@lru_cache(maxsize=100)
def asked_for(canonicals: tuple[str, ...]) -> tuple[str, ...]:
    """The segments that any of these rules ask for."""
    return tuple(sorted({code for one in canonicals for code in _asked_by(one)}))


def _asked_by(canonical: str) -> frozenset[str]:
    """A text that is no rule asks for nothing: whoever decides by it is told what is wrong."""
    try:
        return compiled(canonical).rule.segments()
    except ValidationError:
        return frozenset()


def of_subscribers(
    subscriber_ids: Sequence[int], *, codes: Sequence[str]
) -> dict[int, tuple[str, ...]]:
    """On which of these lists each of them is; who is on none is left out."""
    if not codes or not subscriber_ids:
        return {}
    return {
        subscriber_id: tuple(found)
        for subscriber_id, found in rows(
            """
            select m.subscriber_id, array_agg(s.code order by s.code)
              from accrual_segment s
              join accrual_segmentmember m on m.list_id = s.list_id
             where s.code = any(%(codes)b::text[]) and m.subscriber_id = any(%(ids)b::bigint[])
             group by m.subscriber_id
            """,
            codes=literal(codes),
            ids=literal(subscriber_ids),
        )
    }


# ---- the file --------------------------------------------------------------------------------
def _stage(stream: BinaryIO) -> int:
    """Lays the file beside the subscribers, judged; answers how many lines it has."""
    with connection.cursor() as cursor:
        cursor.execute("drop table if exists pg_temp.segment_line")
        cursor.execute(
            "create temporary table segment_line (line bigint, msisdn text) on commit drop"
        )
    count = 0
    lines = _lines(stream)
    while some := list(islice(lines, ROWS_PER_WRITE)):
        count += len(some)
        with (
            connection.wrap_database_errors,
            connection.cursor() as cursor,
            cursor.copy("copy pg_temp.segment_line from stdin") as copy,
        ):
            copy.write("".join([f"{line}\t{number or chr(92) + 'N'}\n" for line, number in some]))
    with connection.cursor() as cursor:
        cursor.execute("analyze pg_temp.segment_line")
        cursor.execute("drop table if exists pg_temp.segment_judged")
        cursor.execute(JUDGED)
    return count


def _lines(stream: BinaryIO) -> Iterator[tuple[int, str | None]]:
    """Each line that is not empty, by its number, with its phone number; None where it has none."""
    known = subscribers.MSISDN
    number = 0
    while raw := stream.readline(LINE_BYTES_MAX):
        number += 1
        is_whole = raw.endswith(b"\n") or len(raw) < LINE_BYTES_MAX
        while not is_whole and (more := stream.readline(LINE_BYTES_MAX)):
            is_whole = more.endswith(b"\n") or len(more) < LINE_BYTES_MAX
            raw = b"too long"
        text = raw.removeprefix(b"\xef\xbb\xbf" if number == 1 else b"").strip()
        if not text or (number == 1 and text.lower() == HEADING):
            continue
        written = text.decode("ascii", errors="replace")
        if known.fullmatch(written):
            yield number, written
            continue
        try:
            yield number, subscribers.msisdn(written.strip('";,'))
        except subscribers.BadMsisdn:
            yield number, None


JUDGED = """
create temporary table segment_judged on commit drop as
select l.line, s.id as subscriber_id,
       case when l.msisdn is null then 'no_number' when s.id is null then 'unknown_subscriber'
            when row_number() over (partition by l.msisdn order by l.line) > 1 then 'twice' end as fault
  from pg_temp.segment_line l left join subscribers_subscriber s on s.msisdn = l.msisdn
"""


def _write_faults(out: BinaryIO) -> None:
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(f"copy ({ALL_FAULTS}) to stdout with (format csv, header)") as copy,
    ):
        for block in copy:
            out.write(block)


COUNTS = "select fault, count(*) from pg_temp.segment_judged where fault is not null group by 1"
MEMBERS = "select count(*) from pg_temp.segment_judged where fault is null"
ALL_FAULTS = "select line, fault from pg_temp.segment_judged where fault is not null order by line"
FIRST_FAULTS = ALL_FAULTS + " limit %(limit)b"


# ---- the lists -------------------------------------------------------------------------------
def _keep(code: str, now: datetime) -> MemberList:
    """The good lines as a list of their own."""
    ((members, digest),) = rows(
        """
        select count(*), encode(sha256(coalesce(
                   string_agg(subscriber_id::text, ',' order by subscriber_id), '')::bytea), 'hex')
          from pg_temp.segment_judged where fault is null
        """
    )
    made = MemberList.objects.create(code=code, members=members, digest=digest, made_at=now)
    rows(
        """
        insert into accrual_segmentmember (subscriber_id, list_id)
        select subscriber_id, %(list)b from pg_temp.segment_judged where fault is null
         order by subscriber_id
        """,
        list=made.pk,
    )
    rows("analyze accrual_segmentmember")  # the next batch does not wait for the autovacuum
    return made


def _difference(before: Segment | None, made: MemberList) -> tuple[int, int]:
    """How many the new list has more, and less."""
    if before is None:
        return made.members, 0
    ((stayed, had),) = rows(
        """
        select count(*) filter (where n.subscriber_id is not null), count(*)
          from accrual_segmentmember o
          left join accrual_segmentmember n
            on n.subscriber_id = o.subscriber_id and n.list_id = %(new)b
         where o.list_id = %(old)b
        """,
        new=made.pk,
        old=before.list_id,
    )
    return made.members - stayed, had - stayed


def _sweep(code: str) -> None:
    """Lists of a code that it is not any more and that no open proposal asks for."""
    kept = set(Segment.objects.filter(pk=code).values_list("list_id", flat=True))
    waiting = Proposal.objects.filter(kind=KIND, subject_id=code, state=Proposal.State.OPEN)
    kept |= {document["list"] for document in waiting.values_list("document", flat=True)}
    for one in MemberList.objects.filter(code=code).exclude(pk__in=kept):
        _forget(one)


def _forget(one: MemberList) -> None:
    rows("delete from accrual_segmentmember where list_id = %(list)b", list=one.pk)
    one.delete()


def _document(code: str, name: str, made: MemberList) -> Json:
    return {
        "code": code,
        "name": name,
        "members": made.members,
        "digest": made.digest,
        "list": made.pk,
    }


def _check(code: str, name: str, by: Staff) -> None:
    if not by.has_perm(PERMISSION):
        raise MayNotPropose("you may not import a list", permission=PERMISSION)
    if not CODE.fullmatch(code):
        raise BadSegment("a list's code has 1 to 60 small Latin letters, digits and hyphens")
    if not (0 < len(name) <= NAME_CHARS_MAX and name.isprintable()):
        raise BadSegment(f"a list's name has 1 to {NAME_CHARS_MAX} printable characters")


def _audited(
    action: str, code: str, *, by: Staff, now: datetime, made: MemberList, why: str = ""
) -> None:
    details: Json = {"members": made.members, "digest": made.digest, "why": why}
    audit.record(action, by=by, subject_kind=KIND, subject_id=code, now=now, details=details)

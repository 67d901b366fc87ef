"""The inbox: what happened outside is written here once, whatever the number of deliveries.

The unique key (source, external id, kind) decides, never a look beforehand. The same id with the
same essentials is a duplicate; with other essentials a conflict, kept and shown, never applied.
What cannot be accepted is kept as it came, with its reason. Nothing that came in is lost.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from operator import attrgetter
from typing import NamedTuple

from django.db import transaction
from django.db.models import F
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from club.accrual.incoming import (
    JOINING_SLACK,
    SOURCE_CHARS_MAX,
    Accepted,
    Incoming,
    Key,
    Refusal,
    checked,
)
from club.accrual.models import Register
from club.accrual.rows import as_json, columns, rows
from club.accrual.rules.event_types import known_kinds
from club.programme import queries as programme
from club.savepoints import savepoint
from club.subscribers import queries as subscribers

__all__ = ["Incoming", "Receipt", "Verdict", "open_register", "receive", "reject"]

BATCH_ROWS_MAX = 2_000
REASON_CHARS_MAX = 300
RAW_CHARS_MAX = 4_000
LINE_MAX = 2**31 - 1

JUDGED = """
    select id, state,
           case state when 'kept' then 'of a type that is not declared'
                      when 'review' then 'older than the programme accepts'
                      when 'waiting' then 'unknown number' end as note
      from (select id,
                   case when kind <> all(%(known)b::text[]) then 'kept'
                        when occurred_at < %(oldest_at)b then 'review'
                        when subscriber_id is null
                             and split_part(kind, ':', 1) <> 'cancellation' then 'waiting' end
                   as state
              from written) at_first
"""
"""Which of the events that are `written` can be decided (without a state), and what keeps others back."""


class Verdict(StrEnum):
    NEW = "new"
    DUPLICATE = "duplicate"
    CONFLICTING = "conflicting"
    REJECTED = "rejected"


class Receipt(NamedTuple):
    """What became of one delivery. `event_id` is None only for what was rejected."""

    verdict: Verdict
    event_id: int | None
    code: str = ""
    reason: str = ""
    line: int | None = None


class _Stored(NamedTuple):
    event_id: int
    fingerprint: bytes


@transaction.atomic
def receive(
    incoming: Sequence[Incoming], *, now: datetime, register: Register | None = None
) -> list[Receipt]:
    """Write up to 2,000 events, each once, and answer a receipt for each, in order.

    An event of an unknown number waits for its subscriber; one older than the programme accepts
    waits for a person; one of a type that nobody has declared is kept until somebody does. The job
    that accrues is a row of this transaction.
    Raises ProgrammeNotConfigured.
    """
    assert len(incoming) <= BATCH_ROWS_MAX, "a register is received in slices"
    results = [(one, checked(one, now=now)) for one in incoming]
    firsts: dict[Key, Accepted] = {}
    for _, result in results:
        if isinstance(result, Accepted):
            firsts.setdefault(result.key, result)
    written = _write(with_ids(firsts.values()), now=now)
    stored = written | _stored_before([key for key in firsts if key not in written])

    receipts: list[Receipt] = []
    conflicting: list[tuple[int, Accepted]] = []
    refused: list[tuple[Incoming, Refusal]] = []
    for one, result in results:
        if isinstance(result, Refusal):
            refused.append((one, result))
            receipts.append(Receipt(Verdict.REJECTED, None, result.code, result.reason, one.line))
            continue
        row = stored[result.key]
        if result.key in written and result is firsts[result.key]:
            receipts.append(Receipt(Verdict.NEW, row.event_id, line=one.line))
        elif result.fingerprint == row.fingerprint or not row.fingerprint:  # erased
            receipts.append(Receipt(Verdict.DUPLICATE, row.event_id, line=one.line))
        else:
            conflicting.append((row.event_id, result))
            receipts.append(_conflict(row.event_id, line=one.line))
    _keep_conflicts(conflicting, now=now)
    _keep_rejections(refused, now=now, register=register)
    _count(receipts, register=register)
    if written:
        ask_for_decisions()
    return receipts


@transaction.atomic
def reject(
    *,
    source: str,
    code: str,
    reason: str,
    raw: str,
    line: int | None,
    now: datetime,
    register: Register | None = None,
) -> Receipt:
    """Keep something that could not even be read as an event, with the reason."""
    unread = Incoming(source, "", "", "", now, 0, "", {}, line=line, raw=raw)
    _keep_rejections([(unread, Refusal(code, reason))], now=now, register=register)
    receipt = Receipt(Verdict.REJECTED, None, code, reason, line)
    _count([receipt], register=register)
    return receipt


def open_register(*, source: str, name: str, sha256: str, now: datetime) -> Register:
    """A row for a file that is about to be received; `receive` and `reject` add to its counts."""
    return Register.objects.create(source=source, name=name[:200], sha256=sha256, received_at=now)


def ask_for_decisions() -> None:
    """Make sure that a job will decide what is new; one waiting in the queue is enough.

    A job that started a moment ago may not see this transaction's rows: the minute's round of
    `accrual.adopt_waiting` asks again, so such a row waits a minute at most.
    """
    try:
        with savepoint():  # the refusal must not break what was written
            app.configure_task("accrual.decide", queueing_lock="accrual.decide").defer()
    except AlreadyEnqueued:
        pass


def oldest_at(now: datetime) -> datetime:
    """What happened before waits for a person. Raises ProgrammeNotConfigured."""
    return now - timedelta(days=programme.current().late_days_max)


def with_ids(accepted: Iterable[Accepted]) -> list[Accepted]:
    """With the subscribers' ids in place of the numbers that stood in details; who is no subscriber
    leaves nothing."""
    found = list(accepted)
    numbers = {number for one in found for _, number in one.numbers}
    if not numbers:
        return found
    ids = subscribers.ids(numbers=numbers)
    return [
        one._replace(
            details=as_json(
                one.incoming.details
                | {name: ids[number] for name, number in one.numbers if number in ids}
            )
        )
        if one.numbers
        else one
        for one in found
    ]


def _write(accepted: Iterable[Accepted], *, now: datetime) -> dict[Key, _Stored]:
    """Insert what is not there yet; answer the rows that are new."""
    # In the order of the key, so that two deliveries at once never wait for each other crosswise.
    table = [
        (
            *key,
            fingerprint,
            msisdn,
            incoming.occurred_at,
            incoming.amount_tiyin,
            incoming.channel,
            details,
        )
        for incoming, key, msisdn, fingerprint, details, _ in sorted(
            accepted, key=attrgetter("key")
        )
    ]
    if not table:
        return {}
    written = rows(
        f"""
        with written as (
            insert into accrual_event (source, external_id, kind, fingerprint, msisdn,
                   subscriber_id, occurred_at, received_at, amount_tiyin, channel, details)
            select i.source, i.external_id, i.kind, i.fingerprint, i.msisdn, s.id,
                   i.occurred_at, %(now)b, i.amount_tiyin, i.channel, i.details::jsonb
              from unnest(%(sources)b::text[], %(external_ids)b::text[], %(kinds)b::text[],
                          %(fingerprints)b::bytea[], %(msisdns)b::text[],
                          %(moments)b::timestamptz[], %(amounts)b::bigint[],
                          %(channels)b::text[], %(details)b::text[])
                   with ordinality as i (source, external_id, kind, fingerprint, msisdn,
                          occurred_at, amount_tiyin, channel, details, place)
              left join subscribers_subscriber s
                on s.msisdn = i.msisdn and i.occurred_at >= s.joined_at - %(joining)b::interval
             order by i.place
                on conflict (source, external_id, kind) do nothing
            returning *),
        judged as ({JUDGED}),
        queued as (
            insert into accrual_queued (event_id)
            select id from judged where state is null),
        kept_back as (
            insert into accrual_outcome (event_id, state, note)
            select id, state, note from judged where state is not null)
        select source, external_id, kind, id, fingerprint from written
        """,  # noqa: S608  nothing but a constant goes in
        now=now,
        joining=JOINING_SLACK,
        oldest_at=oldest_at(now),
        known=known_kinds(),
        **columns(
            "sources external_ids kinds fingerprints msisdns moments amounts channels details",
            table,
        ),
    )
    return {(source, id_, kind): _Stored(pk, fp) for source, id_, kind, pk, fp in written}


def _stored_before(keys: list[Key]) -> dict[Key, _Stored]:
    """Rows that were there already, also those of a delivery that committed a moment ago."""
    if not keys:
        return {}
    found = rows(
        """
        select e.source, e.external_id, e.kind, e.id, e.fingerprint
          from unnest(%(sources)b::text[], %(external_ids)b::text[], %(kinds)b::text[])
               as k (source, external_id, kind)
          join accrual_event e using (source, external_id, kind)
        """,
        **columns("sources external_ids kinds", keys),
    )
    return {(source, id_, kind): _Stored(pk, fp) for source, id_, kind, pk, fp in found}


def _conflict(event_id: int, *, line: int | None) -> Receipt:
    reason = "this id was received before with another number, amount or day"
    return Receipt(Verdict.CONFLICTING, event_id, "same_id_other_payload", reason, line)


def _keep_conflicts(conflicting: list[tuple[int, Accepted]], *, now: datetime) -> None:
    if not conflicting:
        return
    rows(
        """
        insert into accrual_conflict (event_id, fingerprint, payload, received_at)
        select c.event_id, c.fingerprint, c.payload::jsonb, %(now)b
          from unnest(%(event_ids)b::bigint[], %(fingerprints)b::bytea[], %(payloads)b::text[])
               as c (event_id, fingerprint, payload)
         order by c.event_id, c.fingerprint
            on conflict (event_id, fingerprint) do nothing
        """,
        now=now,
        **columns(
            "event_ids fingerprints payloads",
            [(event_id, one.fingerprint, _payload(one)) for event_id, one in conflicting],
        ),
    )


def _payload(one: Accepted) -> str:
    return as_json(
        {
            "msisdn": one.msisdn,
            "occurred_at": one.incoming.occurred_at.isoformat(),
            "amount_tiyin": one.incoming.amount_tiyin,
            "channel": one.incoming.channel,
            "details": one.incoming.details,
        }
    )


def _keep_rejections(
    refused: list[tuple[Incoming, Refusal]], *, now: datetime, register: Register | None
) -> None:
    if not refused:
        return
    rows(
        """
        insert into accrual_rejection (source, register_id, line, code, reason, raw, received_at)
        select r.source, %(register_id)b::bigint, r.line, r.code, r.reason, r.raw, %(now)b
          from unnest(%(sources)b::text[], %(lines)b::integer[], %(codes)b::text[],
                      %(reasons)b::text[], %(raws)b::text[])
               as r (source, line, code, reason, raw)
        """,
        register_id=register.pk if register else None,
        now=now,
        **columns(
            "sources lines codes reasons raws",
            [
                (
                    _legible(one.source, SOURCE_CHARS_MAX),
                    one.line if one.line is None or 0 <= one.line <= LINE_MAX else None,
                    refusal.code,
                    _legible(refusal.reason, REASON_CHARS_MAX),
                    _legible(one.raw, RAW_CHARS_MAX),
                )
                for one, refusal in refused
            ],
        ),
    )


def _legible(text: str, chars_max: int) -> str:
    """What can be stored of a text that may be anything: no NUL, no half characters, bounded."""
    return text[:chars_max].replace("\0", "\ufffd").encode(errors="replace").decode()


def _count(receipts: list[Receipt], *, register: Register | None) -> None:
    if register is None:
        return
    verdicts = [receipt.verdict for receipt in receipts]
    Register.objects.filter(pk=register.pk).update(
        received=F("received") + len(verdicts),
        **{str(verdict): F(verdict) + verdicts.count(verdict) for verdict in Verdict},
    )

"""Carrying out what was decided: the books post, and decisions, outcomes and counters are written down."""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from club.accrual import counters, erasure
from club.accrual.deciding import Decided
from club.accrual.models import EventState
from club.accrual.posting import post
from club.accrual.rows import as_json, columns, copied, copy, rows
from club.accrual.rules.facts import kept
from club.accrual.rules.granting import Because
from club.accrual.settled import Line, Settled
from club.accrual.taking import Taken
from club.arrays import literal
from club.programme.rules import Life

NOTE_CHARS_MAX = 300
NULL = copied(None)


def carry_out(decided: Decided, *, life: Life, now: datetime) -> None:
    """Post and promise what was granted, and write everything down, each table in one statement.

    Raises as `post` does, and ValueError for what PostgreSQL cannot store."""
    post(decided.settled, life=life)
    counters.write(decided.before, decided.used)
    write(decided.settled, now=now)


def write(settled: Sequence[Settled], *, now: datetime) -> None:
    """The decisions and the events' outcomes."""
    _write_lines([line for one in settled for line in one.lines], now=now)
    numbers: dict[Sequence[str], str] = {(): NULL}
    waited = []
    outcomes, at = [], str(now)
    for one in settled:
        asked = one.asked
        if asked not in numbers:
            numbers[asked] = str(_number_of(asked))
        if one.event.state != EventState.NEW:
            waited.append(one.event.id)
        facts = copied(as_json(kept(one.facts))) if one.facts else NULL
        note = copied(_legible(one.note)) if one.note else ""
        decided_at = at if one.state == EventState.DECIDED else NULL
        outcomes.append(
            f"{one.event.id}\t{one.state}\t{note}\t{facts}\t{numbers[asked]}\t{decided_at}\n"
        )
    if waited:
        rows(
            "delete from accrual_outcome where event_id = any(%(events)b::bigint[])",
            events=literal(waited),
        )
    copy("accrual_outcome (event_id, state, note, facts, rulebook_id, decided_at)", outcomes)
    _adopt([one.event for one in settled if one.event.cancels])
    erasure.forget([one.event.id for one in settled if one.note == erasure.NOTE])


def _number_of(versions: Sequence[str]) -> int:
    """The number of a set of versions; a new one is written."""
    text = as_json(versions)
    ((number,),) = rows(
        """
        with new as (
            insert into accrual_rulebook (hash, versions)
            select %(hash)b, %(versions)b::jsonb
             where not exists (select from accrual_rulebook where hash = %(hash)b)
                on conflict (hash) do update set hash = excluded.hash
            returning id)
        select id from new union all select id from accrual_rulebook where hash = %(hash)b limit 1
        """,
        hash=hashlib.sha256(text.encode()).hexdigest(),
        versions=text,
    )
    return int(number)


def _adopt(cancellations: Sequence[Taken]) -> None:
    """A cancellation may be silent about its subscriber until its payment says who it is."""
    if cancellations:
        rows(
            """
            update accrual_event e set subscriber_id = c.subscriber_id
              from unnest(%(events)b::bigint[], %(subscribers)b::bigint[])
                   as c (event_id, subscriber_id)
             where e.id = c.event_id and e.subscriber_id is distinct from c.subscriber_id
            """,
            **columns("events subscribers", [(c.id, c.subscriber_id) for c in cancellations]),
        )


def _write_lines(lines: Sequence[Line], *, now: datetime) -> None:
    at = str(now)
    copy(
        "accrual_decision (subscriber_id, event_id, rule_id, rule_hash, wanted, granted, reason,"
        " because, promised_at, decided_at)",
        [
            f"{line.subscriber_id}\t{line.event_id}\t{line.rule_id}\t{line.rule_hash}\t{line.wanted}"
            f"\t{line.granted}\t{line.reason}\t{_stored(line.because)}\t{line.promised_at or NULL}\t{at}\n"
            for line in lines
        ],
    )


def _stored(because: Because | None) -> str:
    """Who counted in a rule's place follows from the facts."""
    if because is None:
        return NULL
    found: dict[str, object] = {"used": because.used, "period": because.period}
    if because.limit is not None:
        return copied(as_json(found | {"limit": because.limit.model_dump(mode="json")}))
    if because.occasion is not None:
        return copied(as_json(found | {"occasion": because.occasion.model_dump(mode="json")}))
    return NULL


def _legible(note: str) -> str:
    return note.replace("\0", " ").encode(errors="replace").decode()[:NOTE_CHARS_MAX]

"""Carrying out what was decided: the books post, and decisions, outcomes and counters are written down."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from club.accrual import counters, erasure
from club.accrual.deciding import Decided
from club.accrual.models import EventState
from club.accrual.posting import BY_SUBSCRIBER, post
from club.accrual.rows import as_json, columns, copied, copied_json, copy, rows
from club.accrual.rules.facts import kept
from club.accrual.rules.granting import Because
from club.accrual.rules.model import Limit, Occasion
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
    lines = [line for one in settled for line in one.lines]
    _write_lines(sorted(lines, key=BY_SUBSCRIBER), now=now)
    # By identity: a set of versions has fifty hashes, and would be hashed for every event.
    numbers = {
        id_: _number_of(asked)
        for id_, asked in {id(one.asked): one.asked for one in settled}.items()
    }
    waited = []
    outcomes, at = [], str(now)
    fresh, decided = EventState.NEW, EventState.DECIDED
    for event, state, note, facts, asked, _ in settled:
        if event.state != fresh:
            waited.append(event.id)
        seen = copied_json(as_json(kept(facts))) if facts else NULL
        told = copied(_legible(note)) if note else ""
        decided_at = at if state == decided else NULL
        outcomes.append(
            f"{event.id}\t{state}\t{told}\t{seen}\t{numbers[id(asked)]}\t{decided_at}\n"
        )
    if waited:
        rows(
            "delete from accrual_outcome where event_id = any(%(events)b::bigint[])",
            events=literal(waited),
        )
    copy("accrual_outcome (event_id, state, note, facts, rulebook_id, decided_at)", outcomes)
    _adopt([one.event for one in settled if one.event.cancels])
    erasure.forget([one.event.id for one in settled if one.note == erasure.NOTE])


def _number_of(versions: Sequence[str]) -> str:
    """The number of a set of versions, as it is copied; a new one is written."""
    if not versions:
        return NULL
    text = as_json(versions)
    hash_ = hashlib.sha256(text.encode()).hexdigest()
    found = rows("select id from accrual_rulebook where hash = %(hash)b", hash=hash_) or rows(
        """
        insert into accrual_rulebook (hash, versions) values (%(hash)b, %(versions)b::jsonb)
            on conflict (hash) do update set hash = excluded.hash
        returning id
        """,
        hash=hash_,
        versions=text,
    )
    ((number,),) = found
    return str(number)


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
            f"{who}\t{event_id}\t{rule_id}\t{hash_}\t{wanted}\t{granted}\t{reason}"
            f"\t{_stored(because) if because else NULL}\t{promised_at or NULL}\t{at}\n"
            for (
                who,
                event_id,
                rule_id,
                hash_,
                wanted,
                granted,
                reason,
                because,
                promised_at,
                _,
            ) in lines
        ],
    )


def _stored(because: Because) -> str:
    """Who counted in a rule's place follows from the facts."""
    _, limit, used, period, occasion = because
    if limit is not None:
        return f'{{"used":{used},"period":"{period}","limit":{_as_json(limit)}}}'
    if occasion is not None:
        return f'{{"used":{used},"period":"{period}","occasion":{_as_json(occasion)}}}'
    return NULL


@lru_cache(maxsize=1_000)
def _as_json(term: Limit | Occasion) -> str:
    """A batch meets few of them, each often."""
    return copied_json(term.model_dump_json())


def _legible(note: str) -> str:
    return note.replace("\0", " ").encode(errors="replace").decode()[:NOTE_CHARS_MAX]

"""Carrying out what was decided: the books post, and decisions, outcomes and counters are written down."""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from club.accrual import counters, erasure
from club.accrual.deciding import Decided
from club.accrual.posting import post
from club.accrual.rows import as_json, columns, rows
from club.accrual.rules.facts import kept
from club.accrual.rules.granting import Because
from club.accrual.settled import Line, Settled
from club.accrual.taking import Taken
from club.programme.rules import Life

NOTE_CHARS_MAX = 300


def carry_out(decided: Decided, *, life: Life, now: datetime) -> None:
    """Post and promise what was granted, and write everything down, each table in one statement.

    Raises as `post` does, and ValueError for what PostgreSQL cannot store."""
    post(decided.settled, life=life)
    counters.write(decided.before, decided.used)
    write(decided.settled, now=now)


def write(settled: Sequence[Settled], *, now: datetime) -> None:
    """The decisions and the events' outcomes."""
    _write_lines([line for one in settled for line in one.lines], now=now)
    places: dict[Sequence[str], int] = {}
    outcomes = [
        (
            one.event.id,
            one.state,
            _legible(one.note) if one.note else "",
            as_json(kept(one.facts)) if one.facts else None,
            places.setdefault(one.asked, len(places) + 1) if one.asked else None,
        )
        for one in settled
    ]
    rows(
        """
        insert into accrual_outcome (event_id, state, note, facts, rulebook_id, decided_at)
        select o.event_id, o.state, o.note, o.facts::jsonb, (%(numbers)b::bigint[])[o.rulebook],
               case when o.state = 'decided' then %(now)b::timestamptz end
          from unnest(%(events)b::bigint[], %(states)b::text[], %(notes)b::text[],
                      %(facts)b::text[], %(rulebooks)b::integer[])
               as o (event_id, state, note, facts, rulebook)
            on conflict (event_id) do update  -- it waited
               set state = excluded.state, note = excluded.note, facts = excluded.facts,
                   rulebook_id = excluded.rulebook_id, decided_at = excluded.decided_at
        """,
        now=now,
        numbers=[_number_of(versions) for versions in places],
        **columns("events states notes facts rulebooks", outcomes),
    )
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
    rows(
        """
        insert into accrual_decision (subscriber_id, event_id, rule_id, rule_hash, wanted,
               granted, reason, because, promised_at, decided_at)
        select d.subscriber_id, d.event_id, d.rule_id, d.rule_hash, d.wanted, d.granted, d.reason,
               d.because::jsonb, d.promised_at, %(now)b
          from unnest(%(subscribers)b::bigint[], %(events)b::bigint[], %(rules)b::text[],
                      %(hashes)b::text[], %(wanted)b::bigint[], %(granted)b::bigint[],
                      %(reasons)b::text[], %(because)b::text[], %(promised)b::timestamptz[])
               as d (subscriber_id, event_id, rule_id, rule_hash, wanted, granted, reason, because,
                     promised_at)
        """,
        now=now,
        **columns(
            "subscribers events rules hashes wanted granted reasons because promised",
            [
                (
                    line.subscriber_id,
                    line.event_id,
                    line.rule_id,
                    line.rule_hash,
                    line.wanted,
                    line.granted,
                    line.reason,
                    _stored(line.because),
                    line.promised_at,
                )
                for line in lines
            ],
        ),
    )


def _stored(because: Because | None) -> str | None:
    """Who counted in a rule's place follows from the facts."""
    if because is None:
        return None
    found: dict[str, object] = {"used": because.used, "period": because.period}
    if because.limit is not None:
        return as_json(found | {"limit": because.limit.model_dump(mode="json")})
    if because.occasion is not None:
        return as_json(found | {"occasion": because.occasion.model_dump(mode="json")})
    return None


def _legible(note: str) -> str:
    return note.replace("\0", " ").encode(errors="replace").decode()[:NOTE_CHARS_MAX]

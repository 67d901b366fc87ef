"""A slice of a clawback: the lines whose turn it is, and what became of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from club.accrual import counters
from club.accrual.clawback.standing import IS_CANCELLED, LATEST_COLUMNS, Grant, Latest, latest
from club.accrual.models import Clawback, Clawed
from club.accrual.rows import columns, rows
from club.accrual.rules.counting import Place, Used, places
from club.accrual.rules.granting import give_back
from club.accrual.rules.to_python import compiled
from club.clock import day_of
from club.ledger import actions as ledger

State = Clawed.State


@dataclass(frozen=True, slots=True)
class Line:
    """A line whose turn it is, with what is true of its grant now."""

    subscriber_id: int
    event_id: int
    rule_id: str
    taken_points: int
    is_promise: bool
    parts: int
    granted: Grant
    promised_at: datetime | None
    occurred_at: datetime
    canonical: str
    campaign: str
    is_known: bool
    """Its subscriber was not erased."""
    is_cancelled: bool
    before: Latest
    """What an earlier clawback had done about it."""

    def counters(self) -> list[Place]:
        return places(
            compiled(self.canonical).rule,
            self.campaign,
            subscriber_id=self.subscriber_id,
            at=self.occurred_at,
        )


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a line."""

    line: Line
    state: Clawed.State
    note: str = ""
    taken_points: int = 0
    restored_points: int = 0
    is_promise: bool = False
    parts: int = 0


def turn(clawback: Clawback, state: str, limit: int) -> list[Line]:
    """The next lines, some `limit` of them: all of each account, which are locked before anything else
    is read."""
    keys = rows(
        """
        with open as (
            select subscriber_id from accrual_clawed
             where clawback_id = %(clawback_id)b and state = %(state)b
             order by subscriber_id limit %(limit)b)
        select subscriber_id, event_id, rule_id from accrual_clawed
         where clawback_id = %(clawback_id)b and state = %(state)b
           and subscriber_id <= (select max(subscriber_id) from open)  -- nobody's lines are parted
         order by subscriber_id, event_id, rule_id
        """,
        clawback_id=clawback.pk,
        state=str(state),
        limit=limit,
    )
    if not keys:
        return []
    ledger.lock_accounts(subscriber_ids=sorted({subscriber_id for subscriber_id, *_ in keys}))
    found = rows(
        f"""
        select d.subscriber_id, d.event_id, d.rule_id, c.taken_points, c.is_promise, c.parts,
               d.promised_at, e.occurred_at, v.canonical, v.campaign_id, s.id is not null,
               {IS_CANCELLED}, {LATEST_COLUMNS}
          from unnest(%(subscribers)b::bigint[], %(events)b::bigint[], %(rules)b::text[])
               as k (subscriber_id, event_id, rule_id)
          join accrual_decision d using (subscriber_id, event_id, rule_id)
          join accrual_clawed c on c.subscriber_id = d.subscriber_id and c.event_id = d.event_id
               and c.rule_id = d.rule_id and c.clawback_id = %(clawback_id)b
          join accrual_event e on e.id = d.event_id
          join accrual_ruleversion v on v.hash = d.rule_hash
          left join subscribers_subscriber s on s.id = d.subscriber_id
          {latest(before="clawback_id")}
         order by d.subscriber_id, d.event_id, d.rule_id
        """,  # noqa: S608  of our own pieces
        clawback_id=clawback.pk,
        **columns("subscribers events rules", keys),
    )
    return [_line(row) for row in found]


def _line(row: tuple) -> Line:  # type: ignore[type-arg]  # as selected
    subscriber_id, event_id, rule_id, taken, is_promise, parts, promised_at, occurred_at, *more = (
        row
    )
    canonical, campaign, is_known, is_cancelled, *touched = more
    grant = Grant(event_id, rule_id, day_of(occurred_at), promised_at is not None)
    return Line(
        subscriber_id, event_id, rule_id, taken, is_promise, parts, grant, promised_at,
        occurred_at, canonical, campaign, is_known, is_cancelled, Latest(*touched),
    )  # fmt: skip


def count(done: Sequence[Done]) -> None:
    """The limits' room is there again for what was taken, and gone again for what came back; in the
    period of the event, as with a cancellation."""
    moved = [one for one in done if one.state in (State.TAKEN, State.RESTORED)]
    before = counters.used_at(place for one in moved for place in one.line.counters())
    used = dict(before)
    for one in moved:
        if one.state == State.TAKEN:
            give_back(one.line.counters(), points=one.taken_points, used=used)
        elif one.restored_points:
            for place in {*one.line.counters()}:
                points, times = used[place]
                used[place] = Used(points + one.restored_points, times + 1)
    counters.write(before, used)


def write(clawback: Clawback, done: Sequence[Done]) -> None:
    """The lines, and the sums of the whole."""
    if not done:
        return
    rows(
        """
        update accrual_clawed c
           set state = k.state, note = k.note, taken_points = k.taken, restored_points = k.restored,
               is_promise = k.is_promise = 1, parts = k.parts
          from unnest(%(subscribers)b::bigint[], %(events)b::bigint[], %(rules)b::text[],
                      %(states)b::text[], %(notes)b::text[], %(taken)b::bigint[],
                      %(restored)b::bigint[], %(promises)b::smallint[], %(parts)b::smallint[])
               as k (subscriber_id, event_id, rule_id, state, note, taken, restored, is_promise, parts)
         where c.clawback_id = %(clawback_id)b and c.subscriber_id = k.subscriber_id
           and c.event_id = k.event_id and c.rule_id = k.rule_id
        """,
        clawback_id=clawback.pk,
        **columns(
            "subscribers events rules states notes taken restored promises parts",
            [
                (
                    one.line.subscriber_id,
                    one.line.event_id,
                    one.line.rule_id,
                    one.state.value,
                    one.note,
                    one.taken_points,
                    one.restored_points,
                    int(one.is_promise),
                    one.parts,
                )
                for one in done
            ],
        ),
    )
    clawback.lines_done += len(done)
    if clawback.state == Clawback.State.TAKING:
        clawback.taken_points += sum(one.taken_points for one in done)
    else:
        clawback.restored_points += sum(one.restored_points for one in done)

"""Where the points of a decision stand in the books now: under the key of the grant, nowhere after a
clawback, under other keys once that was undone. Whoever takes a grant back asks here, holding the
account: what is read before may be taken meanwhile.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import NamedTuple

from club.accrual.grants import CLAWED, RESTORED, ref
from club.accrual.models import Clawed
from club.accrual.rows import columns, rows
from club.accrual.rules.event_types import CANCELLATION_OF_E
from club.accrual.taking import Granted, Stand, Taken, Unit

State = Clawed.State

LATEST_COLUMNS = (
    "latest.state, latest.clawback_id, latest.restored_on, latest.parts, latest.is_promise,"
    " latest.restored_points"
)


def latest(before: str = "") -> str:
    """Joins to a decision `d` what clawbacks have done about it last: the columns of Latest.

    Only one clawback of a campaign takes at a time, so their numbers are their order. `before` looks
    at those before one: the name of a parameter.
    """
    bound = f"and c.clawback_id < %({before})b" if before else ""
    return f"""
      left join lateral (
           select c.state, c.clawback_id, b.restored_on, c.parts, c.is_promise, c.restored_points
             from accrual_clawed c
             join accrual_clawback b on b.id = c.clawback_id
            where c.subscriber_id = d.subscriber_id and c.event_id = d.event_id and c.rule_id = d.rule_id
              and c.state in ('taken', 'restored', 'gone') {bound}
            order by c.clawback_id desc
            limit 1) latest on true
    """  # noqa: S608  of our own pieces


IS_CANCELLED = f"""
       exists (select from accrual_event x
                 join accrual_decision t on t.subscriber_id = d.subscriber_id and t.event_id = x.id
                      and t.rule_id = d.rule_id
                where x.source = e.source and x.external_id = e.external_id and x.kind = {CANCELLATION_OF_E})
"""
"""Whether the grant `d` for the event `e` was cancelled: a cancellation writes a line for each grant."""


class Latest(NamedTuple):
    """What clawbacks have done about a decision last; all None where none has."""

    state: str | None
    clawback_id: int | None
    restored_on: date | None
    parts: int | None
    is_promise: bool | None
    restored_points: int | None


class Grant(NamedTuple):
    """A decision that granted points, by its key."""

    event_id: int
    rule_id: str
    day: date
    """The business day of its event."""
    is_promise: bool


def clawed_ref(grant: Grant, clawback_id: int, nth: int) -> str:
    return ref(grant.event_id, grant.rule_id, f"{CLAWED}{clawback_id}.{nth}")


def restored_ref(grant: Grant, clawback_id: int, nth: int) -> str:
    return ref(grant.event_id, grant.rule_id, f"{RESTORED}{clawback_id}.{nth}")


def stands(grant: Grant, touched: Latest) -> tuple[Stand, ...]:
    """The keys under which the books have its points now.

    >>> grant = Grant(7, "top-up", date(2026, 11, 3), is_promise=False)
    >>> [stand.ref for stand in stands(grant, Latest(*[None] * 6))]
    ['7:top-up']
    >>> stands(grant, Latest("taken", 3, None, 1, False, 0))
    ()
    >>> [s.ref for s in stands(grant, Latest("restored", 3, date(2026, 11, 9), 2, False, 50))]
    ['7:top-up:back3.1', '7:top-up:back3.2']
    """
    match touched:
        case Latest(state=None):
            return (Stand(ref(grant.event_id, grant.rule_id), grant.day, grant.is_promise),)
        case Latest(
            state=State.RESTORED,
            clawback_id=int(clawback_id),
            restored_on=date() as restored_on,
            parts=int(parts),
            is_promise=bool(is_promise),
        ):
            day = max(restored_on, grant.day)
            return tuple(
                Stand(restored_ref(grant, clawback_id, nth), day, is_promise)
                for nth in range(1, parts + 1)
            )
        case _:
            return ()


def leave_what_stands(units: Sequence[Unit]) -> None:
    """Tells each earlier grant of these units where its points stand; the accounts are locked."""
    asked = [
        (unit.payment.subscriber_id, unit.payment.id, granted.rule_id)
        for unit in units
        for granted in unit.granted
        if unit.payment is not None and unit.payment.subscriber_id is not None
    ]
    if not asked:
        return
    found = latest_of(asked)
    for unit in units:
        if (payment := unit.payment) is not None:
            unit.granted = [
                _as_it_stands(granted, payment, touched)
                if (touched := found.get((payment.id, granted.rule_id)))
                else granted
                for granted in unit.granted
            ]


def _as_it_stands(granted: Granted, payment: Taken, touched: Latest) -> Granted:
    is_promise = granted.promised_at is not None
    now = stands(Grant(payment.id, granted.rule_id, payment.day, is_promise), touched)
    points = touched.restored_points or 0 if now else granted.points
    return replace(granted, stands=now, points=points)


def latest_of(
    decisions: Iterable[tuple[int, int, str]],
) -> Mapping[tuple[int, str], Latest]:
    """What clawbacks did last about these (subscriber_id, event_id, rule_id), by event and rule;
    decisions that none has touched are left out."""
    found = rows(
        f"""
        select d.event_id, d.rule_id, {LATEST_COLUMNS}
          from unnest(%(subscribers)b::bigint[], %(events)b::bigint[], %(rules)b::text[])
               as d (subscriber_id, event_id, rule_id)
          {latest()}
         where latest.state is not null
        """,  # noqa: S608  of our own pieces
        **columns("subscribers events rules", list(decisions)),
    )
    return {(event_id, rule_id): Latest(*touched) for event_id, rule_id, *touched in found}

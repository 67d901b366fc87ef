"""What a rule would cost an hour, reckoned from a sample of the last four weeks before anybody approves it.

An estimate of what it would want: limits, stacking and what people do because of the rule are left
aside. The simulation says it exactly; this is there at once, while somebody is still writing.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from club.accrual.rows import rows
from club.accrual.rules.facts import Facts, remembered
from club.accrual.rules.model import Rule
from club.accrual.rules.to_python import to_python
from club.accrual.rules.warnings import Doubt, most_points
from club.arrays import literal

DAYS = 28
SAMPLE = 5_000


@dataclass(frozen=True, slots=True)
class Past:
    """Every `step`-th event of the last days: the hour in which it happened, and what rules saw."""

    step: int
    hours: int
    events: Sequence[tuple[datetime, Facts]]


@dataclass(frozen=True, slots=True)
class Cost:
    """Points an hour."""

    usual: int
    peak: int


def past(now: datetime) -> Past:
    """A sample that reads a few thousand rows, however many there are: ids grow as events come in."""
    ((first, last),) = rows("select coalesce(min(id), 0), coalesce(max(id), 0) from accrual_event")
    first = _first_since(now - timedelta(days=DAYS), first, last + 1)
    step = max((last - first) // SAMPLE, 1)
    found = rows(
        """
        select date_trunc('hour', e.occurred_at), o.facts
          from accrual_event e join accrual_outcome o on o.event_id = e.id
         where e.id = any(%(ids)b::bigint[]) and o.facts is not null
        """,
        ids=literal(range(first, last + 1, step)),
    )
    events = [(hour, remembered(facts)) for hour, facts in found]
    begun = min((hour for hour, _ in events), default=now)
    hours = min((now - begun) // timedelta(hours=1) + 1, DAYS * 24)
    return Past(step, max(hours, 1), events)


def cost(rule: Rule, before: Past) -> Cost:
    """What the rule would have wanted, in an hour on average and in the dearest one."""
    points = to_python(rule)
    by_hour: dict[datetime, int] = defaultdict(int)
    for hour, facts in before.events:
        by_hour[hour] += points(*facts) * before.step
    return Cost(sum(by_hour.values()) // before.hours, max(by_hour.values(), default=0))


def doubts(rule: Rule, before: Past) -> Iterator[Doubt]:
    """Whether the rule may be dearer than is meant."""
    estimate = cost(rule, before)
    figures = {"usual": estimate.usual, "peak": estimate.peak, "days": DAYS}
    if not rule.limits:
        yield Doubt(("limits",), "no_budget" if estimate.peak else "no_budget_nor_past", figures)
        return
    largest = most_points(rule)
    for nth, limit in enumerate(rule.limits):
        if limit.each == "subscriber" or limit.unit == "times":
            continue
        place = ("limits", nth, "most")
        if estimate.peak > limit.most:
            yield Doubt(place, "budget_within_an_hour", figures | {"most": limit.most})
        elif largest >= limit.most:
            yield Doubt(place, "budget_in_one_event", {"largest": largest, "most": limit.most})


def _first_since(moment: datetime, low: int, high: int) -> int:
    """The first id received since a moment, found by halving: an index look-up each time."""
    while low < high:
        middle = (low + high) // 2
        found = rows(
            "select received_at from accrual_event where id >= %(id)b order by id limit 1",
            id=middle,
        )
        if found and found[0][0] < moment:
            low = middle + 1
        else:
            high = middle
    return low

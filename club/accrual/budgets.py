"""Budgets: the limits that all subscribers share. What is left of each, and when it will be used up."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from club.accrual import counters
from club.accrual.models import InForce
from club.accrual.paces import Pace, paces
from club.accrual.rules.budgeting import HOUR, HOURS_A_WEEK, runs_out_at
from club.accrual.rules.counting import EVERYBODY, Place, Used, name_of, period_after, period_of
from club.accrual.rules.model import Limit
from club.accrual.rules.to_python import compiled

NIGHT_HOURS = 24
"""A week may begin with hours in which nobody pays."""


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit of a rule, or of a campaign's rules that have it, for all subscribers together."""

    campaign: str
    limit: Limit
    rules: tuple[str, ...]
    """The rules that count in it."""
    used: int
    """In the limit's own unit, in the period of now."""
    ends_at: datetime | None
    """When it begins anew, or the last of its rules ends."""

    @property
    def left(self) -> int:
        return max(self.limit.most - self.used, 0)

    @property
    def percent(self) -> int:
        """Used of it, rounded down, so that 100 is all of it."""
        return min(self.used * 100 // self.limit.most, 100)

    @property
    def name(self) -> str:
        """Whose budget it is: a rule's, or its campaign's."""
        return self.rules[0] if self.limit.of == "rule" else self.campaign


@dataclass(frozen=True, slots=True)
class Forecast:
    """`pace` is what the last seven days used, or the days since it began."""

    budget: Budget
    pace: int
    runs_out_at: datetime | None
    """The hour in which it will be used up; None: not before it ends or begins anew."""
    stopped_since: datetime | None
    """When it was used up: the last grant of the last seven days; None: it is not."""
    is_stopped: bool


def budgets(*, now: datetime) -> list[Budget]:
    """Every budget in force, by campaigns. Some index reads."""
    in_force: dict[tuple[str, str, Limit], list[InForce]] = defaultdict(list)
    for row in (
        InForce.objects.filter(during__contains=now)
        .select_related("version")
        .order_by("version__campaign", "rule_id")
    ):
        for limit in compiled(row.version.canonical).rule.limits:
            if limit.each == "all":
                whose = row.rule_id if limit.of == "rule" else ""
                in_force[row.version.campaign_id, whose, limit].append(row)
    places = {
        key: Place(
            period_of(limit.period, now),
            name_of(limit, rule_id=whose, campaign=campaign),
            EVERYBODY,
        )
        for key in in_force
        for campaign, whose, limit in [key]
    }
    used = counters.seen_at(places.values())
    return [
        Budget(
            campaign=campaign,
            limit=limit,
            rules=tuple(row.rule_id for row in found),
            used=_of(used[places[campaign, whose, limit]], limit),
            ends_at=_ends_at(limit, found, now),
        )
        for (campaign, whose, limit), found in in_force.items()
    ]


def forecasts(*, now: datetime, campaign: str | None = None) -> list[Forecast]:
    """The budgets with the hour in which each runs out."""
    found = [one for one in budgets(now=now) if campaign in (None, one.campaign)]
    hour = now.replace(minute=0, second=0, microsecond=0)
    granted = paces(
        {rule_id for one in found for rule_id in one.rules}, since=hour - HOURS_A_WEEK * HOUR
    )
    return [_forecast(one, granted, hour=hour, now=now) for one in found]


def _forecast(
    budget: Budget, granted: Mapping[str, list[Pace]], *, hour: datetime, now: datetime
) -> Forecast:
    mine = [pace for rule_id in budget.rules for pace in granted.get(rule_id, ())]
    by_hour: dict[datetime, int] = defaultdict(int)
    for pace in mine:
        by_hour[pace.hour] += pace.points if budget.limit.unit == "points" else pace.times
    history = _history(by_hour, hour)
    lasts = [pace.last_at for pace in mine if pace.last_at is not None]
    is_stopped = budget.left == 0
    return Forecast(
        budget=budget,
        pace=sum(by_hour.values()),
        runs_out_at=None
        if is_stopped
        else runs_out_at(budget.left, history, hour=hour, now=now, until=budget.ends_at),
        stopped_since=max(lasts, default=None) if is_stopped else None,
        is_stopped=is_stopped,
    )


def _history(by_hour: Mapping[datetime, int], hour: datetime) -> list[int]:
    """The whole hours before `hour`, oldest first: a week of them, or those since the first grant.

    >>> at = datetime(2026, 11, 18, 12)
    >>> _history({at - 3 * HOUR: 5, at - HOUR: 7, at: 100}, at), _history({at: 100}, at)
    ([5, 0, 7], [100])
    >>> len(_history({at - 160 * HOUR: 5}, at))  # of a week ago, give or take its night
    168
    """
    first = min(by_hour, default=hour)
    hours = (hour - first) // HOUR
    if hours == 0:  # it began within this hour: nothing else is known
        return [by_hour.get(hour, 0)]
    if hours > HOURS_A_WEEK - NIGHT_HOURS:
        hours = HOURS_A_WEEK
    return [by_hour.get(hour - nth * HOUR, 0) for nth in range(hours, 0, -1)]


def _of(used: Used, limit: Limit) -> int:
    return used.points if limit.unit == "points" else used.times


def _ends_at(limit: Limit, found: Iterable[InForce], now: datetime) -> datetime | None:
    ends = [row.during.upper for row in found]
    last = None if None in ends else max(ends)
    known = [at for at in (last, period_after(limit.period, now)) if at is not None]
    return min(known, default=None)

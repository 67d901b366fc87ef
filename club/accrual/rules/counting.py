"""Counters of what was granted: their periods, and which ones a rule has."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from club.accrual.rules.model import Limit, Period, Rule
from club.clock import TASHKENT
from club.tuples import new

EVERYBODY = 0
"""In the place of a subscriber: a counter that all of them share."""


class Place(NamedTuple):
    """Which counter: in which period, of which rule or campaign, whose grants."""

    period: str
    counted: str
    subscriber_id: int


class Used(NamedTuple):
    """What a counter has counted: points and times."""

    points: int = 0
    times: int = 0


def period_of(period: Period, at: datetime) -> str:
    """The period in which an event counts, by its own time in Tashkent; its first day comes first in it.

    >>> from datetime import UTC
    >>> at = datetime(2026, 12, 31, 20, 30, tzinfo=UTC)  # half past one of the new year
    >>> [period_of(one, at) for one in ("hour", "day", "week", "month", "ever")]
    ['2027-01-01T01', '2027-01-01', '2026-12-28/P7D', '2027-01', 'ever']
    """
    return periods_of(at)[period]


def periods_of(at: datetime) -> Mapping[Period, str]:
    """All the periods in which an event counts."""
    local = at.astimezone(TASHKENT)
    return periods_in(local.date(), local.hour)


@lru_cache(maxsize=10_000)
def periods_in(day: date, hour: int) -> Mapping[Period, str]:
    """The same, by the day and the hour in Tashkent: a batch has few."""
    monday = day - timedelta(days=day.weekday())
    return {
        "hour": f"{day.isoformat()}T{hour:02}",
        "day": day.isoformat(),
        "week": f"{monday.isoformat()}/P7D",
        "month": day.isoformat()[:7],
        "ever": "ever",
    }


def period_after(period: Period, at: datetime) -> datetime | None:
    """When the period of an event ends, and the limit begins anew; None for never.

    >>> from datetime import UTC
    >>> at = datetime(2026, 12, 31, 20, 30, tzinfo=UTC)
    >>> [str(period_after(one, at)) for one in ("hour", "week", "month", "ever")]
    ['2027-01-01 02:00:00+05:00', '2027-01-04 00:00:00+05:00', '2027-02-01 00:00:00+05:00', 'None']
    """
    local = at.astimezone(TASHKENT)
    hour = local.replace(minute=0, second=0, microsecond=0)
    midnight = hour.replace(hour=0)
    match period:
        case "hour":
            return hour + timedelta(hours=1)
        case "day":
            return midnight + timedelta(days=1)
        case "week":
            return midnight + timedelta(days=8 - local.isoweekday())
        case "month":
            return (midnight.replace(day=28) + timedelta(days=4)).replace(day=1)
        case "ever":
            return None


class Counted(NamedTuple):
    """What a limit counts, of whomever and whenever."""

    period: Period
    counted: str
    is_shared: bool


def name_of(limit: Limit, *, rule_id: str, campaign: str) -> str:
    """Of what the limit counts the grants."""
    return f"rule:{rule_id}" if limit.of == "rule" else f"campaign:{campaign}"


def counted_by(rule: Rule, campaign: str) -> tuple[Counted, ...]:
    """What each of the rule's limits counts, in their order."""
    return tuple(
        Counted(
            limit.period,
            name_of(limit, rule_id=rule.id, campaign=campaign),
            limit.each != "subscriber",
        )
        for limit in rule.limits
    )


def places_of(
    counted: Sequence[Counted], subscriber_id: int, periods: Mapping[Period, str]
) -> list[Place]:
    """The counters of a subscriber's event in these periods."""
    return [
        new(Place, (periods[period], name, EVERYBODY if is_shared else subscriber_id))
        for period, name, is_shared in counted
    ]


def places(rule: Rule, campaign: str, *, subscriber_id: int, at: datetime) -> list[Place]:
    """The counter of each of the rule's limits, in their order."""
    return places_of(counted_by(rule, campaign), subscriber_id, periods_of(at))

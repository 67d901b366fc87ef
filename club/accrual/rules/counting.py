"""Counters of what was granted: their periods, and which ones a rule has."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from club.accrual.rules.model import Period, Rule
from club.clock import TASHKENT

HOUR_S = 3_600
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
    # Tashkent is whole hours from everywhere that matters, and a batch has few hours.
    return _periods_of(int(at.timestamp()) // HOUR_S)


@lru_cache(maxsize=10_000)
def _periods_of(hour: int) -> Mapping[Period, str]:
    local = datetime.fromtimestamp(hour * HOUR_S, TASHKENT)
    monday = local.date() - timedelta(days=local.weekday())
    return {
        "hour": local.strftime("%Y-%m-%dT%H"),
        "day": local.date().isoformat(),
        "week": f"{monday.isoformat()}/P7D",
        "month": local.strftime("%Y-%m"),
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


def places(rule: Rule, campaign: str, *, subscriber_id: int, at: datetime) -> list[Place]:
    """The counter of each of the rule's limits, in their order."""
    if not rule.limits:
        return []
    periods = periods_of(at)
    return [
        Place(
            periods[limit.period],
            f"rule:{rule.id}" if limit.of == "rule" else f"campaign:{campaign}",
            subscriber_id if limit.each == "subscriber" else EVERYBODY,
        )
        for limit in rule.limits
    ]

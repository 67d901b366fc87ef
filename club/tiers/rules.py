"""Where somebody stands: a function of what counted on which day, and of the day that asks. Pure.

A level that was reached in a period is kept to the end of the next one; then it falls, by so many
steps at each review, to what was reached later. So the level is the highest of what each of the last
periods brought, less the reviews that have passed since: nothing but amounts by day goes in, and it
does not matter in which order they became known, or what anybody's level was before.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple, Protocol, TypeVar

from club.clock import last_day_of_month, months_later

PERIODS = (1, 3, 6, 12)
"""Months that a calendar year divides into."""
WINDOW_MONTHS_MAX = 60
GRACE_DAYS_MAX = 27
"""Less than the shortest period: two reviews never stand at once."""
PACE_DAYS = 90
"""A pace is what came in so many last days."""
FORECAST_MONTHS_MAX = 24
DISCOUNT_PERCENT_MAX = 90
ONE_DAY = timedelta(days=1)


class Measure(StrEnum):
    """What of a subscriber is counted. None of it goes down by spending."""

    POINTS = "points"  # earned, less what was taken back
    MONEY = "money_tiyin"
    EVENTS = "events"
    ACTIVE_DAYS = "active_days"  # days with an event
    TENURE = "tenure_months"  # whole months since joining


@dataclass(frozen=True, slots=True)
class Terms:
    """A scheme's arithmetic; `thresholds` are those of rank 1 and up. See `models.Scheme`."""

    measure: Measure
    period_months: int
    window_months: int | None
    grace_days: int
    landing_steps: int | None
    thresholds: tuple[int, ...]

    @property
    def only_rises(self) -> bool:
        """Nothing but a cancellation takes away what counts."""
        return self.measure is Measure.TENURE or self.window_months is None


class Span(NamedTuple):
    """What counts for one period, both days included, and how far its level has fallen since."""

    first: date
    last: date
    steps_down: int


Amounts = Mapping[date, int]
"""What counted, by day, or by the first day of its month."""


# ---- the level -------------------------------------------------------------------------------
def rank_on(day: date, amounts: Amounts, *, terms: Terms) -> int:
    """The rank that `amounts` give on `day`; what is later than that day does not count yet.

    >>> year = Terms(Measure.POINTS, 12, 12, 0, 1, thresholds=(100, 500, 900))
    >>> gold = {date(2026, 5, 2): 900}
    >>> [rank_on(date(2026 + years, 5, 2), gold, terms=year) for years in range(5)]
    [3, 3, 2, 1, 0]
    """
    return max(
        (
            deserved(counted(span, amounts), terms=terms) - span.steps_down
            for span in spans(day, terms=terms)
        ),
        default=0,
    )


def spans(day: date, *, terms: Terms) -> list[Span]:
    """The periods that may still hold somebody up on `day`, the present one first."""
    if terms.window_months is None:
        return [Span(date.min, day, 0)]
    present = period_of(day, months=terms.period_months)
    # Until the grace is over, the review at the end of the last period has not happened.
    reviewed = period_of(day - timedelta(days=terms.grace_days), months=terms.period_months)
    found: list[Span] = []
    for period in range(present, reviewed - len(terms.thresholds) - 1, -1):
        reviews = max(0, reviewed - period - 1)
        if reviews and terms.landing_steps is None:
            break
        first = first_day((period + 1) * terms.period_months - terms.window_months)
        last = first_day((period + 1) * terms.period_months) - ONE_DAY
        found.append(Span(first, min(last, day), reviews * (terms.landing_steps or 0)))
    return [span for span in found if span.steps_down < len(terms.thresholds)]


def counted(span: Span, amounts: Amounts) -> int:
    return sum(amount for day, amount in amounts.items() if span.first <= day <= span.last)


def deserved(value: int, *, terms: Terms) -> int:
    """The rank that so much of the measure reaches.

    >>> terms = Terms(Measure.POINTS, 1, 12, 0, 1, thresholds=(100, 500))
    >>> [deserved(value, terms=terms) for value in (-1, 99, 100, 499, 500)]
    [0, 0, 1, 1, 2]
    """
    return bisect_right(terms.thresholds, value)


def tenure_months(joined_on: date, day: date) -> int:
    """Whole months in the programme; from the 31st on, a month is over on its last day.

    >>> [tenure_months(date(2026, 1, 31), day) for day in (date(2026, 2, 27), date(2026, 2, 28))]
    [0, 1]
    """
    months = (day.year - joined_on.year) * 12 + day.month - joined_on.month
    return max(0, months if months_later(joined_on, max(0, months)) <= day else months - 1)


def joined_before(months: int, day: date) -> date:
    """Whoever joined before that day has been here for so many whole months on `day`.

    >>> str(joined_before(1, date(2026, 2, 28))), str(joined_before(1, date(2026, 3, 30)))
    ('2026-02-01', '2026-03-01')
    """
    if day == last_day_of_month(day):  # what began on the 31st is over, too
        return last_day_of_month(months_later(day, -months)) + ONE_DAY
    return months_later(day, -months) + ONE_DAY


# ---- what comes next -------------------------------------------------------------------------
def next_review(day: date, *, terms: Terms) -> date:
    """The first day after `day` on which a level may fall; for one that only rises, next month's first.

    >>> quarter = Terms(Measure.POINTS, 3, 3, 10, 1, thresholds=(100,))
    >>> [str(next_review(day, terms=quarter)) for day in (date(2026, 11, 29), date(2027, 1, 5))]
    ['2027-01-11', '2027-01-11']
    """
    months, grace = (1, 0) if terms.only_rises else (terms.period_months, terms.grace_days)
    reviewed = period_of(day - timedelta(days=grace), months=months)
    return first_day((reviewed + 1) * months) + timedelta(days=grace)


def paced(amounts: Amounts, day: date) -> int:
    """What came in the last PACE_DAYS until `day`; `amounts` are by day."""
    return counted(Span(day - timedelta(days=PACE_DAYS - 1), day, 0), amounts)


def reached_on(
    threshold: int, day: date, amounts: Amounts, *, pace: int, terms: Terms
) -> date | None:
    """The day after `day` on which `threshold` is reached if each PACE_DAYS bring `pace`; None: not within
    FORECAST_MONTHS_MAX, whatever the window drops meanwhile.

    >>> year = Terms(Measure.POINTS, 12, 12, 0, 1, thresholds=(1_000,))
    >>> before = {date(2026, 11, 29): 640}
    >>> str(reached_on(1_000, date(2026, 11, 29), before, pace=900, terms=year))
    '2027-04-10'
    >>> reached_on(1_000, date(2026, 11, 29), before, pace=0, terms=year) is None
    True
    """
    if pace <= 0:
        return None
    until = months_later(day, FORECAST_MONTHS_MAX)
    months = terms.period_months
    for period in range(period_of(day, months=months), period_of(until, months=months) + 1):
        end = first_day((period + 1) * months) - ONE_DAY
        (span, *_) = spans(max(day, end), terms=terms)
        missing = max(0, threshold - counted(span._replace(last=day), amounts))
        begin = max(day + ONE_DAY, span.first) - ONE_DAY
        days = -(-missing * PACE_DAYS // pace)
        if days <= (min(end, until) - begin).days:
            return begin + timedelta(days=days)
    return None


# ---- calendar --------------------------------------------------------------------------------
def period_of(day: date, *, months: int) -> int:
    """The number of the calendar period of so many months."""
    return (day.year * 12 + day.month - 1) // months


def first_day(month: int) -> date:
    """
    >>> first_day(2026 * 12)
    datetime.date(2026, 1, 1)
    """
    return date(month // 12, month % 12 + 1, 1)


# ---- what a level brings ---------------------------------------------------------------------
def price_points(full_points: int, *, discount_percent: int) -> int:
    """A price after the level's discount: rounded up, and never nothing.

    >>> price_points(301, discount_percent=10), price_points(1, discount_percent=90)
    (271, 1)
    """
    assert 0 <= discount_percent <= DISCOUNT_PERCENT_MAX
    return -(-full_points * (100 - discount_percent) // 100)


class Level(Protocol):
    """What a level must say to be compared."""

    rank: int


AnyLevel = TypeVar("AnyLevel", bound=Level)


def next_level(levels: Sequence[AnyLevel], *, rank: int) -> AnyLevel | None:
    """The level one step above `rank`, or None at the top."""
    return next((level for level in levels if level.rank == rank + 1), None)

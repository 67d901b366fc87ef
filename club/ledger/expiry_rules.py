"""How long points live: the policies an operator chooses from, and the words for them.

A policy says where a life ends after the least so many months that all points live: on the same
day of that month, or at the end of that month, quarter or year; or never by date, as long as
their owner is active. Days are business days in Asia/Tashkent; the last day is a good day.
"""

from datetime import date, timedelta
from enum import StrEnum

from club.clock import last_day_of_month, months_later

NEVER = date(9999, 12, 31)
"""The last day of points that have none."""


class ExpiryPolicy(StrEnum):
    ROLLING = "rolling"  # The same day, so many months after earning.
    MONTH_END = "month_end"  # Whole months: few lots, and a date easy to remember.
    QUARTER_END = "quarter_end"
    YEAR_END = "year_end"
    ACTIVITY = "activity"  # No date of their own: see `active_since`.


def expires_on(earned_on: date, *, policy: ExpiryPolicy, life_months: int) -> date:
    """The last day on which points earned on `earned_on` are good.

    Where the month has no such day, its last one counts. With 0 months a quarter's points live to
    the end of that same quarter; each three months more are one quarter more, as twelve are a year.

    >>> january = date(2026, 1, 31)
    >>> expires_on(january, policy=ExpiryPolicy.ROLLING, life_months=1)
    datetime.date(2026, 2, 28)
    >>> expires_on(date(2026, 1, 15), policy=ExpiryPolicy.MONTH_END, life_months=1)
    datetime.date(2026, 2, 28)
    >>> expires_on(january, policy=ExpiryPolicy.QUARTER_END, life_months=3)
    datetime.date(2026, 6, 30)
    >>> expires_on(january, policy=ExpiryPolicy.YEAR_END, life_months=12)
    datetime.date(2027, 12, 31)
    >>> expires_on(january, policy=ExpiryPolicy.ACTIVITY, life_months=12) == NEVER
    True
    """
    assert life_months >= 0
    last = months_later(earned_on, life_months)
    match policy:
        case ExpiryPolicy.ROLLING:
            return last
        case ExpiryPolicy.MONTH_END:
            return last_day_of_month(last)
        case ExpiryPolicy.QUARTER_END:
            return last_day_of_month(last.replace(day=1, month=(last.month + 2) // 3 * 3))
        case ExpiryPolicy.YEAR_END:
            return date(last.year, 12, 31)
        case ExpiryPolicy.ACTIVITY:
            return NEVER


def inactive_after(active_on: date, *, inactive_months: int) -> date:
    """The last good day of the points of somebody last active on `active_on`.

    >>> inactive_after(date(2026, 1, 31), inactive_months=1)
    datetime.date(2026, 2, 28)
    """
    assert inactive_months >= 1
    return months_later(active_on, inactive_months)


def active_since(day: date, *, inactive_months: int) -> date:
    """Whoever was last active before this has lost the points by `day`.

    The first day whose `inactive_after` is not before `day`: counting back from the end of a long
    month would spare somebody for some days.

    >>> active_since(date(2026, 3, 31), inactive_months=1)
    datetime.date(2026, 3, 1)
    >>> active_since(date(2026, 3, 28), inactive_months=1)
    datetime.date(2026, 2, 28)
    """
    since = months_later(day, -inactive_months)
    is_early = inactive_after(since, inactive_months=inactive_months) < day
    return since + timedelta(days=1) if is_early else since

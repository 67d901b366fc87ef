"""Time in the country of the programme. A business day is a date in Asia/Tashkent."""

from calendar import monthrange
from datetime import date, datetime
from zoneinfo import ZoneInfo

TASHKENT = ZoneInfo("Asia/Tashkent")


def day_of(at: datetime) -> date:
    """The business day (Asia/Tashkent) of an aware instant."""
    assert at.tzinfo is not None, "an instant without a zone has no business day"
    return at.astimezone(TASHKENT).date()


def months_later(day: date, months: int) -> date:
    """The same day `months` later, or the last day of that month where it has no such day.

    >>> months_later(date(2026, 1, 31), 1)
    datetime.date(2026, 2, 28)
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def last_day_of_month(day: date) -> date:
    """The last day of the month of `day`."""
    return day.replace(day=monthrange(day.year, day.month)[1])

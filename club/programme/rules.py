from datetime import date

from club.clock import last_day_of_month, months_later


def expires_on(earned_on: date, *, life_months: int) -> date:
    """The last day on which points earned on `earned_on` are good: the end of a month.

    Whole months keep a subscriber's lots few and the date easy to remember.

    >>> expires_on(date(2026, 1, 31), life_months=1)
    datetime.date(2026, 2, 28)
    """
    return last_day_of_month(months_later(earned_on, life_months))


def worth_tiyin(points: int, *, point_worth_tiyin: int) -> int:
    """What so many points are worth, in tiyin (1 so'm = 100 tiyin)."""
    return points * point_worth_tiyin

"""What a rule may ask about: one closed, typed list, of what every event has and of what the declared
types of event have besides.

A rule cannot name anything else, so no name out of a rule reaches Python or SQL unchecked. Facts
are computed once, in Asia/Tashkent where they concern time, and kept with the event: neither
compiler ever sees a clock or a zone.
"""

from collections import namedtuple
from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import holidays

from club.accrual.rules.event_types import EVENT_TYPES, fields_of
from club.clock import months_later
from club.tuples import new

AMOUNT_TIYIN_MAX = 10**12
"""The largest amount of one event, ten billion so'm; the inbox refuses more."""


class Common(NamedTuple):
    """The facts of any event, in the order in which compiled rules take them; None is missing."""

    event_type: str | None
    amount: int | None  # tiyin
    channel: str | None
    tariff: str | None
    region: str | None
    tier: str | None
    weekday: int | None  # 1 = Monday … 7 = Sunday
    hour: int | None  # 0 … 23
    tenure_months: int | None  # whole months since joining
    is_holiday: bool | None  # a day off in Uzbekistan, Sundays aside
    is_birthday: bool | None
    segments: tuple[str, ...] | None = None  # of those that rules ask for; None: not known then


COMMON: dict[str, type] = {
    "event_type": str,
    "amount": int,
    "channel": str,
    "tariff": str,
    "region": str,
    "tier": str,
    "weekday": int,
    "hour": int,
    "tenure_months": int,
    "is_holiday": bool,
    "is_birthday": bool,
    "segments": tuple,  # of codes
}
assert tuple(COMMON) == Common._fields, "a compiled rule takes the facts in this order"
DECLARED = fields_of(EVENT_TYPES.values())
assert not COMMON.keys() & DECLARED.keys(), "a declared field has a name of its own"

FIELDS: dict[str, type] = COMMON | DECLARED

NOTHING_DECLARED = (None,) * len(DECLARED)

if TYPE_CHECKING:
    Facts = Common  # the declared ones are asked by rules alone, by name
else:
    Facts = namedtuple("Facts", FIELDS, defaults=[None] * (1 + len(DECLARED)))


def seen(common: tuple[object, ...], declared: Mapping[str, Any]) -> Facts:
    """Facts of an event: what every event has, in its order, and by name what its type declares."""
    facts: Facts = new(Facts, common + NOTHING_DECLARED)
    return facts._replace(**declared) if declared else facts


def kept(facts: Facts) -> dict[str, object]:
    """Facts as they are kept with an event: those that are known."""
    # Most events are of a type that declares none of its own.
    names = COMMON if facts[len(COMMON) :] == NOTHING_DECLARED else FIELDS
    return {name: value for name, value in zip(names, facts, strict=False) if value is not None}


def remembered(stored: Mapping[str, Any]) -> Facts:
    """Facts as they were kept with an event; what was not known of then is missing."""
    facts = Facts(**{field: stored.get(field) for field in FIELDS})
    return facts if facts.segments is None else facts._replace(segments=tuple(facts.segments))


DAYS_OFF = holidays.country_holidays("UZ")
"""By law and by the President's decrees, which move days and name those of the moon; the library's
releases follow them, and say what is only reckoned so far."""


@lru_cache(maxsize=1_000)
def is_holiday(on: date) -> bool:
    """Whether `on` is a public holiday, or a day off in place of one.

    >>> [
    ...     str(day)
    ...     for day in (date(2026, 3, 21), date(2026, 3, 24), date(2026, 3, 9))
    ...     if is_holiday(day)
    ... ]
    ['2026-03-21', '2026-03-09']
    """
    return on in DAYS_OFF


def is_birthday(birth_date: date | None, on: date) -> bool | None:
    """Whether `on` is the day of somebody's birthday; None when it is not known.

    Born on 29 February, one celebrates on 1 March in a common year: not a day younger than the law
    counts, and never twice in a leap year.

    >>> leapling = date(2004, 2, 29)
    >>> [
    ...     day
    ...     for day in (date(2026, 2, 28), date(2026, 3, 1), date(2028, 2, 29), date(2028, 3, 1))
    ...     if is_birthday(leapling, day)
    ... ]
    [datetime.date(2026, 3, 1), datetime.date(2028, 2, 29)]
    """
    if birth_date is None:
        return None
    try:
        return birth_date.replace(year=on.year) == on
    except ValueError:  # 29 February in a common year
        return (on.month, on.day) == (3, 1)


def birthdays_on(on: date) -> list[str]:
    """The days of birth, as month and day, of everybody for whom `on` is a birthday.

    >>> birthdays_on(date(2026, 3, 1)), birthdays_on(date(2028, 3, 1))
    (['0301', '0229'], ['0301'])
    """
    leapling = date(2004, 2, 29)
    days = {f"{on:%m%d}": None}
    if is_birthday(leapling, on):
        days[f"{leapling:%m%d}"] = None
    return list(days)


def joined_on(months: int, *, until: date) -> list[date]:
    """The days of joining since which on `until` exactly so many months are over.

    >>> [str(day) for day in joined_on(1, until=date(2026, 2, 28))]
    ['2026-01-28', '2026-01-29', '2026-01-30', '2026-01-31']
    >>> joined_on(1, until=date(2026, 3, 31))
    []
    """
    month = months_later(until.replace(day=1), -months)
    days = (month + timedelta(days=n) for n in range(until.day - 1, 31))
    return [day for day in days if day.month == month.month and months_later(day, months) == until]


@lru_cache(maxsize=100_000)
def whole_months(since: date, until: date) -> int:
    """How many months are over; none before it began. From the 31st on, a month is over on its last
    day.

    >>> [
    ...     whole_months(date(2026, 1, 31), until)
    ...     for until in (date(2026, 2, 27), date(2026, 2, 28), date(2027, 1, 30), date(2025, 1, 1))
    ... ]
    [0, 1, 11, 0]
    """
    months = (until.year - since.year) * 12 + until.month - since.month
    return max(months if months_later(since, max(months, 0)) <= until else months - 1, 0)

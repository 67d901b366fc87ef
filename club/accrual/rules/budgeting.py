"""When a budget will be used up, at the pace of the last week."""

from collections.abc import Sequence
from datetime import datetime, timedelta

HOURS_A_WEEK = 168
HOUR = timedelta(hours=1)
BUSY_HOURS_MIN = 42
"""In fewer of a week's hours than this something was granted: chance, and not a pattern of the week."""
HORIZON = timedelta(days=730)


def runs_out_at(
    left: int,
    by_hour: Sequence[int],
    *,
    hour: datetime,
    now: datetime,
    until: datetime | None = None,
) -> datetime | None:
    """The beginning of the hour in which `left` will be used up; None: not before `until`, nor in two
    years.

    `by_hour` is what each whole hour until `hour`, the one that `now` lies in, has used, oldest first:
    at most a week, and fewer from the first hour of the budget on. A whole week with enough busy hours
    repeats itself hour by hour; else every hour uses the mean.

    >>> at = datetime(2026, 11, 18, 12)
    >>> str(runs_out_at(100, [10] * 24, hour=at, now=at))
    '2026-11-18 21:00:00'
    >>> runs_out_at(100, [0] * 24, hour=at, now=at) is None
    True
    """
    assert left >= 0
    assert hour <= now < hour + HOUR
    assert 0 < len(by_hour) <= HOURS_A_WEEK
    end = min(until, now + HORIZON) if until is not None else now + HORIZON
    used_by_hour = [max(used, 0) for used in by_hour]  # more was taken back than granted
    whole = sum(used_by_hour)
    if left == 0:
        return hour
    if whole == 0:
        return None
    is_pattern = len(by_hour) == HOURS_A_WEEK and sum(map(bool, used_by_hour)) >= BUSY_HOURS_MIN
    # In parts, so that everything stays whole: of an hour for the one that has begun, of the mean.
    parts = 3_600 * len(by_hour)
    pace = [used * len(by_hour) if is_pattern else whole for used in used_by_hour]
    remaining_s = 3_600 - int((now - hour).total_seconds())
    rest = left * parts - pace[0] * remaining_s
    if rest <= 0:
        return _before(hour, end)
    # Whole weeks at once, then hour by hour.
    cycle = [pace[nth % len(pace)] * 3_600 for nth in range(1, len(pace) + 1)]
    rounds = (rest - 1) // sum(cycle)
    rest -= rounds * sum(cycle)
    at = hour + HOUR + rounds * len(cycle) * HOUR
    for used in cycle:
        rest -= used
        if rest <= 0:
            return _before(at, end)
        at += HOUR
    raise AssertionError("a round uses more than was left for it")


def _before(at: datetime, end: datetime) -> datetime | None:
    return at if at < end else None

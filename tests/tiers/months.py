"""The levels told once more, as a story: day after day, with a memory, in plain Python.

Nothing of the product is used here. Whoever reaches a threshold rises the same day. On the day of a review,
so many days after a period, whoever has reached less than their level in that period, and until
now in the new one, falls towards it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache


@cache
def begins(day: date, months: int) -> date:
    """The first day of the calendar period in which a day lies."""
    while day.day != 1 or (day.month - 1) % months:
        day -= timedelta(days=1)
    return day


@dataclass(frozen=True)
class Ladder:
    period_months: int
    window_months: int | None
    grace_days: int
    landing_steps: int | None
    thresholds: tuple[int, ...]

    def reached(self, amounts: Mapping[date, int], *, period_of: date, until: date) -> int:
        """The rank of what counted until a day for the period in which another one lies."""
        first = self._begins(period_of)
        if self.window_months is None:
            first = date.min
        else:
            for _ in range(self.window_months - self.period_months):
                first = (first - timedelta(days=1)).replace(day=1)
        total = sum(n for day, n in amounts.items() if first <= day <= until)
        return sum(total >= threshold for threshold in self.thresholds)

    def _begins(self, day: date) -> date:
        return begins(day, self.period_months)

    def is_review(self, day: date) -> bool:
        begun = day - timedelta(days=self.grace_days)
        return self._begins(begun) == begun

    def rank_on(self, last: date, amounts: Mapping[date, int], *, joined_on: date) -> int:
        rank, day = 0, joined_on
        while day <= last:
            reached = self.reached(amounts, period_of=day, until=day)
            rank = max(rank, reached)
            if self.window_months is not None and self.is_review(day):
                before = self._begins(day - timedelta(days=self.grace_days)) - timedelta(days=1)
                kept = max(reached, self.reached(amounts, period_of=before, until=before))
                lowest = 0 if self.landing_steps is None else rank - self.landing_steps
                rank = min(rank, max(kept, lowest))
            day += timedelta(days=1)
        return rank

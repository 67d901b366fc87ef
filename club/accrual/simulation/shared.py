"""Limits that all subscribers share: what they leave for each wish, in the order of all events.

They are found by running without them and looking where each is used up. A cut changes what comes after
it and nothing before, so with every round at least the next wish in order is right for good; two or three
rounds are usual.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np

from club.accrual.simulation.worlds import NO_LIMIT, Bools, Counters, Ints, Small


class Queue(NamedTuple):
    """The wishes of all subscribers in the order in which they are decided."""

    rule: Small
    periods: Small
    """A row for each kind."""


def settle(queue: Queue, counters: Counters, desire: Callable[[Ints], Small]) -> Ints:
    """What the shared limits leave for each wish. `desire` answers what the subscribers' own limits
    leave of each under such an allowance, for each kind of limit cuts what later events want of the
    other. It was asked last under an allowance that grants the very same."""
    limits = [*_limits(queue, counters)]
    allowance = np.full(len(queue.rule), NO_LIMIT, np.int64)
    while True:
        desired = desire(allowance)
        after = _allowance(limits, desired)
        if np.array_equal(np.minimum(desired, after), np.minimum(desired, allowance)):
            return after
        allowance = after


def _allowance(limits: list[_Limit], desired: Small) -> Ints:
    """What the limits leave for each wish if so much is desired: one after the other, until none of them
    changes what another one was found to leave."""
    reached = [limit for limit in limits if limit.is_reached(desired)]
    lefts = [np.full(len(limit.bound), NO_LIMIT, np.int64) for limit in reached]
    before: list[Ints] = []
    while not all(map(np.array_equal, before, lefts)) or len(before) != len(lefts):
        before = [*lefts]
        for number, limit in enumerate(reached):
            others = (
                one for place, one in enumerate(zip(reached, lefts, strict=True)) if place != number
            )
            within = _tightest(others, len(desired))
            lefts[number] = limit.left(np.minimum(desired, within)[limit.counted])
    return _tightest(zip(reached, lefts, strict=True), len(desired))


def _tightest(lefts: Iterable[tuple[_Limit, Ints]], wishes: int) -> Ints:
    allowance = np.full(wishes, NO_LIMIT, np.int64)
    for limit, left in lefts:
        allowance[limit.bound] = np.minimum(allowance[limit.bound], left)
    return allowance


class _Limit(NamedTuple):
    """One limit of one size: rules may allow themselves different shares of a counter."""

    unit: str
    most: int
    counted: Ints
    """The places of all wishes that the counter counts, in order."""
    begins: Ints
    """For each of them the first of its period, as a place among them."""
    is_bound: Bools
    """Which of them this limit cuts."""

    @property
    def bound(self) -> Ints:
        return self.counted[self.is_bound]

    def is_reached(self, desired: Small) -> bool:
        amounts = self._amounts(desired[self.counted])
        return bool((self._before(amounts) + amounts > self.most).any())

    def left(self, desired: Small) -> Ints:
        """For each wish that is bound. What was desired beyond the limit adds to the sum only after
        the limit is reached, when nothing is left anyway."""
        left = np.maximum(self.most - self._before(self._amounts(desired)), 0)[self.is_bound]
        return left if self.unit == "points" else np.where(left > 0, NO_LIMIT, 0)

    def _amounts(self, points: Small) -> Ints:
        return (points if self.unit == "points" else points > 0).astype(np.int64)

    def _before(self, amounts: Ints) -> Ints:
        """What the period had counted before each wish."""
        total = np.cumsum(amounts) - amounts
        return total - total[self.begins]


def _limits(queue: Queue, counters: Counters) -> Iterator[_Limit]:
    for number, period in enumerate(counters.periods):
        uses = counters.of_rule == number
        counted = np.flatnonzero(uses.any(axis=0)[queue.rule])
        ids = queue.periods[period, counted]
        is_first = np.append(True, ids[1:] != ids[:-1])[: len(ids)]
        begins = np.maximum.accumulate(np.where(is_first, np.arange(len(ids)), 0))
        rule = queue.rule[counted]
        row = uses.argmax(axis=0)[rule]
        for unit, table in (("points", counters.most_points), ("times", counters.most_times)):
            most = table[row, rule]
            for size in np.unique(most[most < NO_LIMIT]):
                yield _Limit(unit, int(size), counted, begins, most == size)

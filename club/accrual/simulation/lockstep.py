"""What is granted of what rules want, for millions of events: `granting.contest` and `granting.grant`
over columns, to the very point (a test puts both to the same events).

The contest of rules depends on each event alone. Limits of a subscriber depend on what that subscriber
got before, so all subscribers walk in step: first everybody's first wish, then everybody's second.
Limits that all share are in `shared.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from club.accrual.simulation.worlds import PERIODS, Bools, Counters, Ints, Small, World

IN_STEP = 4_096
"""So many subscribers walk together: what they have used stays in the processor's cache."""


class Wishes(NamedTuple):
    """Rules that count for an event and want points, in the order of events and of the contest."""

    event: Small
    """Its place among the events of the chunk."""
    rule: Small
    """Its place in the world."""
    points: Small

    def of(self, chosen: Bools | Ints) -> Wishes:
        return Wishes(self.event[chosen], self.rule[chosen], self.points[chosen])


class Granted(NamedTuple):
    desired: Small
    """What the subscriber's own limits leave of each wish."""
    points: Small
    """What is granted: not more than the shared limits allow."""


def contest(wants: Sequence[npt.NDArray[np.integer]], world: World) -> Wishes:
    """The wishes that count, of the points that each rule of the world wants for each event."""
    if not wants:
        return Wishes(*(np.zeros(0, np.int32),) * 3)
    wanted = np.empty((len(wants[0]), len(wants)), np.bool_)
    for place, points in enumerate(wants):
        np.greater(points, 0, out=wanted[:, place])
    for group in world.groups:
        members = wanted[:, group.places]
        winner = members.argmax(axis=1)
        if group.is_highest.any():
            best = np.stack([wants[place] for place in group.places], axis=1).argmax(axis=1)
            winner = np.where(group.is_highest[winner], best, winner)
        members &= winner[:, np.newaxis] == np.arange(len(group.places))
        wanted[:, group.places] = members
    for place, rivals in enumerate(world.rivals):
        for rival in rivals:
            wanted[:, place] &= ~wanted[:, rival]
    event, rule = (places.astype(np.int32) for places in wanted.nonzero())
    amounts = np.empty(len(event), np.int32)
    for place, column in enumerate(wants):
        mine = np.flatnonzero(rule == place)
        amounts[mine] = column[event[mine]]
    return Wishes(event, rule, amounts)


def grant(
    wishes: Wishes,
    world: World,
    *,
    subscriber: Small,
    periods: Small,
    allowance: Ints | None = None,
) -> Granted:
    """What each wish is granted. `subscriber` (numbers from 0 on, in ascending order) and `periods` (a row
    for each kind) are those of the events; of one subscriber they stand in the order of deciding.
    `allowance` is what the limits that all share leave for each wish.
    """
    desired = wishes.points.copy()
    granted = desired.copy()
    if allowance is not None:
        granted = np.minimum(desired, allowance).astype(np.int32)
    counters = world.own
    if not counters:
        return Granted(desired, granted)
    limited = np.flatnonzero(counters.has_rule[wishes.rule])
    if not len(limited):
        return Granted(desired, granted)

    mine = wishes.of(limited)
    kind = np.array([*counters.periods, PERIODS.index("ever")])[counters.of_rule]
    walk = _Walk(
        counters,
        mine.rule,
        mine.points,
        periods[kind[:, mine.rule], mine.event],
        None if allowance is None else allowance[limited],
    )
    counts = np.bincount(subscriber[mine.event])
    # Whoever has the most wishes comes first, so those who still have one are always the first so many.
    ranked = np.argsort(-counts, kind="stable")
    first = (np.cumsum(counts) - counts)[ranked]
    for begin in range(0, len(ranked), IN_STEP):
        block = slice(begin, begin + IN_STEP)
        walk.through(first[block], counts[ranked[block]])
    desired[limited], granted[limited] = walk.desired, walk.granted
    return Granted(desired, granted)


class _Walk:
    """The wishes with a limit of their subscriber's own, and what became of those walked through."""

    def __init__(
        self,
        counters: Counters,
        rule: Small,
        wanted: Small,
        period: Small,
        allowed: Ints | None,
    ) -> None:
        """`period` is that of each place of a rule's counters."""
        self.rule, self.wanted, self.period, self.allowed = rule, wanted, period, allowed
        self.most_points, self.most_times = counters.most_points, counters.most_times
        # A counter that no limit asks stands in for places which a rule does not use.
        self.counters = len(counters.periods) + 1
        self.counter = np.where(counters.of_rule < 0, self.counters - 1, counters.of_rule)
        self.desired, self.granted = np.empty_like(wanted), np.empty_like(wanted)

    def through(self, first: Ints, counts: Ints) -> None:
        """Some subscribers, whoever has the most wishes first: where those begin, and how many."""
        still = np.cumsum(np.bincount(counts)[::-1])[::-1]  # how many have so many or more
        used_points = np.zeros(self.counters * len(counts), np.int64)
        used_times = np.zeros_like(used_points, np.int32)
        used_in = np.zeros_like(used_times)
        state = np.arange(len(counts)) * self.counters
        for step in range(1, len(still)):
            now = first[: still[step]] + (step - 1)
            rule, begun = self.rule[now], self.period[:, now]
            cell = self.counter[:, rule] + state[: still[step]]
            is_same = used_in[cell] == begun
            points, times = used_points[cell] * is_same, used_times[cell] * is_same
            left = self.most_points[:, rule] - points
            left[times >= self.most_times[:, rule]] = 0
            got = np.minimum(self.wanted[now], np.maximum(left.min(axis=0), 0))
            self.desired[now] = got
            if self.allowed is not None:
                got = np.minimum(got, self.allowed[now])
            self.granted[now] = got
            used_points[cell] = points + got
            used_times[cell] = times + (got > 0)
            used_in[cell] = begun


def backwards(wishes: Wishes, subscriber: Small) -> Ints:
    """The wishes' places with each subscriber's events in reverse order, those of one event as they were."""
    event = wishes.event
    counts = np.bincount(subscriber) if len(subscriber) else np.zeros(0, np.int64)
    end = np.cumsum(counts)
    mirrored = (2 * end - counts - 1)[subscriber[event]] - event
    return np.argsort(mirrored, kind="stable")

"""Granting over chunks of subscribers: each alone where limits are personal, all together where shared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from club.accrual.simulation import occasions, shared
from club.accrual.simulation.lockstep import Granted, Wishes, backwards, contest, grant
from club.accrual.simulation.occasions import Column, Past
from club.accrual.simulation.worlds import NO_LIMIT, Bools, Ints, Small, World


class Crowd(NamedTuple):
    """What the rules of a world that count for events wish of them."""

    wishes: Wishes
    past: Past
    came: Mapping[int, int]
    held_out: Mapping[int, Bools]
    """Both as occasions.Put."""

    @classmethod
    def of(
        cls,
        wants: Sequence[Column],
        world: World,
        past: Past,
        amount: Ints,
        *,
        is_forwards: bool = True,
    ) -> Crowd:
        """`wants` has a column for each rule of the world, `amount` the tiyin of each event."""
        put = occasions.put(wants, world, past, amount, is_forwards=is_forwards)
        return cls(contest(put.wants, world), past, put.came, put.held_out)

    def granted(self, world: World, allowance: Ints | None = None) -> Granted:
        return grant(
            self.wishes,
            world,
            subscriber=self.past.subscriber,
            periods=self.past.periods,
            allowance=allowance,
        )


def settled(crowds: Sequence[Crowd], world: World) -> list[Small]:
    """What is granted of every wish, crowd by crowd."""
    return _settled(crowds, world, is_forwards=True)


def settled_turned(crowds: Sequence[Crowd], world: World) -> list[Small]:
    """The same had all events come in the opposite order, of crowds that are not forwards; for the wishes
    as they stand."""
    places = [backwards(crowd.wishes, crowd.past.subscriber) for crowd in crowds]
    turned = [
        crowd._replace(wishes=crowd.wishes.of(there))
        for crowd, there in zip(crowds, places, strict=True)
    ]
    granted = []
    for there, points in zip(places, _settled(turned, world, is_forwards=False), strict=True):
        as_they_stand = np.empty_like(points)
        as_they_stand[there] = points
        granted.append(as_they_stand)
    return granted


def _settled(crowds: Sequence[Crowd], world: World, *, is_forwards: bool) -> list[Small]:
    if not world.shared or not crowds:
        return [crowd.granted(world).points for crowd in crowds]
    queue, places = _queue(crowds, world, is_forwards=is_forwards)
    cuts = np.cumsum([len(crowd.wishes.rule) for crowd in crowds])
    answers = [crowd.granted(world) for crowd in crowds]

    def desire(allowance: Ints) -> Small:
        """Both in the order of the queue. Whoever would be granted the same is not asked again."""
        mine = np.full(cuts[-1], NO_LIMIT, np.int64)
        mine[places] = allowance
        for crowd, answer, part in zip(crowds, answers, np.split(mine, cuts[:-1]), strict=True):
            changed = np.minimum(answer.desired, part) != answer.points
            owner = crowd.past.subscriber[crowd.wishes.event]
            again = np.flatnonzero(np.isin(owner, owner[changed]))
            fewer = crowd._replace(wishes=crowd.wishes.of(again))
            for known, new in zip(answer, fewer.granted(world, part[again]), strict=True):
                known[again] = new
        return np.concatenate([answer.desired for answer in answers])[places]

    shared.settle(queue, world.shared, desire)
    return [answer.points for answer in answers]  # of the last round, which changed nothing more


def _queue(
    crowds: Sequence[Crowd], world: World, *, is_forwards: bool
) -> tuple[shared.Queue, Ints]:
    """The wishes with a shared limit in the order of deciding, and their places among all wishes."""
    is_shared = world.shared.has_rule
    sign = 1 if is_forwards else -1
    every = np.concatenate([crowd.wishes.rule for crowd in crowds])
    places = np.flatnonzero(is_shared[every])
    events = [(crowd, crowd.wishes.event[is_shared[crowd.wishes.rule]]) for crowd in crowds]
    at = np.concatenate([crowd.past.occurred_us[event] for crowd, event in events])
    number = np.concatenate([crowd.past.event_id[event] for crowd, event in events])
    periods = np.concatenate([crowd.past.periods[:, event] for crowd, event in events], axis=1)
    order = np.lexsort((sign * number, sign * at))
    places = places[order]
    return shared.Queue(every[places], periods[:, order]), places

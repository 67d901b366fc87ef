"""Which wishes come on an occasion, and whose are held out: `rules/occasions.py` and
`granting.is_held_out` over columns, to the very event (a test puts both to the same events).

Both follow from what rules want of the events of one subscriber, in their order, and never from what was
granted. So they are worked out before the contest, where whoever waits or is held out wants nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from club.accrual.rules.granting import lots_of
from club.accrual.rules.model import Milestone, Nth, Occasion, Streak
from club.accrual.simulation.worlds import PERIODS, Bools, Ints, Seen, Small, World

Column = npt.NDArray[np.integer]

FIRST_NUMBER = {"day": 719_163, "week": 102_737, "month": 1970 * 12 + 1}
"""What `occasions.number_of` says where `worlds.period_ids` says 0: versions of a rule share one streak,
even if they count it in different periods."""
NUMBER_BITS = 24


class Past(NamedTuple):
    """Events as columns, in the order of subscribers and, of each, in which they are decided."""

    subscriber_ids: Ints
    subscriber: Small
    """Of each event, as a place among these; in ascending order."""
    occurred_us: Ints
    event_id: Ints
    periods: Small
    """A row for each of worlds.PERIODS."""


class Put(NamedTuple):
    """What the rules of a world put into the contest."""

    wants: Sequence[Column]
    came: Mapping[int, int]
    """How often the occasion of a rule came to subscribers who are not held out."""
    held_out: Mapping[int, Bools]
    """From which subscribers a rule would have wanted something, were they not held out."""


def put(
    wants: Sequence[Column], world: World, past: Past, amount: Ints, *, is_forwards: bool = True
) -> Put:
    """`wants` has a column for each rule of the world, `amount` the tiyin of each event. Not forwards: as if
    each subscriber's events had come in the opposite order."""
    lots = cache(partial(drawn, subscriber_ids=past.subscriber_ids))
    is_out = [lots(one.campaign) < one.holdout_percent for one in world.entrants]
    found = [*wants]
    came, held_out = {}, {}
    for seen in world.seen:
        for rule, event, often in _reached(seen, wants, past, amount, is_forwards=is_forwards):
            cap = world.entrants[rule].rule.reward.cap_per_event
            found[rule] = np.zeros(len(amount), np.int32)
            found[rule][event] = np.minimum(wants[rule][event] * often, cap)
            came[rule] = int(often[~is_out[rule][past.subscriber[event]]].sum())
    for rule, out in enumerate(is_out):
        if out.any():
            held = (found[rule] > 0) & out[past.subscriber]
            held_out[rule] = np.bincount(past.subscriber[held], minlength=len(out)) > 0
            found[rule] = np.where(held, 0, found[rule])
    return Put(found, came, held_out)


def drawn(campaign: str, subscriber_ids: Ints) -> Ints:
    """The lot of each subscriber, 0 to 99: whoever has one below its percentage is held out."""
    factor, summand = map(np.uint64, lots_of(campaign))
    # The product leaves 64 bits, and what is left of it is the remainder that is meant.
    lots = (factor * subscriber_ids.astype(np.uint64) + summand) >> np.uint64(32)
    return (lots * np.uint64(100) >> np.uint64(32)).astype(np.int64)


def _reached(
    seen: Seen, wants: Sequence[Column], past: Past, amount: Ints, *, is_forwards: bool
) -> Iterator[tuple[int, Ints, Ints]]:
    """Each rule that uses the counter, the events of which it wants points, and how often each counts. One
    rule at most wants any of an event, for they are versions of each other."""
    wanted = np.stack([wants[rule] > 0 for rule in seen.rules])
    event = np.flatnonzero(wanted.any(axis=0))
    if not is_forwards:
        event = event[::-1]  # the subscribers, too, but they have nothing to do with each other
    version = wanted[:, event].argmax(axis=0)
    owner, own = past.subscriber[event], amount[event]
    if streaks := [one for one in seen.occasions if isinstance(one, Streak)]:
        row = np.array([PERIODS.index(one.period) for one in streaks])
        first = np.array([FIRST_NUMBER[one.period] for one in streaks])
        nth = _lengths(owner, first[version] + past.periods[row[version], event])
        total = own
    else:
        is_new = _is_new(owner) | _is_new(past.periods[seen.period, event])
        nth = _since(is_new, np.ones_like(own))
        total = _since(is_new, own)
    for place, (rule, occasion) in enumerate(zip(seen.rules, seen.occasions, strict=True)):
        mine = version == place
        yield rule, event[mine], _times(occasion, nth[mine], total[mine], own[mine])


def _times(occasion: Occasion, nth: Ints, total: Ints, own: Ints) -> Ints:
    """`nth` event or period there is (0: none that counts); `total` in tiyin, with the event's `own`."""
    if isinstance(occasion, Milestone):
        before = total - own
        passed: Ints = total // occasion.amount - before // occasion.amount
        return passed if occasion.repeats else passed.clip(max=1) * (before < occasion.amount)
    every = occasion.n if isinstance(occasion, Nth) else occasion.length
    is_it: Bools = (nth > 0) & (nth % every == 0) if occasion.repeats else nth == every
    return is_it.astype(np.int64)


def _lengths(owner: Small, number: Ints) -> Ints:
    """How long the streak is with each event; 0 for one that comes in no later period than those before."""
    # With the subscriber in front, whoever comes first in the column has the lower ones.
    rank = np.cumsum(_is_new(owner)) << NUMBER_BITS | number
    counted = np.flatnonzero(rank > np.append(-1, np.maximum.accumulate(rank)[:-1])[: len(rank)])
    on_end = np.append(False, np.diff(rank[counted]) == 1)[: len(counted)]
    lengths = np.zeros(len(rank), np.int64)
    lengths[counted] = _since(~on_end, np.ones(len(counted), np.int64))
    return lengths


def _is_new(values: Small) -> Bools:
    """Which differ from the one before."""
    return np.append(True, values[1:] != values[:-1])[: len(values)]


def _since(is_new: Bools, amounts: Ints) -> Ints:
    """The sum of each with those before it, back to the last that is new."""
    total: Ints = np.cumsum(amounts)
    begins = np.maximum.accumulate(np.where(is_new, np.arange(len(amounts)), 0))
    before: Ints = total - amounts
    return total - before[begins]

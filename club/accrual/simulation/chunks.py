"""Past events with what is wanted of them, some subscribers at a time, wherever they were read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from club.accrual.simulation import wants
from club.accrual.simulation.granting import Crowd
from club.accrual.simulation.occasions import Past
from club.accrual.simulation.wants import Span
from club.accrual.simulation.worlds import PERIODS, Entrant, Ints, Small, World, period_ids

DAY = PERIODS.index("day")
Cohort = tuple[str | None, ...]
"""The facts of wants.TOLD_APART."""


class Chunk(NamedTuple):
    """Some subscribers with all their events of which any rule of any world wants points."""

    past: Past
    day: Small
    """Of each event, as a number since 1970."""
    cohort: Small
    """Of each event, as a place among the cohorts."""
    crowds: Sequence[Crowd]
    """One for each world."""
    turned: Crowd
    """That of the last world, had the events come in the opposite order."""


class Events(Protocol):
    """The exported events of some days, open in DuckDB or in Spark."""

    @property
    def span(self) -> Span: ...

    @property
    def count(self) -> int:
        """Those that were not cancelled."""

    @property
    def known_facts(self) -> dict[str, int]:
        """How many of them know each fact."""

    def values(self, fact: str) -> set[str]:
        """Each value of a fact that any of them has; of a list each of its parts."""

    @property
    def cohorts(self) -> Sequence[Cohort]: ...

    def chunks(self, worlds: Sequence[World], *, told: Callable[[float], None]) -> Iterator[Chunk]:
        """`told` hears what part of them has been read."""


def chunk_of(
    table: dict[str, Any], columns: Sequence[Entrant], worlds: Sequence[World], cancelled: Ints
) -> Chunk:
    """A table in the order of subscribers and, of each, of deciding, put to the contest of each world.
    `cancelled` are the ids of events that do not count, in ascending order."""
    wanted = [table[f"w{place}"] for place in range(len(columns))]
    some = np.zeros(len(table["event_id"]), np.bool_)
    for points in wanted:
        some |= points > 0
    if len(cancelled):
        ids = table["event_id"]
        at = np.minimum(np.searchsorted(cancelled, ids), len(cancelled) - 1)
        some &= cancelled[at] != ids
    kept = np.flatnonzero(some)
    wanted = [points[kept] for points in wanted]
    owner, occurred_us, event_id, amount = (
        np.asarray(table[name][kept], np.int64)
        for name in ("subscriber_id", "occurred_us", "event_id", "amount")
    )
    periods = period_ids(occurred_us)
    is_new = np.append(True, owner[1:] != owner[:-1])[: len(owner)]
    subscriber = (np.cumsum(is_new) - 1).astype(np.int32)
    past = Past(owner[is_new], subscriber, occurred_us, event_id, periods)

    def crowd(world: World, *, is_forwards: bool = True) -> Crowd:
        asked = [wanted[place] for place in wants.places_in(columns, world)]
        return Crowd.of(asked, world, past, amount, is_forwards=is_forwards)

    crowds = [crowd(world) for world in worlds]
    return Chunk(
        past,
        periods[DAY],
        np.asarray(table["cohort"][kept], np.int32),
        crowds,
        crowd(worlds[-1], is_forwards=False) if worlds[-1].seen else crowds[-1],
    )

"""Past events with what is wanted of them, some subscribers at a time, out of DuckDB."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import numpy as np

from club.accrual.rules.facts import FIELDS
from club.accrual.simulation import export, wants
from club.accrual.simulation.granting import Crowd
from club.accrual.simulation.wants import TOLD_APART, Span
from club.accrual.simulation.worlds import Entrant, Ints, World

EVENTS_A_CHUNK = 2_500_000
"""A gigabyte at most with two hundred rules."""

Cohort = tuple[str | None, ...]
"""The facts of TOLD_APART."""


class Chunk(NamedTuple):
    """Some subscribers with all their events of which any rule of any world wants points."""

    subscriber_ids: Ints
    subscriber: Ints
    """Of each event, as a place among these."""
    occurred_us: Ints
    cohort: Ints
    """Of each event, as a place among the cohorts."""
    crowds: Sequence[Crowd]
    """One for each world."""


@dataclass(frozen=True, slots=True)
class Events:
    """The exported events of some days, open in DuckDB."""

    duck: duckdb.DuckDBPyConnection
    span: Span
    count: int
    """Those that were not cancelled."""
    known_facts: dict[str, int]
    """How many of them know each fact."""
    cohorts: Sequence[Cohort]

    def chunks(
        self,
        worlds: Sequence[World],
        *,
        told: Callable[[float], None],
        events_a_chunk: int = EVENTS_A_CHUNK,
    ) -> Iterator[Chunk]:
        """`told` hears what part of them has been read."""
        columns = wants.columns_of(worlds)
        number = max(math.ceil(self.count / events_a_chunk), 1)
        for part in range(number):
            table = self._read(columns, part, number)
            yield chunk_of(table, columns, worlds)
            told((part + 1) / number)

    def _read(self, columns: Sequence[Entrant], part: int, number: int) -> dict[str, Any]:
        listed = ", ".join(f"w{place}" for place in range(len(columns)))
        asked = wants.select(columns, "duckdb", events="events", span=self.span)
        same = " and ".join(f"w.{name} is not distinct from c.{name}" for name in TOLD_APART)
        return self.duck.execute(
            f"select subscriber_id, occurred_us, event_id, c.cohort{listed and ', '}{listed}"
            f" from ({asked} and e.subscriber_id % {number} = {part}) w join cohorts c on {same}"
            " order by subscriber_id, occurred_us, event_id"
        ).fetchnumpy()


@contextmanager
def opened(paths: Sequence[Path], span: Span) -> Iterator[Events]:
    """The events of these files. What it spills is gone afterwards."""
    with duckdb.connect(config=export.duck_settings()) as duck:
        duck.execute(f"create view every_event as {export.source(paths)}")
        begins, ends = map(wants.microseconds, (span.begins, span.ends))
        duck.execute(
            "create view events as from every_event"
            f" where occurred_us >= {begins} and occurred_us < {ends}"
        )
        known = ", ".join(f'count("{name}")' for name in FIELDS)
        row = duck.execute(
            f"select count(*), {known} from events e where cancels is null"
            " and not exists (select 1 from events c where c.cancels = e.event_id)"
        ).fetchone()
        assert row is not None
        listed = ", ".join(TOLD_APART)
        duck.execute(
            f"create table cohorts as select row_number() over () - 1 as cohort, {listed}"
            f" from (select distinct {listed} from events where cancels is null)"
        )
        cohorts = duck.execute(f"select {listed} from cohorts order by cohort").fetchall()
        yield Events(duck, span, row[0], dict(zip(FIELDS, row[1:], strict=True)), cohorts)


def chunk_of(table: dict[str, Any], columns: Sequence[Entrant], worlds: Sequence[World]) -> Chunk:
    """A table in the order of subscribers and, of each, of deciding, put to the contest of each world."""
    wanted = [table[f"w{place}"] for place in range(len(columns))]
    some = np.zeros(len(table["event_id"]), np.bool_)
    for points in wanted:
        some |= points > 0
    some = np.flatnonzero(some)
    wanted = [points[some] for points in wanted]
    owner, occurred_us, event_id, cohort = (
        np.asarray(table[name][some], np.int64)
        for name in ("subscriber_id", "occurred_us", "event_id", "cohort")
    )
    is_new = np.append(True, owner[1:] != owner[:-1])[: len(owner)]
    subscriber = np.cumsum(is_new) - 1
    crowds = [
        Crowd.of(
            [wanted[place] for place in wants.places_in(columns, world)],
            world,
            subscriber,
            occurred_us,
            event_id,
        )
        for world in worlds
    ]
    return Chunk(owner[is_new], subscriber, occurred_us, cohort, crowds)

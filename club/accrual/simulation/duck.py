"""The exported events on one machine: DuckDB reads them, some subscribers at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from club.accrual.rules.facts import FIELDS
from club.accrual.simulation import export, wants
from club.accrual.simulation.chunks import Chunk, Cohort, chunk_of
from club.accrual.simulation.wants import TOLD_APART, Span
from club.accrual.simulation.worlds import Entrant, Ints, World

if TYPE_CHECKING:
    import duckdb

EVENTS_A_CHUNK = 2_500_000
"""A gigabyte at most with a hundred rules."""


@dataclass(frozen=True, slots=True)
class DuckEvents:
    """As chunks.Events."""

    duck: duckdb.DuckDBPyConnection
    span: Span
    count: int
    known_facts: dict[str, int]
    cohorts: Sequence[Cohort]
    cancelled: Ints

    def values(self, fact: str) -> set[str]:
        parts = f'unnest("{fact}")' if FIELDS[fact] is tuple else f'"{fact}"'
        asked = f"select distinct {parts} from events where cancels is null"
        return {value for (value,) in self.duck.execute(asked).fetchall() if value is not None}

    def chunks(
        self,
        worlds: Sequence[World],
        *,
        told: Callable[[float], None],
        events_a_chunk: int = EVENTS_A_CHUNK,
    ) -> Iterator[Chunk]:
        columns = wants.columns_of(worlds)
        number = max(math.ceil(self.count / events_a_chunk), 1)
        for part in range(number):
            table = self._read(columns, part, number)
            yield chunk_of(table, columns, worlds, self.cancelled)
            told((part + 1) / number)

    def _read(self, columns: Sequence[Entrant], part: int, number: int) -> dict[str, Any]:
        listed = ", ".join(f"w{place}" for place in range(len(columns)))
        asked = wants.select(columns, "duckdb", span=self.span)
        same = " and ".join(f"w.{name} is not distinct from c.{name}" for name in TOLD_APART)
        return self.duck.execute(
            f"select subscriber_id, occurred_us, event_id, amount, c.cohort{listed and ', '}{listed}"
            f" from ({asked} and e.subscriber_id % {number} = {part}) w join cohorts c on {same}"
            " order by subscriber_id, occurred_us, event_id"
        ).fetchnumpy()


@contextmanager
def opened(paths: Sequence[Path], span: Span) -> Iterator[DuckEvents]:
    """The events of these files. What it spills is gone afterwards."""
    with export.connected() as duck:
        duck.execute(f"create view every_event as {export.source(paths)}")
        begins, ends = map(wants.microseconds, (span.begins, span.ends))
        duck.execute(
            "create view events as from every_event"
            f" where occurred_us >= {begins} and occurred_us < {ends}"
        )
        listed = ", ".join(TOLD_APART)
        known = ", ".join(f'count("{name}")' for name in FIELDS)
        duck.execute(
            f"create table cohorts as select row_number() over () - 1 as cohort, {listed},"
            f" [count(*), {known}] as counts from events where cancels is null group by all"
        )
        asked = "select distinct cancels from events where cancels is not null order by cancels"
        cancelled = duck.execute(asked).fetchnumpy()["cancels"]
        cohorts = duck.execute(f"select {listed} from cohorts order by cohort").fetchall()
        counts = duck.execute("select counts from cohorts").fetchall()
        none = ([0] * (1 + len(FIELDS)),)
        count, *known_facts = map(sum, zip(*(one for (one,) in [none, *counts]), strict=True))
        facts = dict(zip(FIELDS, known_facts, strict=True))
        yield DuckEvents(duck, span, count - len(cancelled), facts, cohorts, cancelled)

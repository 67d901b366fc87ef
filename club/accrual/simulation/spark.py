"""The exported events on a cluster, for what outgrows one machine: the very SELECT that DuckDB gets, and
all events of a subscriber in one partition, where they are put to the contest of rules.

The machines of the cluster need this program on their path, and read the files under the same names.
pyspark is not among what `make run` installs: whoever has a cluster brings its release of it.
"""

from __future__ import annotations

import importlib
import logging
import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from club.accrual.rules.facts import FIELDS
from club.accrual.simulation import wants
from club.accrual.simulation.chunks import Chunk, Cohort, chunk_of
from club.accrual.simulation.wants import TOLD_APART, Span
from club.accrual.simulation.worlds import Entrant, Ints, World
from club.errors import ClubError

EVENTS_A_PARTITION = 500_000
PROGRAM = Path(__file__).parents[3]
OWN = ("subscriber_id", "occurred_us", "event_id", "amount")


class NoSpark(ClubError):
    """pyspark is not installed."""

    code = "no_spark"


@dataclass(frozen=True, slots=True)
class SparkEvents:
    """As chunks.Events."""

    session: Any
    span: Span
    count: int
    known_facts: dict[str, int]
    cohorts: Sequence[Cohort]
    cancelled: Ints

    def values(self, fact: str) -> set[str]:
        parts = f"explode({fact})" if FIELDS[fact] is tuple else fact
        asked = f"select distinct {parts} from events where cancels is null"
        return {row[0] for row in self.session.sql(asked).collect() if row[0] is not None}

    def chunks(self, worlds: Sequence[World], *, told: Callable[[float], None]) -> Iterator[Chunk]:
        columns = wants.columns_of(worlds)
        number = max(math.ceil(self.count / EVENTS_A_PARTITION), 2)
        read = partial(
            _chunk,
            columns=columns,
            worlds=worlds,
            cohorts={cohort: place for place, cohort in enumerate(self.cohorts)},
            cancelled=self.cancelled,
        )
        asked = self.session.sql(wants.select(columns, "spark", span=self.span))
        parts = asked.repartition(number, "subscriber_id").rdd.mapPartitions(read)
        # One partition after the other comes here, while the next is being worked out.
        for done, chunk in enumerate(parts.toLocalIterator(prefetchPartitions=True), 1):
            yield chunk
            told(done / number)


@contextmanager
def opened(paths: Sequence[Path], span: Span, *, master: str) -> Iterator[SparkEvents]:
    """Raises NoSpark."""
    try:
        builder = importlib.import_module("pyspark.sql").SparkSession.builder
    except ImportError as error:
        raise NoSpark("Spark is not installed: install pyspark beside the club") from error
    logging.getLogger("py4j").setLevel(logging.WARNING)  # it tells of every call
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    session = (
        builder.master(master)
        .appName("club simulation")
        .config("spark.executorEnv.PYTHONPATH", str(PROGRAM))
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.ui.enabled", "false")
        .getOrCreate()
    )
    try:
        yield _events(session, paths, span)
    finally:
        session.stop()


def _events(session: Any, paths: Sequence[Path], span: Span) -> SparkEvents:
    every = session.read.option("mergeSchema", "true").parquet(*map(str, paths))
    begins, ends = map(wants.microseconds, (span.begins, span.ends))
    missing = [f"cast(null as {TYPES[FIELDS[f]]}) as {f}" for f in FIELDS if f not in every.columns]
    events = every.selectExpr("*", *missing)
    events.where(f"occurred_us >= {begins} and occurred_us < {ends}").createOrReplaceTempView(
        "events"
    )
    listed, known = ", ".join(TOLD_APART), ", ".join(f"count({name})" for name in FIELDS)
    found = session.sql(
        f"select {listed}, count(*), {known} from events where cancels is null group by {listed}"
    ).collect()
    sums = [sum(column) for column in zip(*(row[len(TOLD_APART) :] for row in found), strict=True)]
    asked = "select distinct cancels from events where cancels is not null order by cancels"
    cancelled = np.array([row[0] for row in session.sql(asked).collect()], np.int64)
    count, *facts = sums or [0] * (1 + len(FIELDS))
    return SparkEvents(
        session,
        span,
        count - len(cancelled),
        dict(zip(FIELDS, facts, strict=True)),
        [tuple(row[: len(TOLD_APART)]) for row in found],
        cancelled,
    )


TYPES: dict[type, str] = {str: "string", int: "bigint", bool: "boolean", tuple: "array<string>"}


def _chunk(
    rows: Iterable[Any],
    *,
    columns: Sequence[Entrant],
    worlds: Sequence[World],
    cohorts: dict[Cohort, int],
    cancelled: Ints,
) -> Iterator[Chunk]:
    """On a machine of the cluster: rows as wants.select names them, turned into one chunk."""
    width = len(OWN) + len(TOLD_APART)
    lines = [
        (*row[: len(OWN)], cohorts[tuple(row[len(OWN) : width])], *row[width:]) for row in rows
    ]
    table = np.array(lines, np.int64).reshape(len(lines), len(OWN) + 1 + len(columns)).T
    table = table[:, np.lexsort((table[2], table[1], table[0]))]
    names = [*OWN, "cohort", *(f"w{place}" for place in range(len(columns)))]
    yield chunk_of(dict(zip(names, table, strict=True)), columns, worlds, cancelled)

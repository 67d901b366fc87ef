"""What each rule version wants of past events: one SELECT with a column for each, so that the events are
read once. The same text for DuckDB, on one machine, and for Spark, on many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from club.accrual.rules.to_sql import Dialect, to_sql
from club.accrual.simulation.worlds import DAY_US, TASHKENT_US, Entrant, World
from club.clock import TASHKENT

TOLD_APART = ("tier", "region", "tariff")
"""The facts by which results are told apart, beside the day."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Span:
    """Business days in Tashkent, both included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def begins(self) -> datetime:
        return datetime.combine(self.first, time(), TASHKENT)

    @property
    def ends(self) -> datetime:
        return datetime.combine(self.last + timedelta(days=1), time(), TASHKENT)

    @property
    def first_day(self) -> int:
        """As a number of days since 1970."""
        return (microseconds(self.begins) + TASHKENT_US) // DAY_US


def microseconds(at: datetime) -> int:
    """Since 1970; whole numbers, as a float of this size would not be exact."""
    return (at - EPOCH) // timedelta(microseconds=1)


def columns_of(worlds: Sequence[World]) -> list[Entrant]:
    """The columns of several worlds: what they have in common is asked once."""
    found: dict[tuple[str, int | None, int | None], Entrant] = {}
    for world in worlds:
        for one in world.entrants:
            found.setdefault(_key(one), one)
    return [*found.values()]


def places_in(columns: Sequence[Entrant], world: World) -> list[int]:
    """Where each rule of a world has its column."""
    keys = [_key(one) for one in columns]
    return [keys.index(_key(one)) for one in world.entrants]


def select(columns: Sequence[Entrant], dialect: Dialect, *, span: Span) -> str:
    """The events of these days with their amounts in tiyin, some facts, and what is wanted of them
    (`w0`, `w1`, …), of a table or view `events` with the exported columns."""
    wants = [f"{_want(one, dialect)} as w{number}" for number, one in enumerate(columns)]
    listed = ", ".join(
        [
            "e.subscriber_id",
            "e.occurred_us",
            "e.event_id",
            "coalesce(e.amount, 0) as amount",
            *(f"e.{name}" for name in TOLD_APART),
            *wants,
        ]
    )
    return (
        f"select {listed} from events e"
        f" where e.cancels is null and e.occurred_us >= {microseconds(span.begins)}"
        f" and e.occurred_us < {microseconds(span.ends)}"
    )


def _key(one: Entrant) -> tuple[str, int | None, int | None]:
    return one.rule.canonical(), one.since_us, one.until_us


def _want(one: Entrant, dialect: Dialect) -> str:
    """Points of one event fit 32 bits: that is the largest cap."""
    wanted = to_sql(one.rule, dialect)
    edges = [f"e.occurred_us >= {one.since_us}"] if one.since_us is not None else []
    edges += [f"e.occurred_us < {one.until_us}"] if one.until_us is not None else []
    if edges:
        wanted = f"case when {' and '.join(edges)} then {wanted} else 0 end"
    return f"cast({wanted} as int)"

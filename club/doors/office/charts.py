"""Charts drawn by the server as SVG: geometry only, no script, no library."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from club.ledger.history import DayBalance

LEFT, RIGHT, TOP, BOTTOM = 64, 12, 12, 28  # Room for the axes' labels.
LINES_MAX = 4
NICE = (1, 2, 5)


@dataclass(frozen=True)
class Tick:
    at: float
    value: int


@dataclass(frozen=True)
class Month:
    at: float
    on: date


class Framed:
    """A chart between its axes' labels."""

    width: int
    height: int

    @property
    def right(self) -> int:
        return self.width - RIGHT

    @property
    def text_line(self) -> int:
        return self.height - BOTTOM // 3


@dataclass(frozen=True)
class Steps(Framed):
    """A balance over time: it stands still between two days on which it changed."""

    width: int
    height: int
    line: str
    area: str
    levels: Sequence[Tick]
    months: Sequence[Month]
    ends: Sequence[DayBalance]
    """The balance at the end of each month, and on the last day: the same as a table."""
    left: int = LEFT

    @property
    def now(self) -> int:
        return self.ends[-1].points


def steps(history: Sequence[DayBalance], *, width: int, height: int) -> Steps:
    """The chart of a history that begins and ends with a day of its own, oldest first."""
    assert len(history) >= 2, "a chart needs its first and its last day"
    first, last = history[0].on, history[-1].on
    lowest = min(0, *(day.points for day in history))
    levels = round_levels(lowest, max(day.points for day in history))
    bottom, top = levels[0], levels[-1]

    def x(on: date) -> float:
        days = (last - first).days or 1
        return round(LEFT + (on - first).days / days * (width - LEFT - RIGHT), 1)

    def y(points: int) -> float:
        return round(TOP + (top - points) / (top - bottom) * (height - TOP - BOTTOM), 1)

    line = f"M{x(first)} {y(history[0].points)}" + "".join(
        f"H{x(day.on)}V{y(day.points)}" for day in history[1:]
    )
    return Steps(
        width=width,
        height=height,
        line=line,
        area=f"{line}V{y(bottom)}H{x(first)}Z",
        levels=[Tick(at=y(value), value=value) for value in levels],
        months=[Month(at=x(on), on=on) for on in firsts_of_months(first, last)],
        ends=month_ends(history),
    )


def round_levels(lowest: int, highest: int) -> list[int]:
    """Few round values from at or below `lowest` to at or above `highest`.

    >>> round_levels(0, 4_870)
    [0, 2000, 4000, 6000]
    >>> round_levels(-300, 900)
    [-500, 0, 500, 1000]
    >>> round_levels(0, 0)
    [0, 1]
    """
    step = next(
        nice * 10**power
        for power in range(19)
        for nice in NICE
        if -(lowest // (nice * 10**power)) - (-highest // (nice * 10**power)) <= LINES_MAX - 1
    )
    start, end = lowest // step, max(-(-highest // step), lowest // step + 1)
    return [value * step for value in range(start, end + 1)]


def firsts_of_months(first: date, last: date) -> list[date]:
    """The first day of every month that begins between the two.

    >>> firsts_of_months(date(2026, 1, 15), date(2026, 3, 1))
    [datetime.date(2026, 2, 1), datetime.date(2026, 3, 1)]
    """
    months = range(first.year * 12 + first.month, last.year * 12 + last.month)
    return [date(month // 12, month % 12 + 1, 1) for month in months]


def month_ends(history: Sequence[DayBalance]) -> list[DayBalance]:
    """The last balance known in each month in which it changed, oldest first."""
    by_month = {
        day.on.replace(day=1): day for day in history
    }  # The later day replaces the earlier.
    return list(by_month.values())


# ---- pairs of bars ---------------------------------------------------------------------------
BAR_LEFT, BAR_RIGHT, BAR_HEIGHT, BAR_GAP = 140, 100, 14, 18


@dataclass(frozen=True)
class Pair:
    """Two counts of one thing, one below the other; each with where its figure stands."""

    label: str
    first: int
    second: int
    y: int
    first_width: float
    second_width: float

    @property
    def second_y(self) -> int:
        return self.y + BAR_HEIGHT

    @property
    def first_end(self) -> float:
        return BAR_LEFT + self.first_width

    @property
    def second_end(self) -> float:
        return BAR_LEFT + self.second_width

    @property
    def label_y(self) -> int:
        return self.y + BAR_HEIGHT + 4


@dataclass(frozen=True)
class Pairs:
    width: int
    height: int
    pairs: Sequence[Pair]
    left: int = BAR_LEFT
    bar_height: int = BAR_HEIGHT - 2
    figure_dy: int = BAR_HEIGHT - 3


def pairs(counts: Sequence[tuple[str, int, int]], *, width: int) -> Pairs:
    """Bars as long as their counts, the longest from edge to edge; one that is not zero is seen.

    >>> [
    ...     (pair.y, pair.first_width, pair.second_width)
    ...     for pair in pairs([("a", 0, 1), ("b", 500, 1_000)], width=440).pairs
    ... ]
    [(9, 0, 1), (55, 100.0, 200.0)]
    """
    longest = max((max(first, second) for _, first, second in counts), default=0) or 1

    def length(count: int) -> float:
        return count and max(1, round(count / longest * (width - BAR_LEFT - BAR_RIGHT), 1))

    step = 2 * BAR_HEIGHT + BAR_GAP
    return Pairs(
        width=width,
        height=step * len(counts),
        pairs=[
            Pair(label, first, second, BAR_GAP // 2 + number * step, length(first), length(second))
            for number, (label, first, second) in enumerate(counts)
        ],
    )

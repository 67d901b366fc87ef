"""The charts of a simulation: geometry only, as in charts.py."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from club.doors.office.charts import (
    BOTTOM,
    RIGHT,
    TOP,
    Framed,
    Month,
    Tick,
    firsts_of_months,
    round_levels,
)

WIDTH, WIDE, HEIGHT, LEFT = 520, 1080, 240, 100
MARK_WIDTH = 60
"""What a day below the axis needs on a phone, where texts are larger."""
DAYS_WITHOUT_MONTHS = 31
"""So few are named by their days."""
MARKS_MAX = 8
"""So many amounts have room below a histogram's bars."""
GAP = 0.25
"""Of a bar's room, on each side of the two."""


@dataclass(frozen=True)
class Chart(Framed):
    """`lines` are paths; `bars` are (x, y, width, height, whose)."""

    levels: Sequence[Tick]
    marks: Sequence[Month | Tick]
    lines: Sequence[tuple[str, str]] = ()
    bars: Sequence[tuple[float, float, float, float, str]] = ()
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT


def days(lines: Sequence[dict[str, Any]]) -> Chart:
    """Points a day, as it was and with the draft."""
    on = [date.fromisoformat(line["day"]) for line in lines]
    return _curves(on, {name: [line[name] for line in lines] for name in ("draft", "before")}, WIDE)


def burn_down(budget: dict[str, Any], first_day: date, last_day: date) -> Chart:
    """What of a budget is left at the end of each day."""
    count = (last_day - first_day).days + 1
    on = [date.fromordinal(first_day.toordinal() + number) for number in range(count)]
    return _curves(on, {"draft": [budget["most"] - used for used in budget["used_by_day"]]})


def histogram(lines: Sequence[dict[str, Any]]) -> Chart:
    """How many subscribers get so many points: two bars beside each other, from the first to the last
    that anybody is in."""
    some = [place for place, line in enumerate(lines) if line["before"] or line["draft"]]
    lines = lines[some[0] : some[-1] + 1] if some else lines[:1]
    levels, y = _scale([line[name] for line in lines for name in ("before", "draft")])
    room = (WIDTH - LEFT - RIGHT) / len(lines)
    wide = min(room * (1 - 2 * GAP) / 2, 40)
    bars, marks = [], []
    for place, line in enumerate(lines):
        middle = LEFT + room * (place + 0.5)
        if len(lines) <= MARKS_MAX or place % 2 == 0:
            marks.append(Tick(at=round(middle, 1), value=line["from"]))
        for x, name in ((middle - wide, "before"), (middle, "draft")):
            top = y(line[name])
            bars.append((round(x, 1), top, round(wide, 1), round(y(0) - top, 1), name))
    return Chart(levels, marks, bars=bars)


def _curves(on: Sequence[date], series: dict[str, list[int]], width: int = WIDTH) -> Chart:
    """The first series lies below the others."""
    levels, y = _scale([amount for amounts in series.values() for amount in amounts])
    step = (width - LEFT - RIGHT) / max(len(on) - 1, 1)

    def x(place: int) -> float:
        return round(LEFT + step * place, 1)

    named = firsts_of_months(on[0], on[-1])
    if len(on) <= DAYS_WITHOUT_MONTHS:
        named = [*on[:: max(len(on) // 6, 1)]]
    nth = -(-len(named) * MARK_WIDTH // (width - LEFT - RIGHT)) or 1
    named = named[::nth]
    marks = [Month(at=x((day - on[0]).days), on=day) for day in named]
    lines = [
        (name, "M" + "L".join(f"{x(place)} {y(amount)}" for place, amount in enumerate(amounts)))
        for name, amounts in series.items()
    ]
    return Chart(levels, marks, lines, width=width)


def _scale(amounts: Sequence[int]) -> tuple[list[Tick], Any]:
    values = round_levels(min(0, *amounts), max(0, *amounts))
    bottom, top = values[0], values[-1]

    def y(amount: int) -> float:
        return round(TOP + (top - amount) / (top - bottom) * (HEIGHT - TOP - BOTTOM), 1)

    return [Tick(at=y(value), value=value) for value in values], y

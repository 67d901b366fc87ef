"""Lists of lots, and a purse of them."""

from dataclasses import dataclass, field
from datetime import date

Lots = list[tuple[date, int, int]]  # expires_on, fund, points


class Refusal(Exception):
    def __init__(self, code: str, **values: object) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


@dataclass
class Purse:
    points: dict[tuple[date, int], int] = field(default_factory=dict)

    def all(self, day: date = date.min) -> Lots:
        """Those good on a day, first to expire first."""
        return sorted((e, f, n) for (e, f), n in self.points.items() if n and e >= day)

    def put(self, lots: Lots) -> None:
        for expires_on, fund, points in lots:
            self.points[expires_on, fund] = self.points.get((expires_on, fund), 0) + points

    def take(self, points: int, day: date = date.min, fund: int | None = None) -> Lots:
        """Up to so many."""
        own = [lot for lot in self.all(day) if fund in (None, lot[1])]
        return self.take_these(split(own, points)[0])

    def take_these(self, lots: Lots) -> Lots:
        """As much of these very lots as there is."""
        taken: Lots = []
        for expires_on, fund, points in lots:
            part = min(points, self.points.get((expires_on, fund), 0))
            if part:
                self.points[expires_on, fund] -= part
                taken.append((expires_on, fund, part))
        return taken


def total(lots: Lots) -> int:
    return sum(points for _, _, points in lots)


def split(lots: Lots, at: int) -> tuple[Lots, Lots]:
    """The first `at` points of a list, and the rest."""
    first: Lots = []
    rest: Lots = []
    for expires_on, fund, points in lots:
        part = min(points, at)
        at -= part
        if part:
            first.append((expires_on, fund, part))
        if points > part:
            rest.append((expires_on, fund, points - part))
    return first, rest


def shared(lots: Lots, part: int, whole: int) -> Lots:
    """`part` of `whole` of these lots, of each alike; rounded down once, over all together."""
    found: Lots = []
    upto = given = 0
    for expires_on, fund, points in lots:
        upto += points
        if n := upto * part // whole - given:
            found.append((expires_on, fund, n))
            given += n
    return found

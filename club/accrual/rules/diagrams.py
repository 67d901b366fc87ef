"""Conditions as decision diagrams: what holds for no facts, for all, or for the same facts as another.

The facts a rule may see are endless, the answers of its leaves are not: between two numbers that it
names, and for all words that it does not, they stay the same. So each fact falls into cells, one of
them for "missing", and a condition is a function of cells. Diagrams of the same function are the same
number: to compare is to look. Exact, within `STEPS_MAX`; beyond it nothing is claimed.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from club.accrual.rules.explain import OPS
from club.accrual.rules.facts import AMOUNT_TIYIN_MAX, FIELDS
from club.accrual.rules.model import (
    INTEGER_MAX,
    All,
    AnyOf,
    Compare,
    Condition,
    InSegment,
    Not,
    OneOf,
    Scalar,
)

STEPS_MAX = 500_000  # half a second
DOMAINS = {
    "amount": (1, AMOUNT_TIYIN_MAX),
    "weekday": (1, 7),
    "hour": (0, 23),
    "tenure_months": (0, INTEGER_MAX),
}
WIDEST = -INTEGER_MAX, INTEGER_MAX
"""Of any other number."""
ELSE = "\0"
"""In the place of every word that a rule does not name; no text of a rule may hold it."""
Name = str
"""Of a fact, or of a list: `segments/vip-2026`."""
Diagram = int
NEVER, ALWAYS = 0, 1


class TooLarge(Exception):
    """The conditions are too many to be sure about them."""


@dataclass(frozen=True)
class Axis:
    """A fact, cut into cells: the lowest value of each; None is the missing fact."""

    name: Name
    cells: tuple[Scalar | None, ...]

    def lasts_until(self, cell: int) -> Scalar | None:
        """The highest value of a cell of numbers."""
        if cell + 1 < len(self.cells):
            following = self.cells[cell + 1]
            assert isinstance(following, int)
            return following - 1
        return DOMAINS.get(self.name, WIDEST)[1]


class Diagrams:
    """All diagrams of the same few conditions. Each call may raise TooLarge."""

    def __init__(self, conditions: Iterable[Condition]) -> None:
        found: dict[Name, set[Scalar]] = {}
        for condition in conditions:
            for leaf in leaves(condition):
                found.setdefault(_name(leaf), set()).update(_constants(leaf))
        self.axes = tuple(_axis(name, found[name]) for name in sorted(found))
        self._level = {axis.name: level for level, axis in enumerate(self.axes)}
        self._nodes: list[tuple[int, tuple[Diagram, ...]]] = [(len(self.axes), ())] * 2
        self._known: dict[tuple[int, tuple[Diagram, ...]], Diagram] = {}
        self._both: dict[tuple[Diagram, Diagram], Diagram] = {}
        self._inverse: dict[Diagram, Diagram] = {NEVER: ALWAYS, ALWAYS: NEVER}
        self._steps = 0

    def of(self, condition: Condition) -> Diagram:
        match condition:
            case Compare() | OneOf() | InSegment():
                level = self._level[_name(condition)]
                cells = self.axes[level].cells
                return self._node(level, tuple(int(_holds(condition, cell)) for cell in cells))
            case Not(of=inner):
                return self.inverse(self.of(inner))
            case All(of=parts):
                return self.all(self.of(part) for part in parts)
            case AnyOf(of=parts):
                return self.any(self.of(part) for part in parts)

    def all(self, diagrams: Iterable[Diagram]) -> Diagram:
        together = ALWAYS
        for one in diagrams:
            together = self.both(together, one)
        return together

    def any(self, diagrams: Iterable[Diagram]) -> Diagram:
        return self.inverse(self.all(self.inverse(one) for one in diagrams))

    def both(self, one: Diagram, other: Diagram) -> Diagram:
        if one == other or other == ALWAYS:
            return one
        if one == ALWAYS:
            return other
        if NEVER in (one, other):
            return NEVER
        key = (one, other) if one < other else (other, one)
        if (known := self._both.get(key)) is not None:
            return known
        level = min(self._nodes[one][0], self._nodes[other][0])
        pairs = zip(self._at(one, level), self._at(other, level), strict=True)
        self._both[key] = made = self._node(level, tuple([self.both(a, b) for a, b in pairs]))
        return made

    def inverse(self, one: Diagram) -> Diagram:
        if (known := self._inverse.get(one)) is not None:
            return known
        level, children = self._nodes[one]
        made = self._node(level, tuple([self.inverse(child) for child in children]))
        self._inverse[one], self._inverse[made] = made, one
        return made

    def implies(self, one: Diagram, other: Diagram) -> bool:
        """Whether `other` holds wherever `one` does."""
        return self.both(one, self.inverse(other)) == NEVER

    def cell(self, name: Name, *cells: int) -> Diagram:
        """That a fact falls into one of these cells."""
        level = self._level[name]
        here = range(len(self.axes[level].cells))
        return self._node(level, tuple(int(cell in cells) for cell in here))

    def any_of(self, name: Name, values: Sequence[Scalar]) -> Diagram:
        """That a fact is one of these."""
        axis = self.axes[self._level[name]]
        return self.cell(name, *(i for i, value in enumerate(axis.cells) if value in values))

    def is_known(self, name: Name) -> Diagram:
        """That a fact is not missing. (Nobody is unknown to a list.)"""
        axis = self.axes[self._level[name]]
        return self.cell(name, *(i for i, value in enumerate(axis.cells) if value is not None))

    def numbers(self, name: Name, where: Diagram) -> tuple[int, int] | None:
        """The smallest and the largest number that a fact may be there; None when it is never one.
        A fact that nothing asks for may be any of its domain."""
        if where == NEVER:
            return None
        if name not in self._level:
            return DOMAINS[name]
        axis = self.axes[self._level[name]]
        cells = [
            place
            for place, lowest in enumerate(axis.cells)
            if lowest is not None and self.both(self.cell(name, place), where) != NEVER
        ]
        if not cells:
            return None
        lowest, highest = axis.cells[cells[0]], axis.lasts_until(cells[-1])
        assert isinstance(lowest, int)
        assert isinstance(highest, int)
        return lowest, highest

    def _node(self, level: int, children: tuple[Diagram, ...]) -> Diagram:
        self._steps += len(children)
        if self._steps > STEPS_MAX:
            raise TooLarge
        if children.count(children[0]) == len(children):
            return children[0]
        key = level, children
        if (known := self._known.get(key)) is None:
            known = self._known[key] = len(self._nodes)
            self._nodes.append(key)
        return known

    def _at(self, one: Diagram, level: int) -> Sequence[Diagram]:
        own, children = self._nodes[one]
        return children if own == level else [one] * len(self.axes[level].cells)


Leaf = Compare | OneOf | InSegment


def leaves(condition: Condition) -> Iterator[Leaf]:
    match condition:
        case All(of=parts) | AnyOf(of=parts):
            for part in parts:
                yield from leaves(part)
        case Not(of=inner):
            yield from leaves(inner)
        case _:
            yield condition


def _name(leaf: Leaf) -> Name:
    return f"segments/{leaf.segment}" if isinstance(leaf, InSegment) else leaf.field


def _constants(leaf: Leaf) -> tuple[Scalar, ...]:
    match leaf:
        case Compare(value=value):
            return (value,)
        case OneOf(values=values):
            return values
        case InSegment():
            return ()


def _axis(name: Name, constants: set[Scalar]) -> Axis:
    kind = FIELDS.get(name)
    if kind is None:  # a list: one is on it or not
        return Axis(name, (True, False))
    if kind is bool:
        return Axis(name, (None, True, False))
    if kind is str:
        return Axis(name, (None, *sorted(map(str, constants)), ELSE))
    lowest, highest = DOMAINS.get(name, WIDEST)
    starts = {lowest, *(n for c in constants for n in (int(c), int(c) + 1))}
    return Axis(name, (None, *sorted(start for start in starts if lowest <= start <= highest)))


def _holds(leaf: Leaf, value: Any) -> bool:
    match leaf:
        case Compare(op=op, value=wanted):
            return value is not None and OPS[op](value, wanted)
        case OneOf(values=values):
            return value in values
        case InSegment():
            return bool(value)

"""What would have made it count: the fewest facts that had to be otherwise, and the nearest values.

Found by trying, and so true by construction whatever a tree of conditions, rates and boosts says. A
rule tells two values of a fact apart only at its own constants: these, with their neighbours, are
all there is to try. Facts that a person can change come first.
"""

import ast
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import combinations, islice, product
from typing import Any, NamedTuple

from club.accrual.rules.explain import OPS, why
from club.accrual.rules.facts import AMOUNT_TIYIN_MAX, COMMON, FIELDS, Facts
from club.accrual.rules.model import (
    INTEGER_MAX,
    TIYIN,
    All,
    AnyOf,
    Compare,
    Condition,
    Fixed,
    InSegment,
    Not,
    OneOf,
    Percentage,
    PerUnit,
    Rule,
    Scalar,
)
from club.accrual.rules.to_python import Compiled, compiled, condition_node, function

EASIEST = (
    "amount",
    "channel",
    "hour",
    "weekday",
    "is_holiday",
    "is_birthday",
    "tenure_months",
    "tier",
    "tariff",
    "region",
    "segments",
    *(field for field in FIELDS if field not in COMMON),
    "event_type",
)
assert set(EASIEST) == set(FIELDS), "every fact has its place"
Value = Any
"""Of a fact: a text, a number, yes or no; of the lists somebody is on a tuple of codes."""
ANOTHER = "\0"
"""Stands for any text that a rule does not name: no rule can hold it."""
CHANGES_MAX = 2
TRIED_MAX = 10_000
"""So many attempts at most: some ten milliseconds."""
FACTORS_MAX = 300
DAYS, HOURS = range(1, 8), range(24)
UNKNOWN = Facts(*[None] * len(FIELDS))


class Change(NamedTuple):
    """One fact that had to be otherwise. `accepted` are all values tried with which it counts once the
    other change is made; the nearest one of them is `value`."""

    field: str
    value: Value
    accepted: tuple[Value, ...]


class Leaf(NamedTuple):
    """A clause of a rule about one fact: its constants, and whether a value meets it."""

    field: str
    constants: tuple[Scalar, ...]
    is_met_by: Callable[[Any], bool]


class Tried(NamedTuple):
    """A value to try, and which clauses of its fact it meets."""

    is_met: tuple[bool, ...]
    value: Value


class Fact(NamedTuple):
    """One fact as a rule sees it. Values that a part of the condition about this fact alone refuses are
    left out: nothing else could make up for them."""

    clauses: tuple[Leaf, ...]
    values: tuple[Tried, ...]


class Part(NamedTuple):
    """One of the conditions that all have to hold, and the facts it depends on."""

    fields: frozenset[str]
    condition: Condition


class Shape(NamedTuple):
    """What of a rule is the same for every event."""

    compiled: Compiled
    facts: Mapping[str, Fact]
    """By field, the easiest to change first."""
    parts: tuple[Part, ...]
    hold: Callable[..., tuple[bool, ...]]
    """Which of the parts do."""


def nearest(
    canonical: str, facts: Facts, *, levels: tuple[str, ...] = ()
) -> tuple[Change, ...] | None:
    """The change of one fact, else of two, after which the rule of this text wants points; None where
    not even two suffice. Nothing to change, where it wants some already.

    `levels` are the codes of the programme's levels, for "from Gold on" means the ones above, too.
    """
    shape = _shape(canonical, levels)
    points = shape.compiled.points
    if points(*facts):
        return ()
    groups = _groups(shape, facts)

    def counts(values: Mapping[str, Value]) -> bool:
        return points(*facts._replace(**values)) > 0

    first = next(filter(counts, islice(_attempts(shape, facts, groups), TRIED_MAX)), None)
    if first is None:
        return None
    changes = []
    for field, value in first.items():
        accepted = [group for group in groups[field] if counts(first | {field: group[0]})]
        changes.append(Change(field, value, tuple(each for group in accepted for each in group)))
    return tuple(changes)


def _attempts(
    shape: Shape, facts: Facts, groups: Mapping[str, Sequence[tuple[Value, ...]]]
) -> Iterator[dict[str, Value]]:
    """One fact otherwise, then two; of each group one value, for the others do the same. Each part that
    fails needs one of its facts otherwise: the rest cannot help and is not tried."""
    held = shape.hold(*facts)
    failed = [part.fields for part, holds in zip(shape.parts, held, strict=True) if not holds]
    for size in range(1, CHANGES_MAX + 1):
        for fields in combinations(groups, size):
            if any(needed.isdisjoint(fields) for needed in failed):
                continue
            for values in product(*([group[0] for group in groups[field]] for field in fields)):
                yield dict(zip(fields, values, strict=True))


def _groups(shape: Shape, facts: Facts) -> dict[str, list[tuple[Value, ...]]]:
    """The values to try by fact, the nearest first; in one group those that no clause tells apart."""
    groups = {}
    for field, (clauses, values) in shape.facts.items():
        got = getattr(facts, field)
        # What no clause tells apart from what it is changes nothing. A missing fact meets none.
        now = tuple(got is not None and clause.is_met_by(got) for clause in clauses)
        together: dict[object, list[Value]] = defaultdict(list)
        for is_met, value in _easiest_first(field, values, got):
            if field == "amount":  # of amounts none is like another: units are counted off them
                together[value].append(value)
            elif is_met != now:
                together[is_met].append(value)
        if together:
            groups[field] = [tuple(group) for group in together.values()]
    return groups


def _easiest_first(field: str, values: Sequence[Tried], got: Any) -> Sequence[Tried]:
    """More of an amount before less, and whole so'm before tiyin; of other numbers the nearest."""
    if FIELDS[field] is not int or field in ("weekday", "hour"):
        return values
    had = int(got or 0)
    if field != "amount":
        return sorted(values, key=lambda one: (abs(one.value - had), one.value < had))
    return sorted(
        values, key=lambda one: (one.value < had, one.value % TIYIN != 0, abs(one.value - had))
    )


@lru_cache(maxsize=1_000)
def _shape(canonical: str, levels: tuple[str, ...]) -> Shape:
    """Raises as `compiled` does."""
    one = compiled(canonical)
    rule = one.rule
    by_field: dict[str, list[Leaf]] = defaultdict(list)
    for leaf in leaves(rule):
        by_field[leaf.field].append(leaf)
    parts = [Part(frozenset(fields_of(part)), part) for part in parts_of(rule.condition)]
    if not isinstance(rule.reward, Fixed):
        field = rule.reward.field
        by_field.setdefault(field, [])
        parts.append(Part(frozenset({field}), Compare(field=field, op="gt", value=0)))
    return Shape(
        compiled=one,
        facts={
            field: _fact(field, by_field[field], rule, parts, levels)
            for field in EASIEST
            if field in by_field
        },
        parts=tuple(parts),
        hold=function(ast.Tuple([condition_node(part.condition) for part in parts], ast.Load())),
    )


def _fact(
    field: str, clauses: Sequence[Leaf], rule: Rule, parts: Sequence[Part], levels: Sequence[str]
) -> Fact:
    alone = [part.condition for part in parts if part.fields == {field}]
    return Fact(
        tuple(clauses),
        tuple(
            Tried(tuple(clause.is_met_by(value) for clause in clauses), value)
            for value in values_of(field, clauses, rule, levels)
            if all(why(part, UNKNOWN._replace(**{field: value})).ok for part in alone)
        ),
    )


def parts_of(condition: Condition) -> Iterator[Condition]:
    """The conditions that all have to hold."""
    if isinstance(condition, All):
        for part in condition.of:
            yield from parts_of(part)
    else:
        yield condition


def fields_of(condition: Condition) -> set[str]:
    """The facts that it depends on."""
    return {leaf.field for leaf in leaves_of(condition)}


def values_of(
    field: str, clauses: Sequence[Leaf], rule: Rule, levels: Sequence[str]
) -> Iterable[Value]:
    """All that there is to try of a fact: of every sort of value that the clauses tell apart one."""
    constants = dict.fromkeys(value for clause in clauses for value in clause.constants)
    if field == "amount":
        return _amounts(rule, [int(value) for value in constants])
    if field == "weekday":
        return DAYS
    if field == "hour":
        return HOURS
    if FIELDS[field] is tuple:
        lists = [str(code) for code in constants]
        return [*((code,) for code in lists), tuple(lists), ()]
    if FIELDS[field] is bool:
        return [True, False]
    if FIELDS[field] is int:
        least = 0 if field in COMMON else -INTEGER_MAX
        return {each for each in _around(int(value) for value in constants) if each >= least}
    if field == "tier":
        return [*levels, *(code for code in constants if code not in levels)] or [ANOTHER]
    return [*constants, ANOTHER]


def _around(constants: Iterable[int]) -> set[int]:
    return {value + step for value in constants for step in (-1, 0, 1)}


def _amounts(rule: Rule, constants: Iterable[int]) -> set[int]:
    near = _around(constants)
    near |= {amount for factor in _factors(rule) for amount in _first_points(rule, factor)}
    near |= {(value + up) // TIYIN * TIYIN for value in near for up in (0, TIYIN - 1)}
    return {value for value in near if 0 < value <= AMOUNT_TIYIN_MAX}


def _first_points(rule: Rule, factor: int) -> Iterator[int]:
    """The least amounts of which boosts, multiplied to `factor`, leave a whole point."""
    match rule.reward:
        case Percentage(basis_points=basis_points, divisor=divisor):
            yield -(-divisor // (basis_points * factor))
        case PerUnit(per=per, points=points, rates=rates, divisor=divisor):
            prices = [(per, points), *((rate.per, rate.points) for rate in rates)]
            yield from (-(-divisor // (each * factor)) * unit for unit, each in prices)


def _factors(rule: Rule) -> set[int]:
    """What the boosts may multiply to, zero aside; of too many a spread of them."""
    factors = {1}
    for boost in rule.reward.boosts:
        percents = {boost.otherwise, *(case.percent for case in boost.cases)} - {0}
        products = sorted({factor * percent for factor in factors for percent in percents})
        factors = {*products[:: len(products) // FACTORS_MAX + 1]}
    return factors


def leaves(rule: Rule) -> Iterator[Leaf]:
    """Every clause of the rule that may keep it from counting: its trigger, and those of its condition,
    its rates and its boosts."""
    yield Leaf("event_type", rule.trigger, rule.trigger.__contains__)
    for condition in rule.conditions():
        yield from leaves_of(condition)


def leaves_of(condition: Condition) -> Iterator[Leaf]:
    """Its clauses, whatever joins them."""
    match condition:
        case Compare(field=field, op=op, value=value):
            yield Leaf(field, (value,), lambda got, op=op, value=value: OPS[op](got, value))  # type: ignore[misc]
        case OneOf(field=field, values=values):
            yield Leaf(field, values, frozenset(values).__contains__)
        case InSegment(segment=segment):
            yield Leaf("segments", (segment,), lambda got, segment=segment: segment in got)  # type: ignore[misc]
        case Not(of=inner):
            yield from leaves_of(inner)
        case All(of=parts) | AnyOf(of=parts):
            for part in parts:
                yield from leaves_of(part)

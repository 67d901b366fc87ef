"""What would have made it count: the fewest facts that had to be otherwise, and the nearest values.

Found by trying, and so true by construction whatever a tree of conditions, rates and boosts says. A
rule tells two values of a fact apart only at its own constants: these, with their neighbours, are
all there is to try. Facts that a person can change come first.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations, islice, product
from typing import Any, NamedTuple

from club.accrual.rules.explain import OPS
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
from club.accrual.rules.to_python import Compiled

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


def nearest(
    compiled: Compiled, facts: Facts, *, levels: Sequence[str] = ()
) -> tuple[Change, ...] | None:
    """The change of one fact, else of two, after which the rule wants points; None where not even two
    suffice. Nothing to change, where it wants some already.

    `levels` are the codes of the programme's levels, for "from Gold on" means the ones above, too.
    """
    if compiled.points(*facts):
        return ()
    groups = _groups(compiled.rule, facts, levels)

    def counts(values: Mapping[str, Value]) -> bool:
        return compiled.points(*facts._replace(**values)) > 0

    first = next(filter(counts, islice(_attempts(groups), TRIED_MAX)), None)
    if first is None:
        return None
    changes = []
    for field, value in first.items():
        accepted = [group for group in groups[field] if counts(first | {field: group[0]})]
        changes.append(Change(field, value, tuple(each for group in accepted for each in group)))
    return tuple(changes)


def _attempts(groups: Mapping[str, Sequence[tuple[Value, ...]]]) -> Iterator[dict[str, Value]]:
    """One fact otherwise, then two; of each group one value, for the others do the same."""
    known = [field for field in EASIEST if field in groups]
    for size in range(1, CHANGES_MAX + 1):
        for fields in combinations(known, size):
            for values in product(*([group[0] for group in groups[field]] for field in fields)):
                yield dict(zip(fields, values, strict=True))


def _groups(rule: Rule, facts: Facts, levels: Sequence[str]) -> dict[str, list[tuple[Value, ...]]]:
    """The values to try by fact, the nearest first; in one group those that no clause tells apart."""
    by_field: dict[str, list[Leaf]] = defaultdict(list)
    for leaf in leaves(rule):
        by_field[leaf.field].append(leaf)
    if not isinstance(rule.reward, Fixed):
        by_field.setdefault(rule.reward.field, [])
    groups = {}
    for field, clauses in by_field.items():
        got = getattr(facts, field)
        # What no clause tells apart from what it is changes nothing. A missing fact meets none.
        together: dict[object, list[Value]] = defaultdict(list)
        now = tuple(got is not None and clause.is_met_by(got) for clause in clauses)
        for value in _values(field, clauses, rule, got, levels):
            is_met = tuple(clause.is_met_by(value) for clause in clauses)
            if field == "amount":  # of amounts none is like another: units are counted off them
                together[value].append(value)
            elif is_met != now:
                together[is_met].append(value)
        groups[field] = [tuple(group) for group in together.values()]
    return {field: found for field, found in groups.items() if found}


def _values(
    field: str, clauses: Sequence[Leaf], rule: Rule, got: Any, levels: Sequence[str]
) -> list[Value]:
    constants = dict.fromkeys(value for clause in clauses for value in clause.constants)
    if field == "amount":
        return [*_amounts(rule, [int(value) for value in constants], int(got or 0))]
    if field == "weekday":
        return [*DAYS]
    if field == "hour":
        return [*HOURS]
    if FIELDS[field] is tuple:
        lists = [str(code) for code in constants]
        return [got or (), *((code,) for code in lists), tuple(lists), ()]
    if FIELDS[field] is bool:
        return [True, False]
    if FIELDS[field] is int:
        least = 0 if field in COMMON else -INTEGER_MAX
        return [*_around([int(value) for value in constants], int(got or 0), least)]
    if field == "tier":
        return [*levels, *(code for code in constants if code not in levels)] or [ANOTHER]
    return [*constants, ANOTHER]


def _around(constants: Sequence[int], got: int, least: int) -> list[int]:
    near = {value + step for value in constants for step in (-1, 0, 1)}
    return sorted((each for each in near if each >= least), key=lambda each: abs(each - got))


def _amounts(rule: Rule, constants: Sequence[int], got: int) -> list[int]:
    """More before less, whole so'm before tiyin, then the nearest."""
    near = {value + step for value in constants for step in (-1, 0, 1)}
    near |= {amount for factor in _factors(rule) for amount in _first_points(rule, factor)}
    near |= {(value + up) // TIYIN * TIYIN for value in near for up in (0, TIYIN - 1)}
    return sorted(
        {value for value in near if 0 < value <= AMOUNT_TIYIN_MAX},
        key=lambda value: (value < got, value % TIYIN != 0, abs(value - got)),
    )


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
        yield from _leaves(condition)


def _leaves(condition: Condition) -> Iterator[Leaf]:
    match condition:
        case Compare(field=field, op=op, value=value):
            yield Leaf(field, (value,), lambda got, op=op, value=value: OPS[op](got, value))  # type: ignore[misc]
        case OneOf(field=field, values=values):
            yield Leaf(field, values, frozenset(values).__contains__)
        case InSegment(segment=segment):
            yield Leaf("segments", (segment,), lambda got, segment=segment: segment in got)  # type: ignore[misc]
        case Not(of=inner):
            yield from _leaves(inner)
        case All(of=parts) | AnyOf(of=parts):
            for part in parts:
                yield from _leaves(part)

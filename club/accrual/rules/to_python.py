"""Reader 1: a rule as a Python function of one event's facts.

Built as syntax-tree nodes, never as source text, so a value cannot turn into code; evaluated with
no builtins but `min`. As fast as the same rule written by hand.
"""

import ast
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import Any

from club.accrual.rules.facts import FIELDS
from club.accrual.rules.model import (
    All,
    AnyOf,
    AnyReward,
    Boost,
    Compare,
    Condition,
    Fixed,
    InSegment,
    Not,
    OneOf,
    Percentage,
    Rule,
)

OPS: dict[str, type[ast.cmpop]] = {
    "eq": ast.Eq,
    "ne": ast.NotEq,
    "lt": ast.Lt,
    "le": ast.LtE,
    "gt": ast.Gt,
    "ge": ast.GtE,
}


@dataclass(frozen=True, slots=True)
class Compiled:
    """Functions of the facts, positional: `points(*facts)`."""

    rule: Rule
    cap_per_event: int
    points: Callable[..., int]
    wanted: Callable[..., int]
    """Points before the cap per event."""
    holds: Callable[..., bool]
    """The bare condition, trigger and all."""


@lru_cache(maxsize=2_000)
def compiled(canonical: str) -> Compiled:
    """The rule of a stored version, compiled once in this process: the text is as good as its hash.

    Raises pydantic's ValidationError for a text that is no rule.
    """
    rule = Rule.model_validate_json(canonical)
    holds = function(condition_node(rule.condition), name=f"<condition of {rule.id}>")
    wanted = function(_body(rule, is_capped=False), name=f"<{rule.id} without its cap>")
    return Compiled(
        rule=rule,
        cap_per_event=rule.reward.cap_per_event,
        points=to_python(rule),
        wanted=wanted,
        holds=holds,
    )


@lru_cache(maxsize=1_000)
def together(canonicals: tuple[str, ...]) -> Callable[..., tuple[int, ...]]:
    """The points of all these rules in one call: of fifty most say 0, and fifty calls to hear it cost
    more than the answers. Raises as `compiled` does."""
    answers = [_body(compiled(one).rule) for one in canonicals]
    return function(ast.Tuple(answers, ast.Load()), name=f"<{len(answers)} rules>")


def to_python(rule: Rule) -> Callable[..., int]:
    """A function of the facts, positional and in the order of FIELDS; None is a missing fact."""
    return function(_body(rule), name=f"<rule {rule.id}>")


def _body(rule: Rule, *, is_capped: bool = True) -> ast.expr:
    tests = [condition_node(rule.condition)]
    if not isinstance(rule.reward, Fixed):
        positive = ast.Compare(_fact(rule.reward.field), [ast.Gt()], [ast.Constant(0)])
        tests = [_present(rule.reward.field), positive, *tests]
    points = _points(rule.reward)
    if is_capped:
        cap = ast.Constant(rule.reward.cap_per_event)
        points = ast.Call(ast.Name("min", ast.Load()), [points, cap], [])
    return ast.IfExp(_joined(ast.And(), tests), points, ast.Constant(0))


def function(body: ast.expr, name: str = "<condition>") -> Callable[..., Any]:
    parameters = ast.arguments(
        posonlyargs=[],
        args=[ast.arg(field) for field in FIELDS],
        kwonlyargs=[],
        kw_defaults=[],
        defaults=[],
    )
    tree = ast.fix_missing_locations(ast.Expression(ast.Lambda(parameters, body)))
    code = compile(tree, name, "eval")
    # Only nodes made here are evaluated, and nothing but `min` is within their reach.
    made: Callable[..., Any] = eval(code, {"__builtins__": {}, "min": min})  # noqa: S307
    return made


def condition_node(condition: Condition) -> ast.expr:
    match condition:
        case Compare(field=field, op=op, value=value):
            test = ast.Compare(_fact(field), [OPS[op]()], [ast.Constant(value)])
            if op == "eq":  # None equals no value: false already
                return test
            return ast.BoolOp(ast.And(), [_present(field), test])
        case OneOf(field=field, values=values):
            # CPython folds a set of constants after `in` into one frozenset.
            listed = ast.Set([ast.Constant(value) for value in values])
            return ast.Compare(_fact(field), [ast.In()], [listed])
        case InSegment(segment=segment):
            on_it = ast.Compare(ast.Constant(segment), [ast.In()], [_fact("segments")])
            return ast.BoolOp(ast.And(), [_present("segments"), on_it])
        case All(of=parts):
            return _joined(ast.And(), [condition_node(part) for part in parts])
        case AnyOf(of=parts):
            return _joined(ast.Or(), [condition_node(part) for part in parts])
        case Not(of=inner):
            return ast.UnaryOp(ast.Not(), condition_node(inner))


def _points(reward: AnyReward) -> ast.expr:
    points = _base(reward)
    for boost in reward.boosts:
        points = ast.BinOp(points, ast.Mult(), _percent(boost))
    if reward.divisor > 1:
        points = ast.BinOp(points, ast.FloorDiv(), ast.Constant(reward.divisor))
    return points


def _base(reward: AnyReward) -> ast.expr:
    """Before the one division at the end."""
    if isinstance(reward, Fixed):
        return ast.Constant(reward.points)
    if isinstance(reward, Percentage):
        return ast.BinOp(_fact(reward.field), ast.Mult(), ast.Constant(reward.basis_points))
    return _first_case(
        [(rate.when, _units(reward.field, rate.per, rate.points)) for rate in reward.rates],
        _units(reward.field, reward.per, reward.points),
    )


def _units(field: str, per: int, points: int) -> ast.expr:
    units = ast.BinOp(_fact(field), ast.FloorDiv(), ast.Constant(per))
    return ast.BinOp(units, ast.Mult(), ast.Constant(points))


def _percent(boost: Boost) -> ast.expr:
    cases = [(case.when, ast.Constant(case.percent)) for case in boost.cases]
    return _first_case(cases, ast.Constant(boost.otherwise))


def _first_case(cases: list[tuple[Condition, Any]], otherwise: ast.expr) -> ast.expr:
    """Nested from the last case outwards, so that the first one is asked first."""
    return reduce(
        lambda rest, case: ast.IfExp(condition_node(case[0]), case[1], rest),
        reversed(cases),
        otherwise,
    )


def _fact(field: str) -> ast.expr:
    return ast.Name(field, ast.Load())


def _present(field: str) -> ast.expr:
    return ast.Compare(_fact(field), [ast.IsNot()], [ast.Constant(None)])


def _joined(word: ast.boolop, parts: list[ast.expr]) -> ast.expr:
    return parts[0] if len(parts) == 1 else ast.BoolOp(word, parts)  # BoolOp needs two

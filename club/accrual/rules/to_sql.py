"""Reader 2: a rule as one SQL expression over a row of facts, for batches and simulation.

Built as sqlglot nodes, every literal quoted by the dialect at hand. What sqlglot does not do is
keep integer arithmetic exact everywhere: `_divide` is where the databases differ. Columns carry
the names of the facts; integers must be 64 bits wide.
"""

from dataclasses import dataclass
from typing import Literal

from sqlglot import exp

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
    Scalar,
)

Dialect = Literal["postgres", "duckdb", "spark"]

OPS: dict[str, type[exp.Binary]] = {
    "eq": exp.EQ,
    "ne": exp.NEQ,
    "lt": exp.LT,
    "le": exp.LTE,
    "gt": exp.GT,
    "ge": exp.GTE,
}


def to_sql(rule: Rule, dialect: Dialect) -> str:
    """The points of one row, as an expression for SELECT."""
    return _Sql(dialect).rule(rule).sql(dialect=dialect)


def condition_to_sql(condition: Condition, dialect: Dialect) -> str:
    """The bare condition, for WHERE: which events would this rule touch?"""
    return _Sql(dialect).condition(condition).sql(dialect=dialect)


@dataclass(frozen=True)
class _Sql:
    dialect: Dialect

    def rule(self, rule: Rule) -> exp.Expr:
        earns = self.condition(rule.condition)
        if not isinstance(rule.reward, Fixed):
            field = rule.reward.field
            earns = exp.and_(
                _leaf(exp.GT(this=_fact(field), expression=_number(0))), earns, copy=False
            )
        points = self._points(rule.reward)
        return exp.Case(ifs=[exp.If(this=earns, true=points)], default=_number(0))

    def condition(self, condition: Condition) -> exp.Expr:
        match condition:
            case Compare(field=field, op=op, value=value):
                return _leaf(OPS[op](this=_fact(field), expression=_literal(value)))
            case OneOf(field=field, values=values):
                listed = [_literal(value) for value in values]
                return _leaf(exp.In(this=_fact(field), expressions=listed))
            case InSegment(segment=segment):
                return _leaf(self._on(segment))
            case All(of=parts):
                return _paren(exp.and_(*(self.condition(part) for part in parts), copy=False))
            case AnyOf(of=parts):
                return _paren(exp.or_(*(self.condition(part) for part in parts), copy=False))
            case Not(of=inner):
                return exp.Not(this=_paren(self.condition(inner)))

    def _on(self, segment: str) -> exp.Expr:
        code, listed = exp.Literal.string(segment), _fact("segments")
        if self.dialect == "postgres":  # where sqlglot would write ArrayContains as a CASE
            return exp.EQ(this=code, expression=exp.Any(this=_paren(listed)))
        return exp.ArrayContains(this=listed, expression=code)

    def _points(self, reward: AnyReward) -> exp.Expr:
        points = self._base(reward)
        for boost in reward.boosts:
            points = exp.Mul(this=_paren(points), expression=_paren(self._percent(boost)))
        if reward.divisor > 1:
            points = self._divide(points, reward.divisor)
        # The points are never NULL behind the guard; without the hint sqlglot would write the
        # whole argument twice in DuckDB.
        cap = _number(reward.cap_per_event)
        return exp.Least(this=points, expressions=[cap], ignore_nulls=True)

    def _base(self, reward: AnyReward) -> exp.Expr:
        if isinstance(reward, Fixed):
            return _wide(reward.points)
        if isinstance(reward, Percentage):
            return exp.Mul(this=_fact(reward.field), expression=_number(reward.basis_points))
        return self._first_case(
            [(r.when, self._units(reward.field, r.per, r.points)) for r in reward.rates],
            self._units(reward.field, reward.per, reward.points),
        )

    def _units(self, field: str, per: int, points: int) -> exp.Expr:
        units = self._divide(_fact(field), per)
        return exp.Mul(this=_paren(units), expression=_number(points))

    def _percent(self, boost: Boost) -> exp.Expr:
        cases = [(case.when, _number(case.percent)) for case in boost.cases]
        return self._first_case(cases, _number(boost.otherwise))

    def _first_case(self, cases: list[tuple[Condition, exp.Expr]], otherwise: exp.Expr) -> exp.Expr:
        if not cases:
            return otherwise
        ifs = [exp.If(this=self.condition(when), true=then) for when, then in cases]
        return exp.Case(ifs=ifs, default=otherwise)

    def _divide(self, dividend: exp.Expr, divisor: int) -> exp.Expr:
        """Exact integer division of a number that is not negative."""
        this, by = _paren(dividend), _number(divisor)
        if self.dialect == "postgres":
            # Plain `/` is exact between integers; sqlglot's IntDiv would divide as numeric.
            return exp.Div(this=this, expression=by, typed=True)
        return exp.IntDiv(this=this, expression=by)  # `//` and DIV; `/` is floating there


def _leaf(test: exp.Expr) -> exp.Expr:
    """Never NULL: NOT over a NULL would stay NULL where Python says True."""
    return exp.Coalesce(this=_paren(test), expressions=[exp.false()])


def _paren(inner: exp.Expr) -> exp.Expr:
    return exp.paren(inner, copy=False)  # every node here is used once


def _fact(field: str) -> exp.Expr:
    return exp.column(field, quoted=True)


def _literal(value: Scalar) -> exp.Expr:
    match value:
        case bool():  # before int: True is one
            return exp.Boolean(this=value)
        case int():
            return _number(value)
        case str():
            return exp.Literal.string(value)


def _number(value: int) -> exp.Expr:
    return exp.Literal.number(value)


def _wide(value: int) -> exp.Expr:
    """A constant that starts a product: a bare 1000000 would make it a product of 32 bits."""
    return exp.cast(_number(value), "bigint")

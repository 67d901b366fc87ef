"""Reader 3: why, and why not. A plain interpreter, slower and simpler than the compilers, so it
doubles as their oracle. A decision keeps the rule's hash and the facts; this tells the rest
whenever somebody asks. Words for people are made from this tree elsewhere, never stored.
"""

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from club.accrual.rules.facts import Facts
from club.accrual.rules.model import (
    BASIS_POINTS,
    TIYIN,
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
    PerUnit,
    Rate,
    Rule,
    Scalar,
)

OPS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}


class Reason(StrEnum):
    """Why a decision granted what it granted."""

    GRANTED = "granted"
    CAPPED = "capped"  # granted, but less than wanted
    CONDITION = "condition"
    NO_AMOUNT = "no_amount"
    ROUNDS_TO_ZERO = "rounds_to_zero"
    OUTSTACKED = "outstacked"  # another rule of its group counted
    EXCLUDED = "excluded"  # a rule that goes before it and this one exclude each other
    LIMIT = "limit"  # a limit left nothing
    CUT = "cut"  # granted, but a limit left less than wanted
    NOT_YET = "not_yet"  # counted towards the occasion, which has not come
    HOLDOUT = "holdout"  # kept out of the campaign, to measure what it brings
    CANCELLED = "cancelled"  # the payment was cancelled before it was decided
    REVERSED = "reversed"  # a cancellation took points back
    WITHDRAWN = "withdrawn"  # a cancellation took a promise of points back
    CLAWED = "clawed"  # a cancellation found that a clawback had taken the points back before


@dataclass(frozen=True)
class Leaf:
    ok: bool
    field: str
    op: str
    want: Scalar | tuple[Scalar, ...]
    got: Scalar | None


@dataclass(frozen=True)
class Branch:
    ok: bool
    word: Literal["all", "any", "not"]
    parts: tuple["Answer", ...]


Answer = Leaf | Branch


@dataclass(frozen=True)
class Base:
    """The points before boosts. `rate` is the place of the rate that held, None the usual one."""

    points: int
    amount: int | None = None
    per: int | None = None
    points_per_unit: int | None = None
    rate: int | None = None
    basis_points: int | None = None


@dataclass(frozen=True)
class Boosted:
    """`case` is the place of the case that held, None when none did."""

    name: str
    case: int | None
    percent: int


@dataclass(frozen=True)
class Explanation:
    rule_id: str
    version: str
    condition: Answer
    base: Base | None
    boosts: tuple[Boosted, ...]
    wanted: int
    """Points before the cap."""
    cap_per_event: int
    points: int
    reason: Reason
    confirm_after_days: int

    def deciding_leaves(self) -> tuple[Leaf, ...]:
        """What made the condition hold or fail; the first is what the call centre reads out."""
        return tuple(deciding_leaves(self.condition))


def explain(rule: Rule, facts: Facts, *, version: str) -> Explanation:
    """How `rule`, stored under the hash `version`, saw these facts, step by step."""
    condition = why(rule.condition, facts)
    base = _base(rule.reward, facts) if condition.ok else None
    boosts = tuple(_boosted(boost, facts) for boost in rule.reward.boosts) if base else ()
    wanted = _undivided(base) if base else 0
    for boost in boosts:
        wanted *= boost.percent
    wanted //= rule.reward.divisor
    points = min(wanted, rule.reward.cap_per_event)
    return Explanation(
        rule_id=rule.id,
        version=version,
        condition=condition,
        base=base,
        boosts=boosts,
        wanted=wanted,
        cap_per_event=rule.reward.cap_per_event,
        points=points,
        reason=_reason(rule.reward, facts, condition, wanted=wanted, points=points),
        confirm_after_days=rule.reward.confirm_after_days,
    )


def why(condition: Condition, facts: Facts) -> Answer:
    """The condition again as a tree of answers; every leaf says what it wanted and what it got."""
    match condition:
        case Compare(field=field, op=op, value=value):
            got = getattr(facts, field)
            ok = got is not None and OPS[op](got, value)
            return Leaf(ok=ok, field=field, op=op, want=value, got=got)
        case OneOf(field=field, values=values):
            got = getattr(facts, field)
            return Leaf(ok=got in values, field=field, op="one_of", want=values, got=got)
        case InSegment(segment=segment):
            on = None if facts.segments is None else segment in facts.segments
            return Leaf(ok=bool(on), field="segments", op="in_segment", want=segment, got=on)
        case All(of=parts):
            answers = tuple(why(part, facts) for part in parts)
            return Branch(ok=all(answer.ok for answer in answers), word="all", parts=answers)
        case AnyOf(of=parts):
            answers = tuple(why(part, facts) for part in parts)
            return Branch(ok=any(answer.ok for answer in answers), word="any", parts=answers)
        case Not(of=inner):
            answer = why(inner, facts)
            return Branch(ok=not answer.ok, word="not", parts=(answer,))


def deciding_leaves(answer: Answer) -> Iterator[Leaf]:
    """The leaves that made the answer what it is: if all of them turned, the answer would turn.

    Enough to turn it, but not the least that would: of an `any` that failed, one part suffices.
    """
    match answer:
        case Leaf():
            yield answer
        case Branch(word="not", parts=(inner,)):
            yield from deciding_leaves(inner)
        case Branch(ok=ok, parts=parts):
            for part in parts:
                if part.ok == ok:
                    yield from deciding_leaves(part)


def _undivided(base: Base) -> int:
    """What is rounded down after the boosts, and not before them."""
    if base.basis_points is None or base.amount is None:
        return base.points
    return base.amount * base.basis_points


def _base(reward: AnyReward, facts: Facts) -> Base | None:
    if isinstance(reward, Fixed):
        return Base(points=reward.points)
    amount = getattr(facts, reward.field)
    if amount is None or amount <= 0:
        return None
    if isinstance(reward, Percentage):
        share = amount * reward.basis_points // (BASIS_POINTS * TIYIN)
        return Base(points=share, amount=amount, basis_points=reward.basis_points)
    index = _first_that_holds([rate.when for rate in reward.rates], facts)
    rate: Rate | PerUnit = reward if index is None else reward.rates[index]
    return Base(
        points=amount // rate.per * rate.points,
        amount=amount,
        per=rate.per,
        points_per_unit=rate.points,
        rate=index,
    )


def _boosted(boost: Boost, facts: Facts) -> Boosted:
    index = _first_that_holds([case.when for case in boost.cases], facts)
    percent = boost.otherwise if index is None else boost.cases[index].percent
    return Boosted(name=boost.name, case=index, percent=percent)


def _first_that_holds(conditions: list[Condition], facts: Facts) -> int | None:
    return next((i for i, when in enumerate(conditions) if why(when, facts).ok), None)


def _reason(
    reward: AnyReward, facts: Facts, condition: Answer, *, wanted: int, points: int
) -> Reason:
    if not isinstance(reward, Fixed) and (getattr(facts, reward.field) or 0) <= 0:
        return Reason.NO_AMOUNT
    if not condition.ok:
        return Reason.CONDITION
    if points == 0:
        return Reason.ROUNDS_TO_ZERO
    return Reason.CAPPED if points < wanted else Reason.GRANTED

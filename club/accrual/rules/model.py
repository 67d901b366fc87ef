"""The rule itself, as data: read one with `Rule.model_validate_json`.

Strict, frozen, unknown keys refused. Tuples and not lists, for `frozen` does not reach inside a
list and a rule could change under its own hash. What is accepted here can be compiled, evaluated
and stored without any further check.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from club.accrual.rules.facts import AMOUNT_TIYIN_MAX, FIELDS
from club.documents.wrong import Wrong

INTEGER_MAX = 2**53  # the largest integer that a browser's JSON carries exactly
NODES_MAX = 2_000
DEPTH_MAX = 10
POINTS_PER_EVENT_MAX = 10**9
LIMIT_MAX = 10**15
PRIORITY_MAX = 1_000
CONFIRM_AFTER_DAYS_MAX = 366
BASIS_POINTS = 10_000  # of the whole
TIYIN = 100  # of a so'm

# No control characters: PostgreSQL cannot store a NUL in text.
Text = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
RuleId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]
Scalar = bool | Annotated[int, Field(ge=-INTEGER_MAX, le=INTEGER_MAX)] | Text
Percent = Annotated[int, Field(ge=0, le=10_000)]  # 150 is one and a half times
Per = Annotated[int, Field(ge=1, le=AMOUNT_TIYIN_MAX)]
Points = Annotated[int, Field(ge=1, le=10**6)]
EventName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,19}$")]
Op = Literal["eq", "ne", "lt", "le", "gt", "ge"]
Period = Literal["hour", "day", "week", "month", "ever"]


class Node(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


# ---- conditions ------------------------------------------------------------------------------
class Compare(Node):
    """One fact against one value. About a missing fact it is false, whatever the operator: hence
    "is not iot" and "not (is iot)" differ for somebody without a tariff."""

    kind: Literal["compare"] = "compare"
    field: str
    op: Op
    value: Scalar

    @model_validator(mode="after")
    def _is_comparable(self) -> Compare:
        _check_type(self.field, self.value)
        if self.op not in ("eq", "ne") and FIELDS[self.field] is not int:
            raise Wrong("no_order", f"{self.field} has no order: eq and ne only", field=self.field)
        return self


class OneOf(Node):
    kind: Literal["one_of"] = "one_of"
    field: str
    values: Annotated[tuple[Scalar, ...], Field(min_length=1, max_length=500)]

    @model_validator(mode="after")
    def _is_comparable(self) -> OneOf:
        for value in self.values:
            _check_type(self.field, value)
        return self


class InSegment(Node):
    """The subscriber is on a list of staff (club/accrual/segments.py)."""

    kind: Literal["in_segment"] = "in_segment"
    segment: RuleId


class All(Node):
    kind: Literal["all"] = "all"
    of: Annotated[tuple[Condition, ...], Field(min_length=1, max_length=50)]


class AnyOf(Node):
    kind: Literal["any"] = "any"
    of: Annotated[tuple[Condition, ...], Field(min_length=1, max_length=50)]


class Not(Node):
    kind: Literal["not"] = "not"
    of: Condition


Condition = Annotated[Compare | OneOf | InSegment | All | AnyOf | Not, Field(discriminator="kind")]


# ---- rewards ---------------------------------------------------------------------------------
class Case(Node):
    when: Condition
    percent: Percent


class Boost(Node):
    """A factor on the points; the first case that holds wins. The level is one of them."""

    name: Text
    cases: Annotated[tuple[Case, ...], Field(max_length=30)] = ()
    otherwise: Percent = 100

    @property
    def percent_max(self) -> int:
        return max(self.otherwise, *(case.percent for case in self.cases), 0)


class Rate(Node):
    """Another price of a point where `when` holds: by payment channel, by tariff, by both."""

    when: Condition
    per: Per
    points: Points


class Reward(Node):
    """What every reward has. Boosts are multiplied together and divided away once, rounded down,
    so their order never changes the result; the cap comes last.

    `confirm_after_days` above zero promises the points: they become spendable so many days later.
    """

    boosts: Annotated[tuple[Boost, ...], Field(max_length=4)] = ()
    cap_per_event: Annotated[int, Field(ge=1, le=POINTS_PER_EVENT_MAX)]
    confirm_after_days: Annotated[int, Field(ge=0, le=CONFIRM_AFTER_DAYS_MAX)] = 0

    @property
    def divisor(self) -> int:
        """What the product of base and boosts is divided by, once."""
        return int(100 ** len(self.boosts))


class Fixed(Reward):
    """The same points for every event that meets the condition."""

    kind: Literal["fixed"] = "fixed"
    points: Points

    @property
    def base_max(self) -> int:
        return self.points


class PerUnit(Reward):
    """`points` for every full `per` of the amount; the first of `rates` that holds replaces both."""

    kind: Literal["per_unit"] = "per_unit"
    field: Literal["amount"] = "amount"
    per: Per
    points: Points
    rates: Annotated[tuple[Rate, ...], Field(max_length=30)] = ()

    @property
    def base_max(self) -> int:
        prices = [(self.per, self.points), *((rate.per, rate.points) for rate in self.rates)]
        return max(AMOUNT_TIYIN_MAX // per * points for per, points in prices)


class Percentage(Reward):
    """A share of the amount in so'm, a point for each: 250 basis points of 20,000 so'm are 500 points.

    Rounded down once, after the boosts.
    """

    kind: Literal["percentage"] = "percentage"
    field: Literal["amount"] = "amount"
    basis_points: Annotated[int, Field(ge=1, le=100_000)]

    @property
    def base_max(self) -> int:
        return AMOUNT_TIYIN_MAX * self.basis_points

    @property
    def divisor(self) -> int:
        return super().divisor * BASIS_POINTS * TIYIN


AnyReward = Fixed | PerUnit | Percentage


# ---- the occasion ----------------------------------------------------------------------------
class Nth(Node):
    """The n-th event of a period that meets the condition, or every n-th. The first one ever is a
    welcome."""

    kind: Literal["nth"] = "nth"
    n: Annotated[int, Field(ge=1, le=10_000)]
    period: Period
    repeats: bool = False


class Streak(Node):
    """An event that meets the condition in each of so many periods on end: the first one in the last
    of them. With `repeats` again after as many more; a streak that broke may be begun anew anyhow."""

    kind: Literal["streak"] = "streak"
    length: Annotated[int, Field(ge=2, le=366)]
    period: Literal["day", "week", "month"]
    repeats: bool = False


class Milestone(Node):
    """The event with which the amounts of a period reach so many tiyin; with `repeats`, so many again,
    and one that reaches it several times over counts as often."""

    kind: Literal["milestone"] = "milestone"
    amount: Annotated[int, Field(ge=1, le=10**15)]
    period: Period
    repeats: bool = False


Occasion = Nth | Streak | Milestone


# ---- what is granted of it -------------------------------------------------------------------
class Limit(Node):
    """At most `most` points, or as many times, in a period of the event's own time in Tashkent.

    Counted is what this rule granted, or what the rules of its campaign did that have a limit of
    the campaign for this period; for each subscriber, or for all of them together. So a campaign's
    budget is a limit of the campaign's points for all, `ever`. Points are cut to what is left;
    times are all or nothing. Counting begins with the first version that has the limit.
    """

    of: Literal["rule", "campaign"] = "rule"
    each: Literal["subscriber", "all"] = "subscriber"
    period: Period
    unit: Literal["points", "times"]
    most: Annotated[int, Field(ge=1, le=LIMIT_MAX)]


class Stacking(Node):
    """Of the rules of one group, over all campaigns, a single one counts: the `first` by priority
    that wants anything, or the one that wants the `highest` points. Groups add up, and so do rules
    without one. Whoever is stopped by a limit does not hand over to the next."""

    group: RuleId
    mode: Literal["first", "highest"]


# ---- the rule --------------------------------------------------------------------------------
class Rule(Node):
    form: Literal[1] = 1
    """The version of this very model, so that a later one can still read what was stored."""
    id: RuleId
    trigger: Annotated[tuple[EventName, ...], Field(min_length=1, max_length=20)] = ("payment",)
    """The types of events for which it is asked at all."""
    when: Condition | None = None
    """None: each event of its trigger."""
    reward: Annotated[AnyReward, Field(discriminator="kind")]
    occasion: Annotated[Occasion, Field(discriminator="kind")] | None = None
    """Which of the events that meet the condition count; None: each of them."""
    priority: Annotated[int, Field(ge=0, le=PRIORITY_MAX)] = 0
    """Higher goes first; equal ones in the order of their ids."""
    stacking: Stacking | None = None
    excludes: Annotated[tuple[RuleId, ...], Field(max_length=50)] = ()
    """Of two rules of which either excludes the other, the one that goes first counts."""
    limits: Annotated[tuple[Limit, ...], Field(max_length=8)] = ()

    @model_validator(mode="after")
    def _is_small(self) -> Rule:
        sizes = [_size(condition) for condition in self.conditions()]
        nodes, depth = sum(n for n, _ in sizes), max((d for _, d in sizes), default=0)
        if nodes > NODES_MAX or depth > DEPTH_MAX:
            raise Wrong(
                "rule_too_large",
                f"rule too large: {nodes} nodes, depth {depth}",
                nodes=nodes,
                nodes_max=NODES_MAX,
                depth=depth,
                depth_max=DEPTH_MAX,
            )
        return self

    @model_validator(mode="after")
    def _fits_64_bits(self) -> Rule:
        # Python's integers never overflow, the database's do. A factor counts as at least 1: a
        # later "times 0" must not hide that the product before it had already left 64 bits.
        largest = self.reward.base_max
        if isinstance(self.occasion, Milestone) and self.occasion.repeats:
            largest *= AMOUNT_TIYIN_MAX // self.occasion.amount + 1
        for boost in self.reward.boosts:
            largest *= max(1, boost.percent_max)
        if largest >= 2**63:
            raise Wrong("overflow", "the reward for the largest amount does not fit 64 bits")
        return self

    @model_validator(mode="after")
    def _says_each_limit_once(self) -> Rule:
        seen: set[tuple[str, ...]] = set()
        for limit in self.limits:
            kind = (limit.of, limit.each, limit.period, limit.unit)
            if kind in seen:
                what = f"two limits of {limit.unit} for the same {limit.period}"
                raise Wrong("limit_twice", what, unit=limit.unit, period=limit.period)
            seen.add(kind)
        return self

    @model_validator(mode="after")
    def _leaves_itself_alone(self) -> Rule:
        if self.id in self.excludes:
            raise Wrong("excludes_itself", "a rule that excludes itself never counts")
        return self

    @property
    def condition(self) -> Condition:
        """What an event must meet: the trigger, and then `when`."""
        trigger = OneOf(field="event_type", values=self.trigger)
        return trigger if self.when is None else All(of=(trigger, self.when))

    def conditions(self) -> Iterator[Condition]:
        """Every condition of the rule as it was written: its own, of its rates, of its boosts."""
        if self.when is not None:
            yield self.when
        if isinstance(self.reward, PerUnit):
            yield from (rate.when for rate in self.reward.rates)
        yield from (case.when for boost in self.reward.boosts for case in boost.cases)

    def segments(self) -> frozenset[str]:
        """The codes of the segments that the rule asks for."""
        return frozenset(code for when in self.conditions() for code in _segments(when))

    def canonical(self) -> str:
        """The text that names a version: sorted keys, no spaces, ASCII."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))


def digest(canonical: str) -> str:
    """The name of a version: SHA-256 of its canonical text as it was stored.

    Never of a rule read back from it: a field added to the model later, even one with a default,
    would give every old rule another name.
    """
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


for _model in (All, AnyOf, Not, Case, Boost, Rate, Fixed, PerUnit, Percentage, Rule):
    _model.model_rebuild()


def _check_type(field: str, value: Scalar) -> None:
    if field not in FIELDS:
        raise Wrong("unknown_fact", f"unknown field {field!r}", field=field)
    if FIELDS[field] is tuple:
        raise Wrong("ask_in_segment", f"{field} is compared with nothing: ask in_segment")
    if type(value) is not FIELDS[field]:  # not isinstance: True is an int
        kind = FIELDS[field].__name__
        raise Wrong(f"fact_is_{kind}", f"{field} is {kind}, got {value!r}", field=field)


def _size(condition: Condition) -> tuple[int, int]:
    """How many nodes and values, and how deeply nested."""
    match condition:
        case Compare() | InSegment():
            return 1, 1
        case OneOf(values=values):
            return len(values), 1
        case Not(of=inner):
            nodes, depth = _size(inner)
            return nodes + 1, depth + 1
        case All(of=parts) | AnyOf(of=parts):
            sizes = [_size(part) for part in parts]
            return 1 + sum(n for n, _ in sizes), 1 + max(d for _, d in sizes)


def _segments(condition: Condition) -> Iterator[str]:
    match condition:
        case InSegment(segment=segment):
            yield segment
        case Not(of=inner):
            yield from _segments(inner)
        case All(of=parts) | AnyOf(of=parts):
            for part in parts:
                yield from _segments(part)

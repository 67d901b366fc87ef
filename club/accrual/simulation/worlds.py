"""A world: the rule versions that are asked together, as tables that whole columns can be put to.

Two of them are compared: the rules as they were, and the same with the draft in its campaign's place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

import numpy as np
import numpy.typing as npt

from club.accrual.rules.counting import name_of
from club.accrual.rules.model import Limit, Occasion, Period, Rule, Streak

if TYPE_CHECKING:
    from club.accrual.funds import Shares  # has a model: on a cluster's machines there is no Django

Ints = npt.NDArray[np.int64]
Small = npt.NDArray[np.int32]
"""Places, periods, and points of one event: half the memory, and they fit."""
Bools = npt.NDArray[np.bool_]

PERIODS: tuple[Period, ...] = get_args(Period)
NO_LIMIT = 2**62
HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
TASHKENT_US = 5 * HOUR_US  # without summer time, as long as there have been mobile telephones


@dataclass(frozen=True, slots=True)
class Entrant:
    """A rule version in one world. In force for events of `since_us` ≤ occurred_us < `until_us`."""

    rule: Rule
    campaign: str
    shares: Shares = ((0, 100),)
    """Who pays."""
    since_us: int | None = None
    until_us: int | None = None
    holdout_percent: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """A stacking group: its rules in the order of the contest, and which of them say `highest`."""

    places: Ints
    is_highest: Bools


@dataclass(frozen=True, slots=True)
class Counters:
    """Counters of some limits, and for each rule which it counts on; -1 in a place that is not used.

    The tables have a row for each place and a column for each rule.
    """

    periods: Sequence[int]
    """Of each counter, as a place in PERIODS."""
    names: Sequence[str]
    of_rule: Ints
    most_points: Ints
    most_times: Ints

    def __bool__(self) -> bool:
        return bool(self.periods)

    @property
    def has_rule(self) -> Bools:
        """Whether each rule counts on any of them."""
        used: Bools = np.any(self.of_rule >= 0, axis=0)
        return used


@dataclass(frozen=True, slots=True)
class Seen:
    """A counter of occasions: the versions of a rule that count on it."""

    rules: Sequence[int]
    occasions: Sequence[Occasion]
    period: int
    """As a place in PERIODS; of a streak that of `ever`."""


@dataclass(frozen=True, slots=True)
class World:
    entrants: Sequence[Entrant]
    """In the order of the contest: by priority, then by the rules' ids."""
    groups: Sequence[Group]
    rivals: Sequence[Sequence[int]]
    """For each rule those before it of which either excludes the other."""
    own: Counters
    """Of limits for each subscriber."""
    shared: Counters
    """Of limits for all together."""
    seen: Sequence[Seen]


def world_of(entrants: Sequence[Entrant]) -> World:
    ordered = sorted(entrants, key=lambda one: (-one.rule.priority, one.rule.id))
    rules = [one.rule for one in ordered]
    return World(
        ordered,
        _groups(rules),
        [
            [i for i in range(j) if b.id in rules[i].excludes or rules[i].id in b.excludes]
            for j, b in enumerate(rules)
        ],
        _counters(ordered, "subscriber"),
        _counters(ordered, "all"),
        _seen(rules),
    )


def period_ids(occurred_us: Ints) -> Small:
    """The number of the period in which each event counts, a row for each of PERIODS;
    `granting.period_of` gives them names."""
    hour = (occurred_us + TASHKENT_US) // HOUR_US
    day = hour // 24
    month = day.astype("datetime64[D]").astype("datetime64[M]")
    week = (day + 3) // 7  # 1 January 1970 was a Thursday
    found = {"hour": hour, "day": day, "week": week, "month": month, "ever": np.zeros_like(day)}
    return np.stack([found[period].astype(np.int32) for period in PERIODS])


def _groups(rules: Sequence[Rule]) -> list[Group]:
    found: dict[str, list[int]] = {}
    for place, rule in enumerate(rules):
        if rule.stacking:
            found.setdefault(rule.stacking.group, []).append(place)
    return [
        Group(
            np.array(places),
            np.array(
                [(s := rules[p].stacking) is not None and s.mode == "highest" for p in places]
            ),
        )
        for places in found.values()
        if len(places) > 1
    ]


def _seen(rules: Sequence[Rule]) -> list[Seen]:
    found: dict[tuple[str, str, Period], list[tuple[int, Occasion]]] = {}
    for place, rule in enumerate(rules):
        if occasion := rule.occasion:
            period = "ever" if isinstance(occasion, Streak) else occasion.period
            kind = "streak" if isinstance(occasion, Streak) else "seen"
            found.setdefault((kind, rule.id, period), []).append((place, occasion))
    return [
        Seen([place for place, _ in some], [one for _, one in some], PERIODS.index(period))
        for (_, _, period), some in found.items()
    ]


def _counters(entrants: Sequence[Entrant], each: str) -> Counters:
    numbers: dict[tuple[Period, str], int] = {}
    of_rules: list[dict[int, list[Limit]]] = []
    for one in entrants:
        mine: dict[int, list[Limit]] = {}
        for limit in one.rule.limits:
            if limit.each == each:
                counted = name_of(limit, rule_id=one.rule.id, campaign=one.campaign)
                number = numbers.setdefault((limit.period, counted), len(numbers))
                mine.setdefault(number, []).append(limit)
        of_rules.append(mine)
    shape = max(map(len, of_rules), default=0), len(entrants)
    of_rule = np.full(shape, -1, np.int64)
    most = {unit: np.full(shape, NO_LIMIT, np.int64) for unit in ("points", "times")}
    for rule, mine in enumerate(of_rules):
        for place, (number, limits) in enumerate(mine.items()):
            of_rule[place, rule] = number
            for limit in limits:
                most[limit.unit][place, rule] = limit.most
    return Counters(
        [PERIODS.index(period) for period, _ in numbers],
        [counted for _, counted in numbers],
        of_rule,
        most["points"],
        most["times"],
    )

"""What a simulation found, added up chunk by chunk: whole points, and days as numbers since 1970."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from club.accrual.funds import split
from club.accrual.simulation.chunks import Chunk, Cohort
from club.accrual.simulation.wants import TOLD_APART, Span
from club.accrual.simulation.worlds import NO_LIMIT, PERIODS, Ints, Small, World

SHOWN = 20
HISTOGRAM = (1, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000)
"""Where each of its bars begins, in points of one subscriber."""
BEFORE, DRAFT = 0, 1
"""The places of the two worlds: what was in force, and the same with the draft in its place."""


def _nobody() -> Counter[str]:
    return Counter(subscribers=0, points=0)


@dataclass(slots=True)
class Side:
    """One world: all its points, and those of the campaign."""

    world: World
    code: str
    days: int
    cohorts: int
    by_day: Ints = field(init=False)
    by_cohort: Ints = field(init=False)
    histogram: Ints = field(init=False)
    by_rule: Ints = field(init=False)
    times_by_rule: Ints = field(init=False)
    shared_by_day: Ints = field(init=False)
    occasions_by_rule: Ints = field(init=False)
    points: int = 0
    reached: int = 0
    held_out: int = 0

    def __post_init__(self) -> None:
        self.by_day = np.zeros(self.days, np.int64)
        self.by_cohort = np.zeros(self.cohorts, np.int64)
        self.histogram = np.zeros(len(HISTOGRAM), np.int64)
        self.by_rule = np.zeros(len(self.world.entrants), np.int64)
        self.times_by_rule = np.zeros_like(self.by_rule)
        self.occasions_by_rule = np.zeros_like(self.by_rule)
        self.shared_by_day = np.zeros((len(self.world.shared.periods), self.days), np.int64)

    @property
    def is_ours(self) -> Ints:
        return np.array([one.campaign == self.code for one in self.world.entrants], np.int64)

    def add(self, chunk: Chunk, place: int, granted: Small, first_day: int) -> tuple[Ints, Ints]:
        """Answers each subscriber's points: of all campaigns, and of this one."""
        wishes, _, came, held_out = chunk.crowds[place]
        subscriber = chunk.past.subscriber[wishes.event]
        day = chunk.day[wishes.event] - first_day
        ours = granted * self.is_ours[wishes.rule] if len(granted) else granted
        self.by_rule += _sums(wishes.rule, granted, len(self.by_rule))
        self.times_by_rule += _sums(wishes.rule, granted > 0, len(self.by_rule))
        for rule, often in came.items():
            self.occasions_by_rule[rule] += often
        self.by_day += _sums(day, ours, self.days)
        self.by_cohort += _sums(chunk.cohort[wishes.event], ours, self.cohorts)
        for number in range(len(self.shared_by_day)):
            counts = (self.world.shared.of_rule == number).any(axis=0)[wishes.rule]
            self.shared_by_day[number] += _sums(day[counts], granted[counts], self.days)
        every, mine = (
            _sums(subscriber, points, len(chunk.past.subscriber_ids)) for points in (granted, ours)
        )
        self.points += int(every.sum())
        self.reached += int((mine > 0).sum())
        out = [some for rule, some in held_out.items() if self.is_ours[rule]]
        self.held_out += int(np.any(out, axis=0).sum()) if out else 0
        bars = np.searchsorted(HISTOGRAM, mine[mine > 0], side="right") - 1
        self.histogram += np.bincount(bars, minlength=len(HISTOGRAM))
        return every, mine


@dataclass(slots=True)
class Tally:
    span: Span
    sides: Sequence[Side]
    cohorts: Sequence[Cohort]
    most: list[tuple[int, int, int]] = field(default_factory=list)
    """(points of the campaign in the draft, subscriber, points of it before), the most last."""
    gains: list[tuple[int, int, int]] = field(default_factory=list)
    losses: list[tuple[int, int, int]] = field(default_factory=list)
    """(change, subscriber, points of all campaigns before); a loss as a positive number."""
    winners: Counter[str] = field(default_factory=_nobody)
    losers: Counter[str] = field(default_factory=_nobody)
    turned: Counter[str] = field(default_factory=_nobody)

    def add(self, chunk: Chunk, granted: Sequence[Small]) -> None:
        """`granted` of the wishes of each world."""
        totals = [
            side.add(chunk, place, points, self.span.first_day)
            for place, (side, points) in enumerate(zip(self.sides, granted, strict=True))
        ]
        (before, ours_before), (after, ours) = totals
        ids, change = chunk.past.subscriber_ids, after - before
        for counts, by in ((self.winners, change), (self.losers, -change)):
            counts["subscribers"] += int((by > 0).sum())
            counts["points"] += int(by[by > 0].sum())
        self.most = _largest(self.most, ours, ids, ours_before)
        self.gains = _largest(self.gains, change, ids, before)
        self.losses = _largest(self.losses, -change, ids, before)

    def add_turned(self, chunk: Chunk, granted: Small, turned: Small) -> None:
        """What the draft would have granted had all events come in the opposite order."""
        other, usual = (
            _sums(chunk.past.subscriber[crowd.wishes.event], points, len(chunk.past.subscriber_ids))
            for crowd, points in ((chunk.turned, turned), (chunk.crowds[DRAFT], granted))
        )
        change = other - usual
        self.turned["subscribers"] += int((change != 0).sum())
        self.turned["points"] += int(change.sum())
        self.turned["moved_points"] += int(np.abs(change).sum())

    def results(self, *, events: int, point_worth_tiyin: int) -> dict[str, Any]:
        """As JSON: what the office, the API and the command line show."""
        before, draft = self.sides
        day = [self.span.first + timedelta(days=number) for number in range(self.span.days)]
        return {
            "events": events,
            "point_worth_tiyin": point_worth_tiyin,
            "totals": {
                name: {
                    "points": int(side.by_day.sum()),
                    "subscribers": side.reached,
                    "held_out": side.held_out,
                    "points_of_all_campaigns": side.points,
                }
                for name, side in (("before", before), ("draft", draft))
            },
            "by_day": [
                {"day": on.isoformat(), "before": int(was), "draft": int(now)}
                for on, was, now in zip(day, before.by_day, draft.by_day, strict=True)
            ],
            **{f"by_{name}": self._by_fact(place) for place, name in enumerate(TOLD_APART)},
            "by_fund": self._by_fund(),
            "by_rule": [
                {
                    "rule": one.rule.id,
                    "occasions": int(occasions) if one.rule.occasion else None,
                    "points": int(points),
                    "times": int(times),
                }
                for one, points, times, occasions in zip(
                    draft.world.entrants,
                    draft.by_rule,
                    draft.times_by_rule,
                    draft.occasions_by_rule,
                    strict=True,
                )
                if one.campaign == draft.code
            ],
            "histogram": [
                {"from": begins, "before": int(was), "draft": int(now)}
                for begins, was, now in zip(
                    HISTOGRAM, before.histogram, draft.histogram, strict=True
                )
            ],
            "budgets": self._budgets(draft),
            "most": [
                {"subscriber_id": one, "draft": points, "before": was}
                for points, one, was in reversed(self.most)
            ],
            "winners": {**self.winners, "most": _changes(self.gains, 1)},
            "losers": {**self.losers, "most": _changes(self.losses, -1)},
            "turned": {**self.turned},
        }

    def _by_fact(self, place: int) -> list[dict[str, Any]]:
        """The campaign's points by one of the facts, the most first; None where it was not known."""
        sums: dict[str | None, list[int]] = {}
        for number, cohort in enumerate(self.cohorts):
            line = sums.setdefault(cohort[place], [0, 0])
            for which, side in enumerate(self.sides):
                line[which] += int(side.by_cohort[number])
        lines = [
            {"value": value, "before": was, "draft": now} for value, (was, now) in sums.items()
        ]
        return sorted(lines, key=lambda line: (-line["draft"], str(line["value"])))

    def _by_fund(self) -> list[dict[str, Any]]:
        """Who pays, all campaigns together: the draft may take from another one what it gives."""
        sums: dict[int, list[int]] = {}
        for which, side in enumerate(self.sides):
            for one, points in zip(side.world.entrants, side.by_rule, strict=True):
                for fund, part in split(int(points), one.shares):
                    sums.setdefault(fund, [0, 0])[which] += part
        return [
            {"value": fund, "before": was, "draft": now}
            for fund, (was, now) in sorted(sums.items())
        ]

    def _budgets(self, draft: Side) -> list[dict[str, Any]]:
        """Of the points for all together, for ever, that the campaign's rules allow: how much of them is
        used after each day, and on which day the last one goes."""
        shared, found = draft.world.shared, []
        ours = draft.is_ours.astype(np.bool_)
        for number, period in enumerate(shared.periods):
            uses = (shared.of_rule == number) & ours
            most = int(shared.most_points[uses].min(initial=NO_LIMIT))
            if PERIODS[period] != "ever" or most == NO_LIMIT:
                continue
            used = np.cumsum(draft.shared_by_day[number])
            over = np.flatnonzero(used >= most)
            out = self.span.first + timedelta(days=int(over[0])) if len(over) else None
            found.append(
                {
                    "counted": shared.names[number],
                    "most": most,
                    "used_by_day": used.tolist(),
                    "used_up_on": out and out.isoformat(),
                }
            )
        return found


def _sums(places: Small, amounts: npt.NDArray[Any], length: int) -> Ints:
    """Exact up to 2**53 in one place, far beyond all points there are."""
    return np.bincount(places, weights=amounts, minlength=length).astype(np.int64)


def _largest(
    known: list[tuple[int, int, int]], amounts: Ints, ids: Ints, others: Ints
) -> list[tuple[int, int, int]]:
    """The SHOWN largest of those known and these, the largest last; of equals the older subscriber."""
    some = np.argsort(-amounts, kind="stable")[:SHOWN]
    some = some[amounts[some] > 0]
    lines = zip(amounts[some].tolist(), ids[some].tolist(), others[some].tolist(), strict=True)
    return heapq.nlargest(SHOWN, [*known, *lines], key=lambda line: (line[0], -line[1]))[::-1]


def _changes(lines: list[tuple[int, int, int]], sign: int) -> list[dict[str, int]]:
    return [
        {"subscriber_id": one, "before": was, "draft": was + sign * change}
        for change, one, was in reversed(lines)
    ]

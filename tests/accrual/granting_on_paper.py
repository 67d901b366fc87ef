"""What rules are granted, as somebody would work it out on paper: no counters, but the list of everything
that was granted before, gone through anew each time. Slow, plain, and written apart from the product.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from club.accrual.rules.model import Limit, Milestone, Nth, Rule, Streak

TASHKENT = ZoneInfo("Asia/Tashkent")
Answer = tuple[int, str, object]
"""Points, the reason, and what is to blame: a rule's id, or a limit with what was used of it before."""


@dataclass
class Row:
    """One grant of more than nothing."""

    rule: Rule
    who: int
    at: datetime
    points: int


@dataclass
class Paper:
    """The rules are all of one campaign."""

    granted: list[Row] = field(default_factory=list)
    seen: list[tuple[str, int, datetime, int]] = field(default_factory=list)
    """Rule, subscriber, moment and amount of every event that met a rule."""

    def decide(
        self,
        wants: Sequence[tuple[Rule, int]],
        *,
        who: int,
        at: datetime,
        amount: int,
        held_out: frozenset[str],
    ) -> dict[str, Answer]:
        answers: dict[str, Answer] = {}
        ready: dict[str, tuple[Rule, int]] = {}
        for rule, wanted in wants:
            times = self._times(rule, who, at, amount)
            if times == 0:
                answers[rule.id] = 0, "not_yet", None
            elif rule.id in held_out:
                answers[rule.id] = 0, "holdout", None
            else:
                most = rule.reward.cap_per_event if times > 1 else wanted
                ready[rule.id] = rule, min(wanted * times, most)
        for rule_id, blamed in self._losers(ready).items():
            answers[rule_id] = 0, *blamed
            del ready[rule_id]
        for rule, wanted in sorted(ready.values(), key=_turn):
            answers[rule.id] = self._granted(rule, wanted, who, at)
        return answers

    def cancel(self, rule_id: str, *, who: int, at: datetime) -> int:
        """Strike out the first such grant; answers its points, 0 where there is none."""
        for row in self.granted:
            if (row.rule.id, row.who, row.at) == (rule_id, who, at):
                self.granted.remove(row)
                return row.points
        return 0

    # ---- occasions ---------------------------------------------------------------------------
    def _times(self, rule: Rule, who: int, at: datetime, amount: int) -> int:
        occasion = rule.occasion
        if occasion is None:
            return 1
        mine = [
            (when, much) for one, whose, when, much in self.seen if (one, whose) == (rule.id, who)
        ]
        self.seen.append((rule.id, who, at, amount))
        if isinstance(occasion, Streak):
            return _streak(occasion, [when for when, _ in mine], at)
        before = [much for when, much in mine if _is_same(occasion.period, when, at)]
        if isinstance(occasion, Nth):
            nth = len(before) + 1
            return int(nth % occasion.n == 0 if occasion.repeats else nth == occasion.n)
        assert isinstance(occasion, Milestone)
        passed = [step for step in range(1, 200)
                  if sum(before) < step * occasion.amount <= sum(before) + amount]  # fmt: skip
        return len(passed) if occasion.repeats else int(1 in passed)

    # ---- the contest -------------------------------------------------------------------------
    def _losers(self, ready: dict[str, tuple[Rule, int]]) -> dict[str, tuple[str, object]]:
        lost: dict[str, tuple[str, object]] = {}
        in_order = sorted(ready.values(), key=_turn)
        for group in {rule.stacking.group for rule, _ in in_order if rule.stacking}:
            members = [
                one for one in in_order if one[0].stacking and one[0].stacking.group == group
            ]
            best = members[0]
            if best[0].stacking and best[0].stacking.mode == "highest":
                best = next(
                    one for one in members if one[1] == max(points for _, points in members)
                )
            for rule, _ in members:
                if rule.id != best[0].id:
                    lost[rule.id] = "outstacked", best[0].id
        standing: list[Rule] = []
        for rule, _ in in_order:
            if rule.id in lost:
                continue
            against = [
                one.id for one in standing if rule.id in one.excludes or one.id in rule.excludes
            ]
            if against:
                lost[rule.id] = "excluded", against[0]
            else:
                standing.append(rule)
        return lost

    # ---- limits ------------------------------------------------------------------------------
    def _granted(self, rule: Rule, wanted: int, who: int, at: datetime) -> Answer:
        points, blamed = wanted, None
        for limit in rule.limits:
            rows = [row for row in self.granted if _counts(row, rule, limit, who, at)]
            if limit.unit == "times":
                used, allowed = len(rows), wanted if len(rows) < limit.most else 0
            else:
                used = sum(row.points for row in rows)
                allowed = max(limit.most - used, 0)
            if allowed < points:
                points, blamed = allowed, (limit, used)
        if points:
            self.granted.append(Row(rule, who, at, points))
        if blamed is None:
            return points, "granted", None
        return points, "cut" if points else "limit", blamed


def _turn(one: tuple[Rule, int]) -> tuple[int, str]:
    return -one[0].priority, one[0].id


def _counts(row: Row, rule: Rule, limit: Limit, who: int, at: datetime) -> bool:
    """Whether a grant of before is one of those that a limit counts."""
    if not _is_same(limit.period, row.at, at):
        return False
    if limit.each == "subscriber" and row.who != who:
        return False
    if limit.of == "rule":
        return row.rule.id == rule.id
    # Of the campaign's rules those that have such a limit of the campaign themselves.
    return any(
        (own.of, own.each, own.period) == ("campaign", limit.each, limit.period)
        for own in row.rule.limits
    )


def _is_same(period: str, one: datetime, other: datetime) -> bool:
    a, b = one.astimezone(TASHKENT), other.astimezone(TASHKENT)
    same: dict[str, Any] = {
        "ever": True,
        "month": (a.year, a.month) == (b.year, b.month),
        "week": a.isocalendar()[:2] == b.isocalendar()[:2],
        "day": a.date() == b.date(),
        "hour": (a.date(), a.hour) == (b.date(), b.hour),
    }
    return bool(same[period])


def _streak(occasion: Streak, before: Sequence[datetime], at: datetime) -> int:
    """Events come in the order of deciding; one that is not later than the streak's last is left out."""
    counted: list[date] = []
    for when in (*before, at):
        period = _first_day(occasion.period, when)
        is_new = not counted or period > counted[-1]
        if is_new:
            counted.append(period)
    if not is_new:
        return 0
    length = 1
    while (
        length < len(counted)
        and _first_day_before(occasion.period, counted[-length]) == counted[-length - 1]
    ):
        length += 1
    return int(length % occasion.length == 0 if occasion.repeats else length == occasion.length)


def _first_day(period: str, when: datetime) -> date:
    day = when.astimezone(TASHKENT).date()
    if period == "month":
        return day.replace(day=1)
    return day - timedelta(days=day.weekday()) if period == "week" else day


def _first_day_before(period: str, first: date) -> date:
    """The first day of the period before the one that begins on `first`."""
    if period == "month":
        return (first - timedelta(days=1)).replace(day=1)
    return first - timedelta(days=7 if period == "week" else 1)

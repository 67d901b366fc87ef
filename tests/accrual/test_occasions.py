"""The n-th event, streaks and milestones, without a database: by hand, then against plain counting."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from club.accrual.rules import occasions
from club.accrual.rules.counting import Place, Used, places
from club.accrual.rules.explain import Reason
from club.accrual.rules.granting import Candidate, Grant, award
from club.accrual.rules.model import Milestone, Nth, Occasion, Rule, Streak
from club.accrual.rules.wanting import Want
from club.clock import TASHKENT
from tests.accrual.test_granting import NOON, limit, rule

AZIZA = 1
Event = tuple[datetime, int]
"""When, and how many tiyin."""


def read(**data: Any) -> Occasion:
    occasion: Occasion = TypeAdapter(Occasion).validate_json(json.dumps(data))
    return occasion


def day(number: int, month: int = 11) -> datetime:
    return datetime(2026, month, number, 7, tzinfo=UTC)


def reached(occasion: Occasion, events: Sequence[Event]) -> list[int]:
    """How often each of the events counts for one subscriber."""
    one = rule("r", occasion=occasion.model_dump())
    used: dict[Place, Used] = {}
    found = []
    for at, amount in events:
        place = occasions.place_of(one, subscriber_id=AZIZA, at=at)
        assert place is not None
        before = used.get(place, Used())
        used[place], now = occasions.advance(occasion, before, amount=amount, at=at)
        found.append(now.times)
    return found


# ---- by hand ---------------------------------------------------------------------------------
def test_the_first_event_ever_counts_once() -> None:
    welcome = Nth(n=1, period="ever")
    assert reached(welcome, [(day(1), 5), (day(2), 5), (day(3, month=12), 5)]) == [1, 0, 0]


def test_the_third_of_a_month_counts_and_a_new_month_begins_anew() -> None:
    third = Nth(n=3, period="month")
    days = [day(n) for n in (1, 2, 3, 4, 5, 6)] + [day(n, month=12) for n in (1, 2, 3)]
    assert reached(third, [(at, 1) for at in days]) == [0, 0, 1, 0, 0, 0, 0, 0, 1]
    every = Nth(n=3, period="month", repeats=True)
    assert reached(every, [(at, 1) for at in days]) == [0, 0, 1, 0, 0, 1, 0, 0, 1]


def test_a_month_ends_at_midnight_in_tashkent() -> None:
    midnight = datetime(2026, 11, 30, 19, tzinfo=UTC)
    second = Nth(n=2, period="month")
    assert reached(second, [(midnight - timedelta(seconds=1), 1), (midnight, 1)]) == [0, 0]
    assert reached(second, [(midnight, 1), (midnight, 1)]) == [0, 1]


def test_a_streak_counts_periods_and_not_events() -> None:
    three = Streak(length=3, period="day")
    days = [day(n) for n in (1, 1, 2, 3, 3, 4, 5, 6)]
    assert reached(three, [(at, 1) for at in days]) == [0, 0, 0, 1, 0, 0, 0, 0]
    again = Streak(length=3, period="day", repeats=True)
    assert reached(again, [(at, 1) for at in days]) == [0, 0, 0, 1, 0, 0, 0, 1]


def test_a_period_left_out_breaks_a_streak_and_a_new_one_may_begin() -> None:
    three = Streak(length=3, period="month")
    months = [
        (2026, 1),
        (2026, 2),
        (2026, 4),
        (2026, 5),
        (2026, 6),
        (2026, 12),
        (2027, 1),
        (2027, 2),
    ]
    events = [(datetime(year, month, 9, tzinfo=UTC), 1) for year, month in months]
    assert reached(three, events) == [0, 0, 0, 0, 1, 0, 0, 1]


def test_what_comes_late_for_a_streak_changes_nothing() -> None:
    two = Streak(length=2, period="day")
    assert reached(two, [(day(5), 1), (day(4), 1), (day(6), 1)]) == [0, 0, 1]


def test_a_milestone_is_reached_by_the_event_that_passes_it() -> None:
    once = Milestone(amount=100, period="month")
    amounts = [60, 39, 1, 500, 1]
    assert reached(once, [(day(1), n) for n in amounts]) == [0, 0, 1, 0, 0]
    each = Milestone(amount=100, period="month", repeats=True)
    assert reached(each, [(day(1), n) for n in amounts]) == [0, 0, 1, 5, 0]


# ---- together with the rest of granting ------------------------------------------------------
class Desk:
    """One subscriber's events, each put to the same rules."""

    def __init__(self, *rules: Rule, held_out: Sequence[str] = ()) -> None:
        self.rules, self.held_out = rules, held_out
        self.used: dict[Place, Used] = {}

    def takes(self, *, wants: int = 10, amount: int = 1, at: datetime = NOON) -> dict[str, Grant]:
        candidates = []
        for one in self.rules:
            candidates.append(
                Candidate(
                    one,
                    Want(wants, wants, Reason.GRANTED),
                    [*places(one, "spring", subscriber_id=AZIZA, at=at)],
                    occasions.place_of(one, subscriber_id=AZIZA, at=at),
                    one.id in self.held_out,
                )
            )
            for place in candidates[-1].places:
                self.used.setdefault(place, Used())
        found = award(candidates, amount=amount, at=at, used=self.used)
        assert {candidate.rule.id for candidate, _ in found} == {one.id for one in self.rules}
        return {candidate.rule.id: grant for candidate, grant in found}


def test_who_waits_for_an_occasion_says_how_far_it_has_come() -> None:
    third = Nth(n=3, period="month")
    desk = Desk(rule("third", occasion=third.model_dump()))
    desk.takes()
    second = desk.takes()["third"]

    assert (second.points, second.reason) == (0, Reason.NOT_YET)
    assert second.because is not None
    assert (second.because.used, second.because.occasion) == (2, third)
    assert second.because.period == "2026-11"
    assert desk.takes()["third"] == Grant(10, Reason.GRANTED)


def test_who_waits_for_an_occasion_outstacks_and_excludes_nobody() -> None:
    second = {"occasion": {"kind": "nth", "n": 2, "period": "day"}}
    group = {"stacking": {"group": "g", "mode": "first"}}
    desk = Desk(
        rule("rare", priority=9, excludes=["apart"], **second, **group),
        rule("usual", **group),
        rule("apart"),
    )
    before, after = desk.takes(), desk.takes()

    assert {name: one.points for name, one in before.items()} == {
        "rare": 0,
        "usual": 10,
        "apart": 10,
    }
    assert {name: one.points for name, one in after.items()} == {"rare": 10, "usual": 0, "apart": 0}


def test_a_milestone_passed_several_times_counts_as_often_within_the_cap_and_the_limits() -> None:
    each = {"occasion": {"kind": "milestone", "amount": 100, "period": "ever", "repeats": True}}
    capped = {"kind": "fixed", "points": 10, "cap_per_event": 25}
    desk = Desk(
        rule("free", **each),
        rule("capped", **each | {"reward": capped}),
        rule("limited", **each, limits=[limit(22)]),
    )
    found = desk.takes(amount=399)

    assert {name: one.points for name, one in found.items()} == {
        "free": 30, "capped": 25, "limited": 22,
    }  # fmt: skip


def test_an_event_counts_towards_the_occasion_even_when_another_rule_counts_in_its_place() -> None:
    second = {"occasion": {"kind": "nth", "n": 2, "period": "day", "repeats": True}}
    group = {"stacking": {"group": "g", "mode": "first"}}
    desk = Desk(rule("a", **second, **group), rule("b", priority=1, **group))
    assert [desk.takes()["a"].reason for _ in range(4)] == [
        Reason.NOT_YET, Reason.OUTSTACKED, Reason.NOT_YET, Reason.OUTSTACKED,
    ]  # fmt: skip


def test_who_is_held_out_gets_nothing_and_stands_in_nobodys_way() -> None:
    group = {"stacking": {"group": "g", "mode": "highest"}}
    first = {"occasion": {"kind": "nth", "n": 1, "period": "ever"}}
    desk = Desk(rule("a", **group, **first), rule("b", **group), held_out=["a"])
    found, later = desk.takes(), desk.takes()

    assert found["a"] == Grant(0, Reason.HOLDOUT)
    assert found["b"].points == 10
    assert later["a"].reason == Reason.NOT_YET, "held out, it is measured as everybody else"


# ---- laws ------------------------------------------------------------------------------------
_days = st.integers(0, 40).map(lambda n: NOON + timedelta(days=n, hours=7 * n % 24))
_events = st.lists(st.tuples(_days, st.integers(0, 300)), max_size=30)
_nths = st.builds(
    Nth,
    n=st.integers(1, 4),
    period=st.sampled_from(["day", "week", "month", "ever"]),
    repeats=st.booleans(),
)
_streaks = st.builds(
    Streak,
    length=st.integers(2, 4),
    period=st.sampled_from(["day", "week"]),
    repeats=st.booleans(),
)
_milestones = st.builds(
    Milestone,
    amount=st.integers(1, 500),
    period=st.sampled_from(["day", "week", "month", "ever"]),
    repeats=st.booleans(),
)


def period_key(period: str, at: datetime) -> object:
    local = at.astimezone(TASHKENT).date()
    return {
        "day": local,
        "week": local.isocalendar()[:2],
        "month": (local.year, local.month),
        "ever": None,
    }[period]


def by_looking_back(occasion: Nth | Milestone, events: Sequence[Event]) -> Iterator[int]:
    """From the whole past, without a counter."""
    for index, (at, amount) in enumerate(events):
        now = period_key(occasion.period, at)
        past = [n for when, n in events[:index] if period_key(occasion.period, when) == now]
        if isinstance(occasion, Nth):
            place = len(past) + 1
            yield int(not place % occasion.n if occasion.repeats else place == occasion.n)
        else:
            times = (sum(past) + amount) // occasion.amount - sum(past) // occasion.amount
            yield times if occasion.repeats else int(times > 0 and sum(past) < occasion.amount)


@given(_nths | _milestones, _events)
def test_counters_say_what_looking_back_at_all_events_says(
    occasion: Nth | Milestone, events: list[Event]
) -> None:
    assert reached(occasion, events) == [*by_looking_back(occasion, events)]


@settings(deadline=None)
@given(_streaks, st.sets(st.integers(0, 60), max_size=40))
def test_a_streak_is_a_run_of_periods_on_end(occasion: Streak, days: set[int]) -> None:
    events = [(NOON + timedelta(days=n), 1) for n in sorted(days)]
    periods = {
        (n if occasion.period == "day" else (n + NOON.weekday()) // 7): None for n in sorted(days)
    }
    expected, length, last = 0, 0, None
    for number in periods:
        length = length + 1 if last is not None and number == last + 1 else 1
        last = number
        expected += not length % occasion.length if occasion.repeats else length == occasion.length

    assert sum(reached(occasion, events)) == expected


@given(_nths | _milestones, _events, st.integers(0, 300))
def test_an_event_taken_back_leaves_no_trace(
    occasion: Nth | Milestone, events: list[Event], amount: int
) -> None:
    before = Used(sum(n for _, n in events), len(events))
    after, _ = occasions.advance(occasion, before, amount=amount, at=NOON)
    assert occasions.take_back(occasion, after, amount=amount) == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "nth", "n": 0, "period": "day"},
        {"kind": "streak", "length": 1, "period": "day"},
        {"kind": "streak", "length": 3, "period": "ever"},
        {"kind": "streak", "length": 3, "period": "hour"},
        {"kind": "milestone", "amount": 0, "period": "ever"},
        {"kind": "sometimes"},
    ],
    ids=str,
)
def test_an_occasion_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        rule("r", occasion=wrong)


def test_a_milestone_whose_repeats_could_leave_64_bits_is_refused() -> None:
    each = {"kind": "milestone", "amount": 1, "period": "ever", "repeats": True}
    dear = {"kind": "percentage", "basis_points": 10_000, "cap_per_event": 5}
    with pytest.raises(ValidationError, match="64 bits"):
        rule("r", occasion=each, reward=dear)

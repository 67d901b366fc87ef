"""Stacking, exclusions and limits, without a database: some cases by hand, then laws."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from club.accrual.rules.counting import Place, Used, places
from club.accrual.rules.explain import Reason
from club.accrual.rules.granting import Bid, Candidate, Grant, contest, give_back, grant
from club.accrual.rules.model import Limit, Rule
from club.accrual.rules.wanting import Want

NOON = datetime(2026, 11, 18, 7, 0, tzinfo=UTC)  # in Tashkent
AZIZA, BOTIR = 1, 2


def rule(rule_id: str, **more: Any) -> Rule:
    data = {
        "id": rule_id,
        "when": {"kind": "compare", "field": "amount", "op": "gt", "value": 0},
        "reward": {"kind": "fixed", "points": 1, "cap_per_event": 10**6},
    }
    return Rule.model_validate_json(json.dumps(data | more))


def limit(most: int, **more: Any) -> dict[str, Any]:
    return {"period": "day", "unit": "points", "most": most} | more


def counters_of(one: Rule, *, who: int = AZIZA, at: datetime = NOON) -> list[Place]:
    return [*places(one, "spring", subscriber_id=who, at=at)]


class Counters:
    """The counters as a batch has them, and one call for each event."""

    def __init__(self) -> None:
        self.used: dict[Place, Used] = {}

    def decide(
        self, wants: Mapping[Rule, int], *, who: int = AZIZA, at: datetime = NOON
    ) -> dict[str, Grant]:
        kept, lost = contest([Bid(one, points) for one, points in wants.items()])
        granted = {}
        for rule, points in kept:
            counters = counters_of(rule, who=who, at=at)
            for place in counters:
                self.used.setdefault(place, Used())
            want = Want(points, points, Reason.GRANTED)
            granted[rule.id] = grant(Candidate(rule, want, counters), used=self.used)
        assert not granted.keys() & lost.keys()
        return granted | lost

    def points(self, *args: Any, **how: Any) -> dict[str, int]:
        return {name: one.points for name, one in self.decide(*args, **how).items()}


# ---- by hand ---------------------------------------------------------------------------------
def test_rules_of_no_group_add_up() -> None:
    assert Counters().points({rule("a"): 5, rule("b"): 7}) == {"a": 5, "b": 7}


@pytest.mark.parametrize(
    ("mode", "counts"), [("first", "early"), ("highest", "high")], ids=["first", "highest"]
)
def test_of_a_group_one_rule_counts_and_the_others_say_which(mode: str, counts: str) -> None:
    group = {"stacking": {"group": "weekend", "mode": mode}}
    early, high = rule("early", priority=9, **group), rule("high", **group)
    granted = Counters().decide({high: 50, early: 20, rule("apart"): 1})

    (other,) = {"early", "high"} - {counts}
    assert granted[counts].reason == Reason.GRANTED
    assert granted[other].reason == Reason.OUTSTACKED
    assert granted[other].because is not None
    assert granted[other].because.rule_id == counts
    assert granted["apart"].points == 1


def test_of_equal_wants_the_one_that_goes_first_counts() -> None:
    group = {"stacking": {"group": "weekend", "mode": "highest"}}
    assert Counters().points({rule("b", **group): 5, rule("a", **group): 5}) == {"a": 5, "b": 0}


def test_an_exclusion_works_in_both_directions_and_the_higher_priority_counts() -> None:
    gift, everyday = rule("gift", excludes=["everyday"]), rule("everyday", priority=5)
    granted = Counters().decide({gift: 100, everyday: 1})

    assert (granted["everyday"].points, granted["gift"].points) == (1, 0)
    assert granted["gift"].reason == Reason.EXCLUDED
    assert granted["gift"].because is not None
    assert granted["gift"].because.rule_id == "everyday"


def test_who_lost_in_a_group_excludes_nobody() -> None:
    group = {"stacking": {"group": "g", "mode": "first"}}
    winner, loser = rule("a", **group), rule("b", excludes=["c"], **group)
    assert Counters().points({winner: 1, loser: 1, rule("c"): 1}) == {"a": 1, "b": 0, "c": 1}


def test_points_are_cut_to_what_is_left_and_the_limit_is_named_with_what_was_used() -> None:
    counters, monthly = Counters(), rule("r", limits=[limit(100, period="month")])
    counters.decide({monthly: 70})
    second, third = counters.decide({monthly: 70})["r"], counters.decide({monthly: 70})["r"]

    assert (second.points, second.reason) == (30, Reason.CUT)
    assert (third.points, third.reason) == (0, Reason.LIMIT)
    assert second.because is not None
    assert (second.because.used, second.because.period) == (70, "2026-11")
    assert second.because.limit == monthly.limits[0]


def test_times_are_all_or_nothing() -> None:
    counters, twice = Counters(), rule("r", limits=[limit(2, unit="times")])
    assert [counters.points({twice: 50})["r"] for _ in range(3)] == [50, 50, 0]


def test_a_limit_begins_anew_with_its_period_in_tashkent() -> None:
    counters, daily = Counters(), rule("r", limits=[limit(10)])
    before_midnight = datetime(2026, 11, 18, 18, 59, tzinfo=UTC)

    assert counters.points({daily: 10}, at=NOON) == {"r": 10}
    assert counters.points({daily: 10}, at=before_midnight) == {"r": 0}
    assert counters.points({daily: 10}, at=before_midnight + timedelta(minutes=1)) == {"r": 10}
    assert counters.points({daily: 10}, at=NOON - timedelta(days=1)) == {"r": 10}, "a late one"


def test_a_limit_for_all_is_shared_and_one_for_each_is_not() -> None:
    counters = Counters()
    each, together = rule("each", limits=[limit(10)]), rule("all", limits=[limit(10, each="all")])

    assert counters.points({each: 10, together: 7}, who=AZIZA) == {"each": 10, "all": 7}
    assert counters.points({each: 10, together: 7}, who=BOTIR) == {"each": 10, "all": 3}


def test_a_campaigns_budget_is_shared_by_its_rules_in_the_order_of_priority() -> None:
    budget = {"limits": [limit(100, of="campaign", each="all", period="ever")]}
    counters, small, big = Counters(), rule("a", **budget), rule("b", priority=1, **budget)

    assert counters.points({small: 50, big: 80}) == {"b": 80, "a": 20}
    assert counters.points({small: 50}, who=BOTIR) == {"a": 0}


def test_the_tightest_limit_bites_and_all_of_them_are_counted() -> None:
    counters = Counters()
    both = rule("r", limits=[limit(10, period="month"), limit(4, period="day")])
    tomorrow = NOON + timedelta(days=1)

    first = counters.decide({both: 10})["r"]
    assert first.because is not None
    assert first.because.limit is not None
    assert (first.points, first.because.limit.period) == (4, "day")
    assert counters.points({both: 10}, at=tomorrow) == {"r": 4}
    assert counters.points({both: 10}, at=tomorrow + timedelta(days=1)) == {"r": 2}


def test_what_was_taken_back_gives_its_room_back_in_its_own_period() -> None:
    counters = Counters()
    both = rule("r", limits=[limit(10), limit(1, unit="times")])
    counters.decide({both: 8}, at=NOON)
    give_back(counters_of(both), points=8, used=counters.used)

    assert {*counters.used.values()} == {Used()}
    give_back(counters_of(both), points=8, used=counters.used)
    assert {*counters.used.values()} == {Used()}, "never below zero: a limit may be younger"


def test_a_counter_that_was_not_fetched_is_an_error_and_not_an_empty_one() -> None:
    limited = rule("r", limits=[limit(1)])
    with pytest.raises(KeyError):
        grant(Candidate(limited, Want(1, 1, Reason.GRANTED), counters_of(limited)), used={})


# ---- laws ------------------------------------------------------------------------------------
_limits = st.builds(
    limit,
    st.integers(1, 60),
    of=st.sampled_from(["rule", "campaign"]),
    each=st.sampled_from(["subscriber", "all"]),
    period=st.sampled_from(["hour", "day", "week", "month", "ever"]),
    unit=st.sampled_from(["points", "times"]),
)
_rules = st.builds(
    rule,
    st.sampled_from("abcdef"),
    priority=st.integers(0, 2),
    stacking=st.none() | st.sampled_from(["g", "h"]).map(lambda g: {"group": g, "mode": "highest"}),
    excludes=st.lists(st.sampled_from("uvw"), max_size=1),
    limits=st.lists(
        _limits, max_size=3, unique_by=lambda x: (x["of"], x["each"], x["period"], x["unit"])
    ),
)
_rulebooks = st.lists(_rules, min_size=1, max_size=5, unique_by=lambda one: one.id)
_events = st.lists(
    st.tuples(st.sampled_from([AZIZA, BOTIR]), st.integers(0, 80), st.lists(st.integers(1, 40))),
    max_size=12,
)


class Handed(NamedTuple):
    """A grant of more than nothing."""

    rule: Rule
    who: int
    at: datetime
    points: int


def counted(one: Rule, given_out: Sequence[Handed]) -> Iterator[tuple[Limit, int, int]]:
    """For each limit of a rule, after each of its grants: points and times of that period so far.

    Rules of the campaign without such a limit are not held by it, so others may go beyond.
    """
    for index, cap in enumerate(one.limits):
        sums: dict[Place, Used] = {}
        for handed in given_out:
            mine = counters_of(one, who=handed.who, at=handed.at)[index]
            if mine in counters_of(handed.rule, who=handed.who, at=handed.at):
                before = sums.get(mine, Used())
                sums[mine] = Used(before.points + handed.points, before.times + 1)
                if handed.rule == one:
                    yield cap, *sums[mine]


@settings(deadline=None)
@given(_rulebooks, _events)
def test_no_limit_is_ever_exceeded_and_nothing_is_granted_beyond_what_was_wanted(
    rulebook: list[Rule], events: list[tuple[int, int, list[int]]]
) -> None:
    counters = Counters()
    given_out: list[Handed] = []
    for who, hours, wants in events:
        at = NOON + timedelta(hours=hours)
        asked = dict(zip(rulebook, wants, strict=False))
        granted = counters.decide(asked, who=who, at=at)
        assert granted.keys() == {one.id for one in asked}
        for one, wanted in sorted(asked.items(), key=lambda x: (-x[0].priority, x[0].id)):
            got = granted[one.id]
            assert 0 <= got.points <= wanted
            assert (got.because is None) == (got.points == wanted)
            if got.points:
                given_out.append(Handed(one, who, at, got.points))
        # Of a group at most one, and somebody unless a limit or an exclusion was in the way.
        for group in {one.stacking.group for one in asked if one.stacking}:
            members = [
                granted[one.id] for one in asked if one.stacking and one.stacking.group == group
            ]
            assert sum(one.reason != Reason.OUTSTACKED for one in members) == 1

    # Counted anew from what was granted, without the counters.
    for one in rulebook:
        for cap, points, times in counted(one, given_out):
            assert (points if cap.unit == "points" else times) <= cap.most


@settings(deadline=None)
@given(_rulebooks, st.lists(st.integers(1, 40), min_size=5, max_size=5), st.randoms())
def test_the_order_in_which_rules_are_asked_changes_nothing(
    rulebook: list[Rule], wants: list[int], random: Any
) -> None:
    asked = list(zip(rulebook, wants, strict=False))
    shuffled = asked[:]
    random.shuffle(shuffled)
    assert Counters().decide(dict(asked)) == Counters().decide(dict(shuffled))

"""What is said about a rule before it is proposed: impossible conditions, needless parts, caps and limits
that change nothing. Some cases by hand; then laws, with every combination of boundary values as the judge.
"""

import json
from collections.abc import Iterator, Mapping
from itertools import product
from math import prod
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from club.accrual.rules import diagrams
from club.accrual.rules.explain import explain, why
from club.accrual.rules.facts import AMOUNT_TIYIN_MAX, FIELDS, Facts
from club.accrual.rules.model import AnyOf, Condition, Rule
from club.accrual.rules.warnings import Doubt, doubts
from tests.accrual.rule_shapes import SEGMENTS, Data, conditions, constants, rules_with_events
from tests.accrual.test_granting import NOON, Counters

FIVE: Data = {"kind": "fixed", "points": 5, "cap_per_event": 5}
PAID: Data = {"kind": "per_unit", "per": 1_000, "points": 1, "cap_per_event": 10**6}
NOTHING = Facts(*[None] * len(FIELDS))
QUICK = settings(deadline=None, max_examples=150)


def leaf(field: str, op: str, value: object) -> Data:
    return {"kind": "compare", "field": field, "op": op, "value": value}


def every(*parts: Data) -> Data:
    return {"kind": "all", "of": [*parts]}


def some(*parts: Data) -> Data:
    return {"kind": "any", "of": [*parts]}


CARD = leaf("channel", "eq", "card")
GOLD = leaf("tier", "eq", "gold")


def rule(when: Data | None = CARD, reward: Data = FIVE, **more: Any) -> Rule:
    text = json.dumps({"id": "r", "when": when, "reward": reward} | more)
    return Rule.model_validate_json(text)


def told(*args: Any, **how: Any) -> dict[str, str]:
    """Code of each doubt, by its place."""
    return {"/".join(map(str, one.place)): one.code for one in doubts(rule(*args, **how))}


# ---- by hand ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("when", "expected"),
    [
        (CARD, {}),
        (every(CARD, GOLD, some(leaf("hour", "lt", 6), leaf("hour", "ge", 22))), {}),
        (leaf("weekday", "gt", 7), {"when": "never"}),
        (leaf("weekday", "ge", 1), {"when": "always"}),
        (leaf("amount", "lt", 1), {"when": "never"}),
        (every(leaf("weekday", "eq", 6), leaf("weekday", "eq", 7)), {"when": "never"}),
        (every(CARD, leaf("hour", "ge", 24)), {"when": "never", "when/of/1": "never"}),
        (every(CARD, leaf("hour", "ge", 0)), {"when/of/1": "always"}),
        (every(CARD, GOLD, CARD), {"when/of/2": "repeats"}),
        (every(leaf("amount", "ge", 5), leaf("amount", "ge", 7)), {"when/of/0": "repeats"}),
        (some(leaf("amount", "ge", 5), leaf("amount", "ge", 7)), {"when/of/1": "repeats"}),
        (
            every(leaf("weekday", "eq", 6), some(leaf("weekday", "eq", 3), GOLD)),
            {"when/of/1/of/0": "never"},
        ),
        (some(GOLD, {"kind": "not", "of": GOLD}), {"when": "always"}),
        (leaf("event_type", "eq", "payment"), {"when": "repeats"}),
        (every(CARD, leaf("event_type", "eq", "charge")), {"when": "never", "when/of/1": "never"}),
        ({"kind": "not", "of": leaf("weekday", "lt", 9)}, {"when/of": "always"}),
        (
            every({"kind": "in_segment", "segment": "vip"}, {"kind": "not", "of": {"kind": "in_segment", "segment": "vip"}}),
            {"when": "never"},
        ),
    ],
    ids=lambda value: json.dumps(value)[:70],
)  # fmt: skip
def test_a_condition_is_doubted_at_its_place(when: Data, expected: dict[str, str]) -> None:
    assert told(when) == expected


def test_what_only_has_to_be_known_is_called_so() -> None:
    (doubt,) = doubts(rule(some(leaf("tariff", "eq", "vip"), leaf("tariff", "ne", "vip"))))

    assert doubt == Doubt(("when",), "always", {"unless": ("tariff",)})


def test_the_two_parts_that_contradict_each_other_are_named() -> None:
    (doubt,) = doubts(rule(every(CARD, leaf("hour", "lt", 6), GOLD, leaf("hour", "ge", 22))))

    assert doubt == Doubt(("when",), "never", {"parts": (1, 3)})


def test_a_case_that_an_earlier_one_always_beats_is_told() -> None:
    cases = [
        {"when": leaf("amount", "ge", 500), "percent": 150},
        {"when": leaf("amount", "ge", 900), "percent": 200},
    ]
    expected = {"reward/boosts/0/cases/1": "shadowed"}
    assert told(CARD, PAID | {"boosts": [{"name": "size", "cases": cases}]}) == expected
    assert told(CARD, PAID | {"boosts": [{"name": "size", "cases": cases[::-1]}]}) == {}


def test_a_rate_that_an_earlier_one_or_the_condition_rules_out_is_told() -> None:
    def rates(*when: Data) -> Data:
        return PAID | {"rates": [{"when": one, "per": 500, "points": 1} for one in when]}

    assert told(CARD, rates(GOLD, every(GOLD, leaf("hour", "eq", 3)))) == {
        "reward/rates/1": "shadowed"
    }
    assert told(CARD, rates(leaf("channel", "eq", "app"))) == {"reward/rates/0/when": "never"}


def test_a_cap_that_is_out_of_reach_and_one_that_always_bites_are_told() -> None:
    small = every(CARD, leaf("amount", "le", 50_000))
    place = "reward/cap_per_event"
    assert told(small, PAID | {"cap_per_event": 50}) == {}
    assert told(small, PAID | {"cap_per_event": 51}) == {place: "cap_never_reached"}
    large = every(CARD, leaf("amount", "ge", 50_000))
    assert told(large, PAID | {"cap_per_event": 51}) == {}
    assert told(large, PAID | {"cap_per_event": 50}) == {place: "cap_always_reached"}
    tiny = every(CARD, leaf("amount", "lt", 1_000))
    assert told(tiny, PAID) == {"reward": "worth_nothing"}


def test_a_boost_without_an_effect_is_told() -> None:
    boosts = [{"name": "b", "cases": [{"when": GOLD, "percent": 100}]}]
    assert told(CARD, FIVE | {"boosts": boosts}) == {"reward/boosts/0": "boost_does_nothing"}


def test_the_bounds_of_a_percentage_and_of_repeated_milestones_are_kept() -> None:
    share = {"kind": "percentage", "basis_points": 100, "cap_per_event": 500}
    small = every(CARD, leaf("amount", "le", 4_999_900))
    place = "reward/cap_per_event"
    assert told(small, share) == {place: "cap_never_reached"}
    assert told(every(CARD, leaf("amount", "le", 5_000_000)), share) == {}
    again = {"kind": "milestone", "amount": 10**9, "period": "day", "repeats": True}
    assert told(small, share, occasion=again) == {}
    every_one = {"kind": "nth", "n": 1, "period": "day", "repeats": True}
    assert told(occasion=every_one) == {"occasion": "occasion_always"}
    assert told(None, FIVE) == {}


def limit(most: int, period: str, **more: str) -> Data:
    return {"most": most, "period": period, "unit": "points"} | more


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ([limit(50, "day"), limit(300, "month")], {}),
        ([limit(300, "day"), limit(300, "month")], {"limits/0": "limit_never_bites"}),
        ([limit(50, "week"), limit(40, "month")], {}),  # a week may lie in two months
        ([limit(50, "month"), limit(40, "ever", each="all")], {"limits/0": "limit_never_bites"}),
        ([limit(50, "month", each="all"), limit(40, "ever")], {}),
        ([limit(50, "day", of="campaign"), limit(40, "month", of="campaign")], {}),
        ([limit(50, "day"), limit(10, "day", unit="times")], {"limits/0": "limit_never_bites"}),
        ([limit(49, "day"), limit(10, "day", unit="times")], {}),
        ([limit(4, "day")], {"reward/cap_per_event": "cap_above_limit"}),
    ],
    ids=str,
)
def test_a_limit_that_another_one_makes_needless_is_told(
    limits: list[Data], expected: dict[str, str]
) -> None:
    assert told(limits=limits) == expected


def test_a_group_of_one_and_an_exclusion_of_nobody_are_told() -> None:
    lonely = rule(stacking={"group": "weekend", "mode": "first"}, excludes=["gone"])
    assert [(one.code, one.place) for one in doubts(lonely)] == [
        ("group_of_one", ("stacking", "group")), ("excludes_nobody", ("excludes", 0)),
    ]  # fmt: skip
    others = [rule(id="gone"), rule(id="b", stacking={"group": "weekend", "mode": "first"})]
    assert doubts(lonely, others) == []


def test_of_a_rule_too_large_to_be_sure_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagrams, "STEPS_MAX", 10)
    assert told(every(leaf("hour", "ge", 24), CARD)) == {}


# ---- laws ------------------------------------------------------------------------------------
def boundary_values(data: Data) -> dict[str, list[Any]]:
    """Of every fact that a condition asks for, all values between which its answers may differ."""
    found: dict[str, list[Any]] = {}
    for field, known in constants(data, {}).items():
        if FIELDS[field] is bool:
            found[field] = [None, True, False]
        elif FIELDS[field] is str:
            found[field] = [None, *known, "something else"]
        else:
            lowest, highest = diagrams.DOMAINS.get(field, diagrams.WIDEST)
            near = {n for c in known for n in (c - 1, c, c + 1)} | {lowest, highest}
            found[field] = [None, *(n for n in near if lowest <= n <= highest)]
    if "in_segment" in json.dumps(data):
        found["segments"] = [None, (), *((one,) for one in SEGMENTS), tuple(SEGMENTS)]
    return found


def worlds(data: Data) -> list[Facts]:
    """Every combination of boundary values of a condition, of events that trigger the rule."""
    values = boundary_values(data) | {"event_type": ["payment"]}
    assume(prod(map(len, values.values())) <= 2_000)
    names = [*values]
    return [
        NOTHING._replace(**dict(zip(names, one, strict=True))) for one in product(*values.values())
    ]


@QUICK
@given(conditions)
def test_never_and_always_are_what_every_combination_of_boundary_values_says(when: Data) -> None:
    read = rule(when)
    answers = {facts: why(read.condition, facts).ok for facts in worlds(when)}
    whole = [one for one in doubts(read) if one.place == ("when",)]

    assert any(one.code == "never" for one in whole) == (not any(answers.values()))
    always = [one for one in whole if one.code in ("always", "repeats")]
    if always and (unless := always[0].values.get("unless")):
        assert isinstance(unless, tuple)
        assert not all(answers.values())
        assert all(
            ok
            for facts, ok in answers.items()
            if all(getattr(facts, f) is not None for f in unless)
        )
    else:
        assert bool(always) == all(answers.values())


def without(condition: Condition, place: tuple[str | int, ...]) -> Data | None:
    """The condition as data, less the part at a place of one of its groups."""
    data = json.loads(condition.model_dump_json())
    *above, last = place
    group = data
    for key in above:
        group = group[key]
    if not isinstance(group, list) or len(group) == 1:
        return None
    del group[last]  # type: ignore[arg-type]
    return data


@QUICK
@given(conditions)
def test_a_part_that_is_called_needless_is(when: Data) -> None:
    read = rule(when)
    everywhere = worlds(when)
    assert read.when is not None
    for one in doubts(read):
        if one.code == "repeats" or (one.code == "never" and in_an_any(read.when, one.place[1:])):
            rest = without(read.when, one.place[1:]) if one.place[1:] else None
            if rest is not None:
                shorter = rule(rest).condition
                for facts in everywhere:
                    assert why(shorter, facts).ok == why(read.condition, facts).ok, one


def in_an_any(condition: Condition, place: tuple[str | int, ...]) -> bool:
    if not place:
        return False
    *above, _, _ = place
    node: Any = condition
    for key in above:
        node = node[key] if isinstance(key, int) else getattr(node, key)
    return isinstance(node, AnyOf)


@QUICK
@given(rules_with_events())
def test_no_event_brings_more_or_less_than_the_bounds_say_and_no_shadowed_case_wins(
    case: tuple[Data, list[Facts]],
) -> None:
    data, events = case
    try:
        read = Rule.model_validate_json(json.dumps(data))
    except ValidationError:
        assume(False)
    found = {one.place: one for one in doubts(read)}
    for facts in events:
        if facts.amount is not None and not 1 <= facts.amount <= AMOUNT_TIYIN_MAX:
            continue
        if not is_possible(facts):
            continue
        seen = explain(read, facts, version="")
        assert not (seen.condition.ok and code_at(found, "when") == "never")
        if seen.base is None:
            continue
        judged = found.get(("reward", "cap_per_event"))
        if judged and judged.code == "cap_never_reached":
            assert seen.wanted <= judged.values["most"] < read.reward.cap_per_event  # type: ignore[operator]
        if judged and judged.code == "cap_always_reached":
            assert seen.wanted >= read.reward.cap_per_event
        if code_at(found, "reward") == "worth_nothing":
            assert seen.points == 0
        assert code_at(found, "reward", "rates", seen.base.rate) != "shadowed"
        assert code_at(found, "reward", "rates", seen.base.rate, "when") != "never"
        for nth, boosted in enumerate(seen.boosts):
            where = ("reward", "boosts", nth, "cases", boosted.case)
            assert code_at(found, *where) != "shadowed"
            assert code_at(found, *where, "when") != "never"


def is_possible(facts: Facts) -> bool:
    """Within what a fact may be at all: the neighbours of a bound may lie beyond."""
    return all(
        getattr(facts, field) is None or lowest <= getattr(facts, field) <= highest
        for field, (lowest, highest) in diagrams.DOMAINS.items()
    )


def code_at(found: Mapping[Any, Doubt], *place: object) -> str | None:
    return found[place].code if place in found else None


_limits = st.builds(
    limit,
    st.integers(1, 30),
    st.sampled_from(["hour", "day", "week", "month", "ever"]),
    each=st.sampled_from(["subscriber", "all"]),
    unit=st.sampled_from(["points", "times"]),
)


@QUICK
@given(
    st.lists(
        _limits, min_size=2, max_size=4, unique_by=lambda x: (x["each"], x["period"], x["unit"])
    ),
    st.integers(0, 2**32),
)
def test_without_a_needless_limit_exactly_the_same_is_granted(
    limits: list[Data], seed: int
) -> None:
    read = rule(limits=limits)
    for needless in [one for one in doubts(read) if one.code == "limit_never_bites"]:
        rest = [one for nth, one in enumerate(limits) if nth != needless.place[1]]
        assert [*granted(read, Random(seed))] == [*granted(rule(limits=rest), Random(seed))]


def granted(read: Rule, random: Random) -> Iterator[int]:
    counters = Counters()
    for _ in range(40):
        at = NOON.replace(hour=random.randint(0, 23), day=random.randint(1, 28))
        wanted = {read: random.randint(1, 5)}
        yield counters.points(wanted, who=random.randint(1, 2), at=at)[read.id]

"""What would have made it count is true: whoever changes what is told gets points."""

import json
from typing import Any

from hypothesis import given, reject, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from club.accrual.rules.explain import deciding_leaves, why
from club.accrual.rules.facts import FIELDS, Facts
from club.accrual.rules.near_misses import clauses_failed
from club.accrual.rules.nearest import ANOTHER, Change, nearest
from club.accrual.rules.to_python import Compiled, compiled
from tests.accrual.rule_shapes import SMALL, WORDS, rules_with_events
from tests.missing import tries

LEVELS = ("bronze", "silver", "gold")
WEDNESDAY_NOON = Facts(
    event_type="payment",
    amount=1_500_000,
    channel="app",
    tariff="start",
    region="TAS",
    tier="silver",
    weekday=3,
    hour=12,
    tenure_months=5,
    is_holiday=False,
    is_birthday=False,
)
FIXED = {"kind": "fixed", "points": 10, "cap_per_event": 10}


def asked(when: dict[str, Any], reward: dict[str, Any] | None = None, **facts: Any) -> Any:
    rule = json.dumps({"id": "r", "when": when, "reward": reward or FIXED})
    return nearest(rule, WEDNESDAY_NOON._replace(**facts), levels=LEVELS)


def is_(field: str, op: str, value: Any) -> dict[str, Any]:
    return {"kind": "compare", "field": field, "op": op, "value": value}


def both(*of: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "all", "of": list(of)}


def test_a_payment_that_was_too_small_needs_the_least_amount_that_counts():
    (change,) = asked(is_("amount", "ge", 2_000_000))

    assert (change.field, change.value) == ("amount", 2_000_000)


def test_more_than_an_amount_is_told_in_whole_soms():
    (change,) = asked(is_("amount", "gt", 2_000_000))

    assert change.value == 2_000_100


def test_all_days_and_hours_that_count_are_named():
    assert asked(is_("weekday", "ge", 6)) == (Change("weekday", 6, (6, 7)),)
    assert asked(is_("hour", "lt", 3)) == (Change("hour", 0, (0, 1, 2)),)


def test_from_a_level_on_means_those_above_it_too():
    golden = {"kind": "one_of", "field": "tier", "values": ["gold"]}

    assert asked(golden) == (Change("tier", "gold", ("gold",)),)
    assert asked(is_("tier", "ne", "silver")) == (Change("tier", "bronze", ("bronze", "gold")),)


def test_any_other_value_stands_for_all_that_the_rule_does_not_name():
    assert asked(is_("tariff", "ne", "start")) == (Change("tariff", ANOTHER, (ANOTHER,)),)


def test_two_clauses_that_failed_are_two_changes():
    changes = asked(both(is_("amount", "ge", 2_000_000), is_("channel", "eq", "bank")))

    assert [(one.field, one.value) for one in changes] == [
        ("amount", 2_000_000),
        ("channel", "bank"),
    ]


def test_of_two_ways_the_one_that_a_person_can_take_is_told():
    either = {"kind": "any", "of": [is_("region", "eq", "SAM"), is_("channel", "eq", "bank")]}

    assert [one.field for one in asked(either)] == ["channel"]


def test_a_change_keeps_what_held_already():
    window = both(
        is_("amount", "lt", 3_000_000),
        {"kind": "not", "of": is_("amount", "le", 2_000_000)},
    )

    (change,) = asked(window)

    assert change.value == 2_000_100
    assert set(change.accepted) <= set(range(2_000_001, 3_000_000))


def test_an_amount_that_rounds_to_nothing_needs_a_full_unit_after_the_boosts():
    halved = {
        "kind": "per_unit", "per": 1_000_000, "points": 1, "cap_per_event": 9,
        "boosts": [{"name": "half", "otherwise": 50}],
    }  # fmt: skip

    (change,) = asked(is_("weekday", "eq", 3), halved)

    assert (change.field, change.value) == ("amount", 2_000_000)


def test_what_counts_already_needs_nothing_and_what_never_can_has_no_answer():
    assert asked(is_("hour", "eq", 12)) == ()
    assert asked(both(is_("hour", "lt", 5), is_("hour", "gt", 6))) is None


@settings(max_examples=tries(300, quick=100), deadline=None)
@given(rules_with_events())
def test_whoever_changes_what_is_told_gets_points(drawn):
    data, events = drawn
    rule = accepted(data)
    for facts in events:
        changes = nearest(json.dumps(data), facts, levels=LEVELS)
        if changes is None:
            continue
        changed = facts._replace(**{one.field: one.value for one in changes})
        assert rule.points(*changed) > 0
        for one in changes:
            assert one.value in one.accepted
            for value in one.accepted:
                assert rule.points(*changed._replace(**{one.field: value})) > 0


@settings(max_examples=tries(200, quick=60), deadline=None)
@given(rules_with_events())
def test_the_clauses_that_failed_are_counted_as_they_are_explained(drawn):
    data, events = drawn
    rule = accepted(data).rule
    for facts in events:
        told = why(rule.condition, facts)
        failed = 0 if told.ok else len([*deciding_leaves(told)])
        text = json.dumps(data)
        assert clauses_failed((text, text))(*facts) == (failed, failed)


@settings(max_examples=tries(200, quick=60), deadline=None)
@given(rules_with_events(), st.data())
def test_where_one_other_fact_is_enough_no_more_are_asked_for(drawn, data):
    rule_data, events = drawn
    rule, text = accepted(rule_data), json.dumps(rule_data)
    facts = data.draw(st.sampled_from(events))
    field = data.draw(st.sampled_from([name for name in FIELDS if FIELDS[name] is not tuple]))
    for value in domain(field):
        if rule.points(*facts._replace(**{field: value})):
            changes = nearest(text, facts, levels=LEVELS)
            assert changes is not None
            assert len(changes) <= 1


def accepted(data: dict[str, Any]) -> Compiled:
    """Random rewards may be too large for a rule."""
    try:
        return compiled(json.dumps(data))
    except ValidationError:
        reject()


def domain(field: str) -> list[Any]:
    if field in WORDS:
        return WORDS[field]
    if field in SMALL:
        low, high = SMALL[field]
        return list(range(low, high + 1))
    if FIELDS[field] is bool:
        return [True, False]
    return [1, 500, 1_000_000, 99_999_900, 10**12]

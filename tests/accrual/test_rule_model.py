"""What is a rule and what is not, and what its name stands for."""

import json
from typing import Any

import pytest
from hypothesis import given
from pydantic import ValidationError

from club.accrual.rules import explain
from club.accrual.rules.facts import FIELDS, Facts
from club.accrual.rules.model import Compare, Not, Rule, digest
from club.accrual.rules.to_sql import to_sql
from tests.accrual.rule_shapes import Data, rules_with_events

ANY: Data = {"kind": "compare", "field": "amount", "op": "gt", "value": 0}
REWARD: Data = {"kind": "per_unit", "per": 1_000, "points": 1, "cap_per_event": 5}
NOBODY = Facts(*[None] * len(FIELDS))


def read(when: Data | str = ANY, reward: Data = REWARD) -> Rule:
    when = when if isinstance(when, str) else json.dumps(when)
    text = f'{{"id": "r", "when": {when}, "reward": {json.dumps(reward)}}}'
    return Rule.model_validate_json(text)


def nested(levels: int) -> str:
    return '{"kind": "not", "of": ' * levels + json.dumps(ANY) + "}" * levels


@pytest.mark.parametrize(
    "when",
    [
        ANY | {"field": "__import__"},
        ANY | {"value": "5000"},  # what an HTML number field sends unless it is parsed
        ANY | {"value": 5000.0},
        ANY | {"value": True},
        ANY | {"value": 2**53 + 1},
        ANY | {"note": "unknown key"},
        {"kind": "compare", "field": "tier", "op": "ge", "value": "gold"},
        {"kind": "compare", "field": "tier", "op": "eq", "value": ""},
        {"kind": "one_of", "field": "tier", "values": []},
        {"kind": "one_of", "field": "tier", "values": ["a\0b"]},
        {"kind": "one_of", "field": "amount", "values": list(range(501))},
        {"kind": "any", "of": [{"kind": "one_of", "field": "weekday", "values": [1] * 500}] * 4},
        {"kind": "all", "of": []},
        {"kind": "python", "code": "1"},
        nested(10),  # our limit
        nested(5_000),  # the JSON parser's
    ],
    ids=lambda when: str(when)[:60],
)
def test_a_condition_that_cannot_be_compiled_is_refused(when: Any) -> None:
    assert read(nested(9))

    with pytest.raises(ValidationError):
        read(when)


@pytest.mark.parametrize(
    "reward",
    [
        REWARD | {"per": 0},
        REWARD | {"points": 0},
        REWARD | {"points": 1.5},
        REWARD | {"cap_per_event": 0},
        REWARD | {"field": "weekday"},
        REWARD | {"confirm_after_days": -1},
        REWARD | {"boosts": [{"name": "b", "otherwise": 10_001}]},
        REWARD | {"boosts": [{"name": "b"}] * 5},
        REWARD | {"kind": "fixed"},
        {"kind": "fixed", "points": 5},
    ],
    ids=str,
)
def test_a_reward_that_makes_no_sense_is_refused(reward: Data) -> None:
    with pytest.raises(ValidationError):
        read(reward=reward)


@pytest.mark.parametrize(
    "change",
    [
        {"boosts": [{"name": "b", "otherwise": 10_000}] * 2},
        {"boosts": [{"name": "b", "otherwise": 10_000}, {"name": "c", "otherwise": 0}]},
        {
            "per": 10**6,
            "rates": [{"when": ANY, "per": 1, "points": 10**6}],
            "boosts": [{"name": "b", "otherwise": 100}],
        },
    ],
    ids=["plain", "hidden by times 0", "in a rate"],
)
def test_a_reward_that_may_leave_64_bits_is_refused(change: Data) -> None:
    with pytest.raises(ValidationError, match="64 bits"):
        read(reward=REWARD | {"per": 1, "points": 10**6} | change)


def test_is_not_and_not_is_differ_for_a_missing_fact() -> None:
    is_not = Compare(field="tariff", op="ne", value="iot")
    not_is = Not(of=Compare(field="tariff", op="eq", value="iot"))

    assert [explain.why(c, NOBODY).ok for c in (is_not, not_is)] == [False, True]


def test_a_version_names_the_content_and_nothing_else() -> None:
    rule = read()
    again = Rule.model_validate_json(rule.model_dump_json(indent=2))
    dearer = read(reward=REWARD | {"cap_per_event": 6})

    assert digest(again.canonical()) == digest(rule.canonical())
    assert digest(dearer.canonical()) != digest(rule.canonical())


def test_a_rule_cannot_change_under_its_own_name() -> None:
    rule = read({"kind": "one_of", "field": "tier", "values": ["gold"]})

    with pytest.raises(ValidationError):
        rule.when.values = ("silver",)  # type: ignore[union-attr]
    assert isinstance(rule.when.values, tuple)  # type: ignore[union-attr]


def test_sql_for_spark_is_at_least_written() -> None:
    assert "DIV" in to_sql(read(), "spark")
    on_it = read({"kind": "in_segment", "segment": "vip"})
    assert "COALESCE((ARRAY_CONTAINS(`segments`, 'vip')), FALSE)" in to_sql(on_it, "spark")


@given(rules_with_events())
def test_turning_the_deciding_leaves_turns_the_answer(case: tuple[Data, list[Facts]]) -> None:
    data, events = case
    condition = Rule.model_validate_json(json.dumps(data | {"reward": REWARD})).condition

    def turned(answer: explain.Answer, chosen: list[explain.Leaf]) -> bool:
        match answer:
            case explain.Branch(word="not", parts=(inner,)):
                return not turned(inner, chosen)
            case explain.Branch(word="all", parts=parts):
                return all(turned(part, chosen) for part in parts)
            case explain.Branch(parts=parts):
                return any(turned(part, chosen) for part in parts)
        return answer.ok != any(answer is leaf for leaf in chosen)

    for event in events:
        answer = explain.why(condition, event)
        assert turned(answer, list(explain.deciding_leaves(answer))) != answer.ok

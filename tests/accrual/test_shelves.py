"""No rule that wants points is left out because it stands on another shelf."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from club.accrual.rules.facts import Facts
from club.accrual.rules.model import Rule
from club.accrual.rules.shelves import shelved
from club.accrual.rules.to_python import compiled, together
from tests.accrual.rule_shapes import rules_with_events

Data = dict[str, Any]


def compare(field: str, op: str, value: object) -> Data:
    return {"kind": "compare", "field": field, "op": op, "value": value}


def rule(rule_id: str, *parts: Data) -> str:
    reward = {"kind": "fixed", "points": 5, "cap_per_event": 5}
    return json.dumps({"id": rule_id, "when": {"kind": "all", "of": parts}, "reward": reward})


def event(**facts: Any) -> Facts:
    return Facts(**dict.fromkeys(Facts._fields) | {"event_type": "payment", "amount": 1} | facts)


def test_rules_stand_by_the_fact_that_most_of_them_pin() -> None:
    texts = (
        rule("everywhere", compare("amount", "ge", 1)),
        rule("in-the-app", compare("channel", "eq", "app"), compare("tier", "eq", "gold")),
        rule("in-two", {"kind": "one_of", "field": "channel", "values": ["app", "bank"]}),
        rule("never", compare("channel", "eq", "app"), compare("channel", "eq", "bank")),
    )
    shelves = shelved(texts)

    assert shelves.of(event(channel="app")).places == (0, 1, 2)
    assert shelves.of(event(channel="bank")).places == (0, 2)
    assert shelves.of(event(channel="shop")).places == (0,)
    assert shelves.of(event()).places == (0,)
    assert shelved(()).of(event()).points(*event()) == ()


def is_a_rule(data: Data) -> bool:
    try:
        Rule.model_validate_json(json.dumps(data))
    except ValidationError:
        return False
    return True


@given(st.lists(rules_with_events(), min_size=1, max_size=6))
def test_the_shelves_give_the_points_that_all_rules_give(
    cases: list[tuple[Data, list[Facts]]],
) -> None:
    texts = tuple(json.dumps(data) for data, _ in cases if is_a_rule(data))
    everything, shelves = together(texts), shelved(texts)
    for _, events in cases:
        for facts in events:
            shelf = shelves.of(facts)
            found = dict(zip(shelf.places, shelf.points(*facts), strict=True))
            assert [found.get(place, 0) for place in range(len(texts))] == [*everything(*facts)]
            assert [compiled(text).points(*facts) for text in texts] == [*everything(*facts)]

"""One declaration is enough: what rules, readers and documents know of a type comes from it."""

import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from club.accrual.rules import event_types
from club.accrual.rules.event_types import EVENT_TYPES, EventType, Field, cancelled_by, fields_of
from club.accrual.rules.facts import (
    FIELDS,
    Facts,
    birthdays_on,
    is_birthday,
    joined_on,
    kept,
    remembered,
    whole_months,
)

BASE = Path(__file__).resolve().parents[2]
DECLARE_ANOTHER = """
from club.accrual.rules import event_types
another = event_types.EventType("landing", fields={"planet": event_types.text(is_required=True)})
event_types.EVENT_TYPES["landing"] = another

import json
from club.accrual.rules import explain, facts, model, to_python, to_sql
rule = model.Rule.model_validate_json(json.dumps({
    "id": "r",
    "trigger": ["landing"],
    "when": {"kind": "compare", "field": "planet", "op": "eq", "value": "Moon"},
    "reward": {"kind": "fixed", "points": 7, "cap_per_event": 7},
}))
common = dict.fromkeys(facts.COMMON)
common["event_type"] = "landing"
seen = facts.Facts(**common, **event_types.facts_in("landing", {"planet": "Moon", "crew": 3}))
assert to_python.to_python(rule)(*seen) == 7
assert explain.explain(rule, seen, version="").points == 7
assert '"planet"' in to_sql.to_sql(rule, "duckdb")
assert "landing" in event_types.known_kinds()
assert "| `landing` | 1 | none | `planet` (text, required) |" in event_types.as_markdown()
"""


def test_declaring_a_type_in_its_one_place_is_all_that_is_needed() -> None:
    subprocess.run([sys.executable, "-c", DECLARE_ANOTHER], cwd=BASE, check=True)


def test_the_document_has_the_table_of_the_declarations() -> None:
    document = (BASE / "docs" / "events.md").read_text(encoding="utf-8")

    assert event_types.as_markdown() in document


def test_one_name_is_one_type_of_value_in_all_events() -> None:
    types = [EventType("a", fields={"x": Field(str)}), EventType("b", fields={"x": Field(int)})]

    with pytest.raises(TypeError, match="x of b has another type elsewhere"):
        fields_of(types)


def test_every_name_can_be_stored_and_is_no_cancellation() -> None:
    for name, declared in EVENT_TYPES.items():
        assert name == declared.name
        assert event_types.is_kind(name)
        assert cancelled_by(name) is None
        assert cancelled_by(event_types.cancellation_of(name)) == name
        assert len(event_types.cancellation_of(name)) <= 40


@given(st.text(max_size=45) | st.from_regex(r"(cancellation:)?[a-z0-9_:]{1,30}", fullmatch=True))
def test_whatever_is_a_kind_is_a_cancellation_or_not_and_fits_the_column(text: str) -> None:
    if event_types.is_kind(text):
        assert len(text) <= 40
        name = cancelled_by(text)
        assert text == (event_types.cancellation_of(name) if name else text)


VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats()


@given(
    st.sampled_from([*EVENT_TYPES, "unheard_of"]),
    st.dictionaries(st.sampled_from([*FIELDS, "else"]), VALUES),
)
def test_facts_come_only_of_the_declared_fields_and_have_their_very_types(
    kind: str, details: dict[str, object]
) -> None:
    found = event_types.facts_in(kind, details)

    assert all(type(value) is FIELDS[name] for name, value in found.items())
    declared = EVENT_TYPES[kind].fields if kind in EVENT_TYPES else {}
    assert found.keys() <= declared.keys()
    facts = remembered(found)
    assert kept(facts) == found
    assert remembered(kept(facts)) == facts
    assert len(facts) == len(FIELDS) == len(Facts._fields)


DAYS = st.dates(date(1930, 1, 1), date(2090, 12, 31))


@given(DAYS, DAYS)
def test_who_has_a_birthday_is_the_same_by_day_of_birth_as_by_the_rule(
    born: date, on: date
) -> None:
    assert is_birthday(born, on) == (f"{born:%m%d}" in birthdays_on(on))


@given(DAYS, st.integers(1, 240))
def test_an_anniversary_is_the_day_on_which_a_month_more_is_over(until: date, months: int) -> None:
    joined = joined_on(months, until=until)

    assert all(whole_months(day, until) == months for day in joined)
    assert all(whole_months(day, until - timedelta(days=1)) == months - 1 for day in joined)


@given(DAYS, st.integers(1, 60))
def test_everybody_has_each_anniversary_once(joined: date, months: int) -> None:
    around = [joined + timedelta(days=30 * months + n) for n in range(-5, 40)]

    assert [joined in joined_on(months, until=day) for day in around].count(True) == 1

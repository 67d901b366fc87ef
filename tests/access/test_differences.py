"""What a proposal shows of two documents."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from club.access.rules import Change, changes

scalars = st.none() | st.booleans() | st.integers(-5, 5) | st.text("ab", max_size=2)
documents = st.dictionaries(
    st.sampled_from("abc"),
    st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner),
        max_leaves=8,
    ),
    max_size=3,
)


def test_a_difference_is_told_by_its_place_with_both_values() -> None:
    before: dict[str, Any] = {"fund": 0, "rules": {"gift": {"points": 5, "in": ["a", "b"]}}}
    after: dict[str, Any] = {
        "fund": 0,
        "rules": {"gift": {"points": 7, "in": ["a"]}, "new": {"points": 1}},
    }

    assert changes(before, after) == [
        Change("rules/gift/in/02", "b", None),
        Change("rules/gift/points", 5, 7),
        Change("rules/new/points", None, 1),
    ]


@given(documents, documents)
def test_the_way_back_tells_the_same_places_the_other_way_round(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    there = changes(one, other)
    assert changes(other, one) == [Change(c.place, c.after, c.before) for c in there]
    assert changes(one, one) == []


def test_yes_is_another_answer_than_one() -> None:
    assert changes({"a": True}, {"a": 1}) == [Change("a", True, 1)]


def test_a_list_that_became_empty_is_a_difference() -> None:
    assert changes({"a": [1]}, {"a": []}) != []
    assert changes({"a": {}}, {"b": {}}) != []

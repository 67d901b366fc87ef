"""A rule is told to staff line by line, in words and in their language."""

import json
import re

import pytest
from django.utils import translation
from hypothesis import given, reject, settings
from pydantic import ValidationError

from club.access.rules import Change
from club.accrual.rules.model import Rule
from club.doors.office.change_words import told
from club.doors.office.rule_lines import lines_of
from tests.accrual.rule_shapes import Data, rules

NO_WORDS = re.compile(
    r"[{}]|\bNone\b|\b(True|False)\b|per_unit|basis_points|one_of|in_segment|_tiyin"
)
LEVELS = {"gold": {"uz": "Oltin", "ru": "Золото", "en": "Gold"}}


def lines(rule: Data, language: str = "en") -> list[str]:
    with translation.override(language):
        read = Rule.model_validate_json(json.dumps(rule))
        return ["  " * line.depth + line.text for line in lines_of(read, LEVELS)]


def test_a_weekend_for_gold_reads_as_a_marketer_would_tell_it() -> None:
    weekend = {"kind": "compare", "field": "weekday", "op": "ge", "value": 6}
    gold = {"kind": "compare", "field": "tier", "op": "eq", "value": "gold"}
    rule = {
        "id": "weekend",
        "trigger": ["payment", "charge"],
        "when": {"kind": "all", "of": [weekend, {"kind": "not", "of": gold}]},
        "occasion": {"kind": "streak", "length": 3, "period": "month", "repeats": True},
        "reward": {"kind": "percentage", "basis_points": 250, "cap_per_event": 500},
        "limits": [{"unit": "times", "period": "day", "most": 1}],
        "stacking": {"group": "weekly", "mode": "highest"},
        "excludes": ["gift"],
        "priority": 5,
    }

    assert lines(rule) == [
        "Kind of event: Payment, Charge",
        "All of these hold:",
        "  Day of the week: is one of: Saturday, Sunday",
        "  This does not hold:",
        "    Level: is Gold",
        "Only after such events in 3 months on end, and again after as many more",
        "Brings 2.5 % of the amount, a point for each so'm",
        "One event brings at most 500 points",
        "This rule, for one subscriber: at most 1 time a day",
        "Of the rules of the group “weekly” the one that brings the most counts",
        "Never together with: gift",
        "Priority: 5",
    ]
    assert "Только когда такие события были 3 месяца подряд, и снова через столько же" in lines(
        rule, "ru"
    )


@pytest.mark.parametrize("language", ["ru", "uz", "en"])
@given(rule=rules)
@settings(max_examples=40, deadline=None)
def test_no_rule_shows_staff_a_key_of_its_file(language: str, rule: Data) -> None:
    try:
        told_ = lines(rule, language)
    except ValidationError:
        reject()  # the points of some of these do not fit 64 bits
    for line in told_:
        assert line.strip()
        # Names, lists and tariffs are the marketer's own words; ours stand before the first colon.
        assert not NO_WORDS.search(line.partition(":")[0]), line


def test_other_proposals_are_told_by_places_and_values_in_words() -> None:
    def shown(place: str, after: object) -> tuple[str, str | None]:
        change = told(
            Change(place, None, after),  # type: ignore[arg-type]
            levels=LEVELS, funds={7: "A bank"}, campaigns={"spring": "Spring"},
        )  # fmt: skip
        assert change is not None
        return change.place, change.after

    with translation.override("en"):
        assert shown("campaign", "spring") == ("Campaign", "Spring")
        assert shown("points_by_fund/7", 12_500) == ("Points of a fund › A bank", "12\u202f500")
        assert shown("taken/decisions", 3_000) == ("Decisions taken back", "3\u202f000")
        assert shown("restored/points", 3) == ("Points given back", "3")
        assert shown("since", "2026-11-27T15:24:00+00:00") == ("Granted from", "27.11.2026 20:24")
        assert shown("ends_on", "2026-12-31") == ("Its last day", "31.12.2026")
        assert shown("versions/02", "ab" * 32) == ("Version 2", "abababababab")
        assert shown("tiers/01/names/ru", "Медь") == ("Level 1 › Names › Русский", "Медь")
        assert shown("tiers/02/benefits/discount_percent", 5) == (
            "Level 2 › Discount on rewards, percent",
            "5",
        )
        assert shown("measure", "money_tiyin") == ("What counts", "By money paid")
        for nothing in (Change("of/digest", None, "ab"), Change("", "{}", None)):
            assert told(nothing, levels={}, funds={}, campaigns={}) is None

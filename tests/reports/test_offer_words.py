"""What a campaign gives, as one plain sentence in each language and never a field name."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation
from hypothesis import given, reject, settings
from pydantic import ValidationError

from club.accrual.rules.facts import FIELDS
from club.accrual.rules.to_python import compiled
from club.languages import CODES
from club.reports.offer_words import sentence
from club.reports.why.reader import Reader
from tests.accrual.rule_shapes import WORDS, rules_with_events
from tests.accrual.test_nearest import FIXED, both, is_
from tests.reports.test_why_sentences import JOINED, LEVELS, TODAY

CAMPAIGNS = Path(__file__).resolve().parents[2] / "docs" / "campaigns"
PER_SOM = {"kind": "per_unit", "per": 100_000, "points": 1, "cap_per_event": 500}


def told(
    when: dict[str, Any] | None = None,
    reward: dict[str, Any] | None = None,
    language: str = "en",
    **terms: Any,
) -> str:
    rule = {"id": "r", "reward": reward or FIXED} | ({"when": when} if when else {}) | terms
    return in_words(json.dumps(rule), language)


def in_words(canonical: str, language: str) -> str:
    with translation.override(language):
        return sentence(canonical, Reader(language, TODAY, JOINED, LEVELS)).replace("\u202f", " ")


def boosted(reward: dict[str, Any], percent: int, *, otherwise: int = 100) -> dict[str, Any]:
    case = {"when": is_("tier", "eq", "gold"), "percent": percent}
    return reward | {"boosts": [{"name": "b", "cases": [case], "otherwise": otherwise}]}


def test_five_campaigns_are_told_as_their_marketers_would_say_them():
    told_of = {}
    for path in sorted(CAMPAIGNS.glob("*.json")):
        (named,) = json.loads(path.read_text())["rules"].values()
        told_of[path.stem] = in_words(json.dumps(named["rule"]), "en")

    assert told_of == {
        "birthday": "up to 400 points: on your birthday, for the first time within a month",
        "bring-a-friend": "150 points: for a friend who joins, at most 3 times within a month,"
        " to be spent 14 days later",
        "never-in-debt": "300 points: at the end of a month,"
        " when the balance does not fall below 0 UZS in a month, 3 months on end",
        "weekend-gold": "1 point for every 1 000 UZS: from 20 001 UZS on, for paying through a bank,"
        " on Saturdays and Sundays, with level Ⅲ, at most 5 000 points within a month",
        "years-together": "up to 1 000 points: for staying with us,"
        " when you have been with us for 6 months",
    }


@pytest.mark.parametrize(
    ("language", "later"),
    [
        ("uz", "3 kundan keyin sarflash mumkin"),
        ("uz-Cyrl", "3 кундан кейин сарфлаш мумкин"),
        ("ru", "потратить их можно через 3 дня"),
        ("kaa", "3 kúnnen keyin jumsaw múmkin"),
        ("en", "to be spent 3 days later"),
    ],
)
def test_who_has_to_wait_for_the_points_is_told_so_beforehand(language: str, later: str) -> None:
    assert told(reward=FIXED | {"confirm_after_days": 3}, language=language).endswith(f", {later}")
    assert later not in told(language=language)


@pytest.mark.parametrize(
    ("reward", "gives"),
    [
        (FIXED, "10 points"),
        (PER_SOM, "1 point for every 1 000 UZS"),
        (boosted(PER_SOM, 200), "1 point for every 1 000 UZS, sometimes more"),
        (boosted(PER_SOM, 80), "1 point for every 1 000 UZS"),
        (boosted(PER_SOM, 100, otherwise=50), "1 point for every 2 000 UZS, sometimes more"),
        (boosted(PER_SOM, 100, otherwise=0), "up to 1 point for every 1 000 UZS"),
        (
            {"kind": "percentage", "basis_points": 250, "cap_per_event": 500},
            "2.5 % of the amount in points",
        ),
        (
            boosted({"kind": "percentage", "basis_points": 250, "cap_per_event": 500}, 300),
            "2.5 % of the amount in points, sometimes more",
        ),
    ],
)
def test_how_much_it_gives(reward, gives):
    assert told(reward=reward) == f"{gives}: for payments"


@pytest.mark.parametrize(
    ("when", "terms"),
    [
        (is_("amount", "ge", 2_000_000), "for payments, from 20 000 UZS on"),
        (is_("amount", "lt", 2_000_000), "for payments, up to 19 999 UZS"),
        (
            both(is_("amount", "ge", 2_000_000), is_("amount", "le", 5_000_000)),
            "for payments, from 20 000 UZS to 50 000 UZS",
        ),
        (is_("amount", "ge", 0), "for payments"),
        (is_("amount", "ne", 2_000_000), "for payments, on other terms"),
        (is_("tenure_months", "lt", 3), "for payments, on other terms"),
        (is_("channel", "eq", "app"), "for paying in the app"),
        (is_("channel", "eq", "pos"), "for payments, on other terms"),
        (is_("tariff", "eq", "vip"), "for payments"),
        ({"kind": "in_segment", "segment": "vip-2026"}, "for payments"),
        (
            {"kind": "any", "of": [is_("weekday", "ge", 6), is_("is_holiday", "eq", True)]},
            "for payments, on other terms",
        ),
        (
            {"kind": "not", "of": {"kind": "any", "of": [is_("hour", "lt", 8)]}},
            "for payments, from 08:00 to 00:00",
        ),
    ],
)
def test_on_which_terms(when, terms):
    assert told(when) == f"10 points: {terms}"


@pytest.mark.parametrize(
    ("occasion", "words"),
    [
        ({"kind": "nth", "n": 1, "period": "ever"}, "for the first time"),
        ({"kind": "nth", "n": 3, "period": "week"}, "after 3 times within a week"),
        ({"kind": "streak", "length": 2, "period": "day"}, "2 days on end"),
        (
            {"kind": "milestone", "amount": 10_000_000, "period": "month"},
            "when it comes to 100 000 UZS within a month",
        ),
    ],
)
def test_on_which_occasion(occasion, words):
    assert told(occasion=occasion) == f"10 points: for payments, {words}"


def test_what_all_share_is_nobody_s_business():
    budget = {"of": "campaign", "each": "all", "period": "ever", "unit": "points", "most": 10}

    assert told(limits=[budget]) == "10 points: for payments"


@settings(max_examples=200, deadline=None)
@given(rules_with_events())
def test_every_rule_has_its_sentence_in_every_language_and_no_name_of_a_field(drawn):
    data, _ = drawn
    canonical = json.dumps(data)
    try:
        compiled(canonical)
    except ValidationError:
        reject()
    secrets = {name for name in FIELDS if "_" in name} | {*WORDS["tariff"], *WORDS["region"]}
    for language in CODES:
        words = in_words(canonical, language)
        assert words.strip()
        assert not {*re.findall(r"[\w'%;]+", words)} & secrets
        assert "{" not in words


def test_each_language_tells_it_in_its_own_words():
    when = both(is_("amount", "ge", 2_000_000), is_("channel", "eq", "app"))

    sentences = {language: told(when, PER_SOM, language) for language in CODES}

    assert sentences["ru"] == ("1 балл за каждые 1 000 сум: от 20 000 сум, при оплате в приложении")
    assert len(set(sentences.values())) == len(CODES)

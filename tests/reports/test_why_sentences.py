"""Whatever a rule is and whatever it saw, its subscriber reads one plain sentence in each language."""

import json
import re
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest
from django.utils import translation
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from club.accrual.rules.explain import Reason, explain
from club.accrual.rules.facts import COMMON, FIELDS, Facts
from club.accrual.rules.granting import Because
from club.accrual.rules.model import Limit, Milestone, Nth, Streak
from club.accrual.rules.nearest import EASIEST
from club.accrual.rules.to_python import compiled
from club.clock import TASHKENT
from club.languages import CODES
from club.reports.decisions import OCCASION, ExplainedDecision, resets_at
from club.reports.why.clauses import CLAUSES
from club.reports.why.reader import Reader
from club.reports.why.sentences import REASONS, Case, sentence
from club.reports.why.telling import in_all_languages
from tests.accrual.rule_shapes import WORDS, rules_with_events
from tests.accrual.test_nearest import FIXED, WEDNESDAY_NOON, both, is_

TODAY = date(2026, 11, 18)
JOINED = date(2026, 6, 3)  # five months are over
LEVELS = {
    "bronze": dict.fromkeys(CODES, "Ⅰ"),
    "silver": dict.fromkeys(CODES, "Ⅱ"),
    "gold": dict.fromkeys(CODES, "Ⅲ"),
}
AT = datetime(2026, 11, 18, 12, tzinfo=TASHKENT)
OTHER = dict.fromkeys(CODES, "№ 1")


def case_of(
    rule: dict[str, Any],
    facts: Facts,
    *,
    reason: str | None = None,
    granted: int = 0,
    because: Because | None = None,
    language: str = "en",
) -> Case:
    canonical = json.dumps(rule)
    told = explain(compiled(canonical).rule, facts, version="")
    decision = ExplainedDecision(
        rule_id="r", rule_hash="", names=OTHER, wanted=told.wanted, granted=granted,
        reason=reason or told.reason, because=because,
        resets_at=resets_at(because, AT),
        canonical=canonical, facts=facts, clauses_failed=0,
    )  # fmt: skip
    reader = Reader(language, TODAY, JOINED, LEVELS)
    return Case(decision, decision.changes([*LEVELS]), OTHER, TODAY, reader)


def told(
    when: dict[str, Any],
    reward: dict[str, Any] | None = None,
    *,
    language: str = "en",
    **facts: Any,
) -> str:
    rule = {"id": "r", "when": when, "reward": reward or FIXED}
    case = case_of(rule, WEDNESDAY_NOON._replace(**facts), language=language)
    return in_all_languages(case)[language].replace("\u202f", " ")


def limited(language: str = "en", *, granted: int = 0, used: int = 0, **terms: Any) -> str:
    limit = Limit.model_validate_json(json.dumps(terms))
    rule = {"id": "r", "when": is_("hour", "ge", 0), "reward": FIXED}
    case = case_of(
        rule, WEDNESDAY_NOON, reason="cut" if granted else "limit", granted=granted,
        because=Because(None, limit, used, "2026-11"),
    )  # fmt: skip
    return in_all_languages(case)[language]


@pytest.mark.parametrize(
    ("when", "english"),
    [
        (is_("amount", "ge", 2_000_000), "Pay 5 000 UZS more at once and it counts"),
        (is_("amount", "lt", 1_000_000), "This offer counts with a payment of 9 999 UZS"),
        (is_("weekday", "ge", 6), "This offer counts on Saturdays and Sundays"),
        (is_("weekday", "eq", 5), "This offer counts on Fridays"),
        (is_("hour", "ge", 18), "This offer counts from 18:00 to 00:00"),
        (
            both(is_("hour", "ne", 12), is_("hour", "ne", 13)),
            "This offer counts from 14:00 to 12:00",
        ),
        (is_("tier", "eq", "gold"), "This offer counts with level Ⅲ"),
        (is_("tier", "ne", "silver"), "This offer counts with level Ⅰ or Ⅲ"),
        (is_("tariff", "eq", "vip"), "This offer counts with another tariff"),
        (is_("region", "eq", "SAM"), "This offer counts in another region"),
        (is_("channel", "eq", "bank"), "This offer counts for paying through a bank"),
        (is_("channel", "eq", "pos"), "This offer counts for paying in another way"),
        (is_("is_holiday", "eq", True), "This offer counts on public holidays"),
        (is_("is_birthday", "eq", True), "This offer counts on your birthday"),
        (is_("tenure_months", "ge", 6), "15 more days to your next bonus"),
        (is_("tenure_months", "ge", 24), "This offer begins for you on 03.06.2028"),
        (
            both(is_("channel", "eq", "bank"), is_("weekday", "ge", 6)),
            "This offer counts for paying through a bank and on Saturdays and Sundays",
        ),
        (
            both(is_("region", "eq", "SAM"), is_("tariff", "eq", "vip"), is_("hour", "ge", 18)),
            "Several terms of this offer were not met",
        ),
    ],
)
def test_what_was_missing_is_told_as_what_to_do(when, english):
    assert told(when) == english


def test_from_a_level_on_is_told_by_its_first_name():
    gold = {"kind": "one_of", "field": "tier", "values": ["silver", "gold"]}

    assert told(gold, tier="bronze") == "This offer counts from level Ⅱ on"


def test_whoever_has_been_long_enough_by_now_reads_since_when():
    assert told(is_("tenure_months", "ge", 5), tenure_months=4) == (
        "This offer counts for you from 03.11.2026 on"
    )


@pytest.mark.parametrize(
    ("joined_day", "russian"),
    [(19, "Ещё 1 день"), (20, "Ещё 2 дня"), (23, "Ещё 5 дней"), (29, "Ещё 11 дней")],
)
def test_russian_counts_days_in_three_forms(joined_day, russian):
    rule = {"id": "r", "when": is_("tenure_months", "ge", 6), "reward": FIXED}
    case = case_of(rule, WEDNESDAY_NOON)
    reader = replace(case.reader, joined_on=date(2026, 5, joined_day), language="ru")

    with translation.override("ru"):
        assert sentence(replace(case, reader=reader)) == f"{russian} до следующего бонуса"


def test_too_little_for_a_whole_point_tells_how_much_more():
    thousand = {"kind": "per_unit", "per": 2_000_000, "points": 1, "cap_per_event": 9}

    assert told(is_("hour", "ge", 0), thousand) == "Pay 5 000 UZS more at once and it counts"


@pytest.mark.parametrize(
    ("terms", "english"),
    [
        (
            {"period": "month", "unit": "points", "most": 500},
            "You have had everything that this offer gives a month: 500 points;"
            " it begins anew on 01.12.2026",
        ),
        (
            {"period": "hour", "unit": "times", "most": 1},
            "You have had everything that this offer gives an hour: 1 time;"
            " it begins anew on 18.11.2026 13:00",
        ),
        (
            {"period": "ever", "unit": "times", "most": 2},
            "You have had everything that this offer gives in all: 2 times",
        ),
    ],
)
def test_a_limit_tells_what_was_had_and_when_it_begins_anew(terms, english):
    assert limited(**terms) == english


def test_a_cut_tells_how_much_came_of_how_much():
    assert limited(granted=4, period="week", unit="points", most=50) == (
        "4 of 10 points. You have had everything that this offer gives a week: 50 points;"
        " it begins anew on 23.11.2026"
    )


@pytest.mark.parametrize(
    ("occasion", "have", "english"),
    [
        (
            {"kind": "nth", "n": 3, "period": "month"}, 2,
            "1 more time to your next bonus, by 30.11.2026",
        ),
        (
            {"kind": "nth", "n": 3, "period": "ever", "repeats": True}, 4,
            "2 more times to your next bonus",
        ),
        ({"kind": "nth", "n": 1, "period": "ever"}, 2, "This offer has counted already"),
        (
            {"kind": "nth", "n": 1, "period": "day"}, 2,
            "This offer has counted already; it begins anew on 19.11.2026",
        ),
        ({"kind": "streak", "length": 3, "period": "month"}, 1, "2 more months on end to your next bonus"),
        ({"kind": "streak", "length": 3, "period": "week"}, 2, "1 more week on end to your next bonus"),
        (
            {"kind": "streak", "length": 5, "period": "day", "repeats": True}, 7,
            "3 more days on end to your next bonus",
        ),
        ({"kind": "streak", "length": 5, "period": "day"}, 5, "This offer has counted already"),
        (
            {"kind": "milestone", "amount": 5_000_000, "period": "month"}, 1_500_000,
            "Pay 35 000 UZS more in all to your next bonus, by 30.11.2026",
        ),
    ],
)  # fmt: skip
def test_an_occasion_that_has_not_come_tells_how_far_it_is(occasion, have, english):
    because = Because(used=have, occasion=OCCASION.validate_json(json.dumps(occasion)))
    rule = {"id": "r", "when": is_("hour", "ge", 0), "reward": FIXED}
    case = case_of(rule, WEDNESDAY_NOON, reason="not_yet", because=because)

    assert in_all_languages(case)["en"].replace("\u202f", " ") == english


@pytest.mark.parametrize("language", CODES)
def test_what_all_share_is_told_without_its_figures(language):
    shared = {"of": "campaign", "each": "all", "period": "ever", "unit": "points", "most": 77_777}

    sentence_told = limited(language, used=77_777, **shared)

    assert not re.search(r"\d", sentence_told)


def test_every_reason_and_every_fact_has_words_of_its_own():
    assert set(REASONS) == set(Reason)
    assert set(COMMON) < set(CLAUSES) <= set(FIELDS) == set(EASIEST)


CODES_OF_OURS = {word for field in ("tariff", "region") for word in WORDS[field]} | {
    *LEVELS, *(field for field in FIELDS if "_" in field), *(r.value for r in Reason if "_" in r),
    "None", "True", "False", "drop table", "\0",
}  # fmt: skip


def is_plain(text: str) -> bool:
    words = set(re.findall(r"[\w‘]+", text))
    return (
        bool(text.strip())
        and not set("{}[]%\0_") & set(text)
        and not words & CODES_OF_OURS
        and "drop table" not in text
    )


limits = st.fixed_dictionaries(
    {
        "each": st.sampled_from(["subscriber", "all"]),
        "period": st.sampled_from(["hour", "day", "week", "month", "ever"]),
        "unit": st.sampled_from(["points", "times"]),
        "most": st.integers(1, 10**15),
    }
)


_periods = st.sampled_from(["day", "week", "month"])
occasions = st.one_of(
    st.builds(Nth, n=st.integers(1, 30), period=_periods, repeats=st.booleans()),
    st.builds(Streak, length=st.integers(2, 30), period=_periods, repeats=st.booleans()),
    st.builds(Milestone, amount=st.integers(1, 30), period=_periods, repeats=st.booleans()),
)


@settings(max_examples=120, deadline=None)
@given(rules_with_events(), st.data())
def test_every_explanation_is_a_plain_sentence_in_every_language(drawn, data):
    rule, events = drawn
    facts = data.draw(st.sampled_from(events))
    reason = data.draw(st.none() | st.sampled_from([*Reason, "of another release"]))
    because = data.draw(
        st.none()
        | st.just(Because("other"))
        | limits.map(lambda one: Because(None, Limit.model_validate_json(json.dumps(one)), 3, ""))
        | st.builds(
            lambda one, have: Because(used=have, occasion=one), occasions, st.integers(1, 50)
        )
    )
    try:
        case = case_of(rule, facts, reason=reason, granted=data.draw(st.integers(0, 10**9)),
                       because=because)  # fmt: skip
    except ValidationError:  # a reward too large for a rule
        reject()

    sentences = in_all_languages(case)

    assert set(sentences) == set(CODES)
    for text in sentences.values():
        assert is_plain(text), text
    # English differs from the others, and so is really translated.
    assert len(set(sentences.values())) > 1


def test_a_plain_sentence_is_told_from_one_that_is_not():
    assert is_plain("Pay 5 000 UZS more at once and it counts")
    for spoilt in ("", "with {amount}", "tenure_months too low", "with tariff iot", "None days"):
        assert not is_plain(spoilt)

"""Whatever is wrong with a scheme's file is told in words, at its place: never in the validator's."""

import copy
import json
import re
from typing import Any

import pytest
from click.testing import CliRunner
from django.utils import translation
from hypothesis import given, settings
from hypothesis import strategies as st

from club import cli
from club.access import groups
from club.access.models import Proposal
from club.languages import CODES
from club.tiers import scheme_files
from club.tiers.errors import BadScheme
from club.tiers.scheme_words import SENTENCES, WORDS
from tests.broken_files import broken
from tests.builders import member
from tests.missing import tries
from tests.tiers.ladders import scheme, texts

LANGUAGES = ("en", "ru", "uz")
YEAR = scheme("year", 100, 500, 900)
FOREIGN = re.compile(
    r"Input should|valid (string|integer|list|tuple|dictionary|boolean)|Field required|Extra inputs|"
    r"\b(str|int|bool|dict|tuple|enum|NoneType|ValueError|Value error)\b|Expecting|EOF|[{}]|pydantic|None\b"
)
"""What a validator or Python would say."""


def problems(text: str | dict[str, Any], language: str = "en") -> list[tuple[str, str]]:
    """Each problem as its place in words and its sentence."""
    with translation.override(language):
        try:
            scheme_files.read(text if isinstance(text, str) else json.dumps(text))
        except BadScheme as refused:
            found: Any = refused.values["problems"]
            return [(one["place"], one["what"]) for one in found]
    return []


def year(**fields: Any) -> dict[str, Any]:
    return copy.deepcopy(YEAR | fields)


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in year().items() if name != key}


def with_level(nth: int, **fields: Any) -> dict[str, Any]:
    document = year()
    document["tiers"][nth] |= fields
    return document


def days(**fields: Any) -> dict[str, Any]:
    return year(measure="active_days", **fields)


CODE = "Write small Latin letters, digits and hyphens, and begin with a letter or a digit."


@pytest.mark.parametrize(
    ("document", "place", "what"),
    [
        # Missing, and more than there is.
        (without("measure"), "what is counted", "This is missing. Add it."),
        (without("tiers"), "levels", "This is missing. Add it."),
        (year(wheels=4), "wheels", "Nobody reads this here. Take it out, or see whether it is misspelt."),
        (with_level(1, color="red"), "level 2 › color", "Nobody reads this here. Take it out, or see whether it is misspelt."),
        (year(names={"uz": "Yil"}), "names", "A name is missing or empty in: Ўзбекча, Русский, Qaraqalpaqsha, English. Add it."),
        (with_level(3, names=texts("") | {"ru": " "}), "level 4 › names", "A name is missing or empty in: Русский. Add it."),
        # Of another type.
        (with_level(1, threshold="100"), "level 2 › threshold", "Write a whole number, without quotation marks and without a decimal point."),
        (with_level(1, threshold=1.5), "level 2 › threshold", "Write a whole number, without quotation marks and without a decimal point."),
        (year(window_months=True), "months that count", "Write a whole number, without quotation marks and without a decimal point."),
        (year(names="Yil"), "names", "Write names with their values, in curly brackets."),
        (year(names=texts("year") | {"ru": 5}), "names › Русский", "Write words, in double quotation marks."),
        (year(tiers={}), "levels", "Write a list, in square brackets."),
        (year(tiers=["gold", "silver"]), "level 1", "Write names with their values, in curly brackets."),
        (with_level(2, benefits=5), "level 3 › benefits", "Write names with their values, in curly brackets."),
        ("[]", "", "Write names with their values, in curly brackets."),
        # Out of range.
        (year(grace_days=28), "days of grace", "This is too large: at most 27."),
        (year(landing_steps=0), "most levels down at a review", "This is too small: at least 1."),
        (year(notice_days=91), "days of notice", "This is too large: at most 90."),
        (year(period_months=2), "months between reviews", "Write one of these: 1, 3, 6, 12."),
        (year(measure="steps"), "what is counted", "Write one of these: points, money_tiyin, events, active_days, tenure_months."),
        (year(form=2), "form of the file", "Write one of these: 1."),
        (with_level(1, threshold=10**16), "level 2 › threshold", "This is too large: at most 1\u202f000\u202f000\u202f000\u202f000\u202f000."),
        (with_level(1, benefits={"discount_percent": 91}), "level 2 › benefits › discount, percent", "This is too large: at most 90."),
        (with_level(1, benefits={"free_transfers_per_month": -1}), "level 2 › benefits › gifts a month without their fee", "This is too small: at least 0."),
        # Words that cannot be.
        (year(code="Year!"), "code", CODE),
        (year(code="y" * 41), "code", "This is too long: at most 40 characters."),
        (with_level(1, code="Gold"), "level 2 › code", CODE),
        (with_level(1, names=dict.fromkeys(CODES, "x" * 61) | {"ru": "год"}), "level 2 › names › Oʻzbekcha", "This is too long: at most 60 characters."),
        (with_level(1, names=texts("gold") | {"en": "go\x00ld"}), "level 2 › names › English", "This has characters that may not stand here, such as line breaks."),
        (year(measure="events", event_type="Top up"), "kind of events", "Write the name of a kind of event, like payment or tariff_change."),
        # No ladder.
        (year(tiers=[]), "levels", "These are too few: at least 2."),
        (year(tiers=YEAR["tiers"][:1]), "levels", "These are too few: at least 2."),
        (with_level(2, code="year-1"), "level 3 › code", "The level “year-1” is there twice. Give one of them another code."),
        (with_level(0, threshold=5), "level 1 › threshold", "The first level is everybody's: its threshold is 0."),
        (with_level(2, threshold=100), "level 3 › threshold", "“year-2” stands above “year-1”. Write more than 100."),
        # Each part may be, but not together.
        (year(window_months=7, period_months=3), "months that count", "Only whole periods count. Write a multiple of 3, the months between reviews."),
        (year(measure="tenure_months"), "months that count", "Months in the club count from joining on. Write null, or leave it out."),
        (year(event_type="payment"), "kind of events", "What this scheme counts depends on no kind of event. Leave it out."),
        (days(), "level 4 › threshold", "This is never reached: 12 months have at most 372 days."),
        # The text itself.
        ('{"code": "a",}', "", 'A comma too many at line 1, column 14: {"code": "a",}'),
        ('{"code": "a', "", "The text ends too early: a bracket or a quotation mark is not closed."),
        ("x" * 200_001, "", "The file is too long: at most 200\u202f000 characters."),
        ('{"code": "new", ' + json.dumps(YEAR)[1:], "", "“code” is said twice in one place. Keep one of them."),
    ],
    ids=str,
)  # fmt: skip
def test_a_mistake_is_told(document: str | dict[str, Any], place: str, what: str) -> None:
    told = problems(document)
    assert told[0] == (place, what)
    assert {one[1] for one in told} == {what}


def test_all_mistakes_are_told_at_once_in_the_language_of_the_reader() -> None:
    broken = year(grace_days=-1, measure="steps")
    broken["tiers"][2]["threshold"] = "5"

    assert problems(broken, "ru") == [
        ("что считается", "Напишите одно из: points, money_tiyin, events, active_days, tenure_months."),
        ("льготных дней", "Слишком мало: не меньше 0."),
        ("уровень 3 › порог", "Напишите целое число без кавычек и без десятичной точки."),
    ]  # fmt: skip
    assert [place for place, _ in problems(broken, "uz")] == [
        "nima hisoblanadi",
        "imtiyozli kunlar",
        "3-daraja › chegara",
    ]


@pytest.mark.django_db
def test_the_command_says_what_is_wrong_and_where_and_asks_for_nothing() -> None:
    member("malika", groups.MARKETING)
    broken = json.dumps(with_level(2, threshold=100) | {"wheels": 4, "grace_days": 40})

    done = CliRunner().invoke(
        cli.club, ["levels", "propose", "-", "--why", "new", "--by", "malika"], input=broken
    )

    assert done.exit_code == 1
    assert done.output == (
        "Error: this is no scheme of levels:\n"
        "    days of grace: This is too large: at most 27.\n"
        "    level 3 › threshold: “year-2” stands above “year-1”. Write more than 100.\n"
        "    wheels: Nobody reads this here. Take it out, or see whether it is misspelt.\n"
    )
    assert not Proposal.objects.exists()


@settings(deadline=None, max_examples=tries(300, quick=100))
@given(broken(st.builds(year)), st.sampled_from(LANGUAGES))
def test_whatever_is_broken_has_words_of_ours_in_the_language_of_the_reader(
    text: str, language: str
) -> None:
    with translation.override(language):
        general = str(SENTENCES["unreadable"])
    for _place, what in problems(text, language):
        said_by_us = re.sub(r"[“«].*?[”»]|: .*$", "", what, flags=re.DOTALL)  # less what is quoted
        assert not FOREIGN.search(said_by_us), (what, text)
        assert what != general, text
        assert bool(re.search("[а-я]", said_by_us)) == (language == "ru"), what


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_can_be_told_with_the_values_it_names(language: str) -> None:
    with translation.override(language):
        for code, template in SENTENCES.items():
            names = re.findall(r"\{(\w+)\}", str(template))
            assert "{" not in WORDS.sentence(code, dict.fromkeys(names, 5))

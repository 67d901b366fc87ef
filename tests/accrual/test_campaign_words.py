"""Whatever is wrong with a campaign's file is told in words, at its place: never in the validator's."""

import json
import re
from typing import Any

import pytest
from django.utils import translation
from hypothesis import given, settings
from hypothesis import strategies as st

from club.accrual import campaign_files
from club.accrual.campaign_words import SENTENCES, WORDS
from club.accrual.errors import BadCampaign
from tests.accrual.conftest import PAYMENT, TEXTS
from tests.accrual.rule_shapes import Data, rules
from tests.broken_files import broken
from tests.missing import tries

LANGUAGES = ("en", "ru", "uz")
pytestmark = pytest.mark.usefixtures("in_english")
FOREIGN = re.compile(
    r"Input should|valid (string|integer|list|tuple|dictionary|boolean)|Field required|Extra inputs|"
    r"\b(str|int|bool|dict|tuple|NoneType|ValueError|Value error|discriminator)\b|"
    r"datetime|Expecting|EOF|[{}]|pydantic|None\b"
)
"""What a validator or Python would say."""


def file(*written: Data, **more: Any) -> Data:
    named = {rule["id"]: {"names": TEXTS, "rule": rule} for rule in written}
    return {"code": "spring", "names": TEXTS, "rules": named} | more


def gift(**more: Any) -> Data:
    reward = {"kind": "fixed", "points": 5, "cap_per_event": 100}
    return {"id": "gift", "when": PAYMENT, "reward": reward} | more


def problems(text: str | Data, language: str = "en") -> list[tuple[str, str]]:
    """Each problem as its place in words and its sentence."""
    with translation.override(language):
        try:
            campaign_files.read(text if isinstance(text, str) else json.dumps(text))
        except BadCampaign as refused:
            found: Any = refused.values["problems"]
            return [(one["place"], one["what"]) for one in found]
    return []


def test_a_marketer_reads_where_it_is_wrong_and_what_to_do() -> None:
    when = {"kind": "all", "of": [PAYMENT, PAYMENT | {"field": "amount", "op": "ge", "value": "5"}]}
    broken = file(gift(when=when, limits=[{"unit": "points", "period": "day"}]), holdout_percent=-1)

    assert problems(broken) == [
        ("percent held out", "This is too small: at least 0."),
        (
            "Rule gift › condition › part 2",
            "“amount” is compared with a whole number, without quotation marks.",
        ),
        ("Rule gift › limit 1 › at most", "This is missing. Add it."),
    ]
    assert problems(broken, "ru")[2] == (
        "Правило gift › лимит 1 › не больше", "Этого не хватает. Добавьте.",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "place", "what"),
    [
        ('{"code": "a"\n "names": 1}', "", 'A comma or a closing bracket is missing before line 2, column 2: "names": 1}'),
        ('{"code": "a",}', "", 'A comma too many at line 1, column 14: {"code": "a",}'),
        ("{'code': 1}", "", "A name has to stand in double quotation marks, at line 1, column 2: {'code': 1}"),
        ('{"code": "a', "", "The text ends too early: a bracket or a quotation mark is not closed."),
        ("[" * 400, "", "Too many brackets inside each other, at line 1."),
        ("x" * 1_000_001, "", "The file is too long: at most 1\u202f000\u202f000 characters."),
        (file(code="Spring!"), "the campaign's code", "Write 1 to 60 small Latin letters, digits and hyphens, and begin with a letter or a digit."),
        (file(names={"uz": "a"}), "names", "A name is missing or empty in: Ўзбекча, Русский, Qaraqalpaqsha, English. Add it."),
        (file(starts_at="2026-12-01"), "beginning", "Write a moment with its offset, like 2026-12-01T00:00:00+05:00."),
        (file(ends_at="2026-01-01T00:00Z", starts_at="2026-02-01T00:00Z"), "", "It ends before it begins. Put the end later."),
        (file(gift(when={"kind": "or"})), "Rule gift › condition › kind", "Write one of these: compare, one_of, in_segment, all, any, not."),
        (file(gift(when={"of": []})), "Rule gift › condition › kind", "This is missing. Add it."),
        (file(gift(when=PAYMENT | {"value": 1.5})), "Rule gift › condition › value", "Write a whole number, words in double quotation marks, or true or false."),
        (file(gift(when=PAYMENT | {"value": ""})), "Rule gift › condition › value", "This is empty. Write something."),
        (file(gift(when=PAYMENT | {"value": 2**60})), "Rule gift › condition › value", "This is too large: at most 9\u202f007\u202f199\u202f254\u202f740\u202f992."),
        (file(gift(excludes=["a", "gift"])), "Rule gift", "A rule that excludes itself would never count. Take it out."),
        (file(budget=1), "budget", "Nobody reads this here. Take it out, or see whether it is misspelt."),
        (file(rules=[]), "rules", "Write names with their values, in curly brackets."),
        (file(paid_by=[{"fund": 1, "percent": 60}]), "who pays", "The shares add up to 60 percent. Let them add up to 100."),
        (file(paid_by=[{"fund": 1, "percent": 50}] * 2), "who pays", "A fund is named twice. Add its shares up."),
        (file(legal={"ru": "a"}), "terms", "A name is missing or empty in: Oʻzbekcha, Ўзбекча, Qaraqalpaqsha, English. Add it."),
        (file(gift(trigger=["Top up"])), "Rule gift › event 1", "Write the name of a kind of event, like payment or tariff_change."),
        ("[]", "", "Write names with their values, in curly brackets."),
        ('{"holdout_percent": 1, ' + json.dumps(file(holdout_percent=2))[1:], "", "“holdout_percent” is said twice in one place. Keep one of them."),
    ],
    ids=str,
)  # fmt: skip
def test_a_mistake_is_told(text: str | Data, place: str, what: str) -> None:
    assert problems(text) == [(place, what)]


def test_all_problems_are_told_at_once() -> None:
    broken = gift(priority=-1, limits=[{"period": "year"}], excludes=["A"])
    assert len(problems(file(broken, holdout_percent="x", code=5))) == 7


def test_a_place_is_told_as_people_count() -> None:
    place = (
        "rules",
        "gift",
        "rule",
        "reward",
        "boosts",
        0,
        "cases",
        1,
        "when",
        "of",
        2,
        "values",
        3,
    )
    assert (
        WORDS.crumbs(place)
        == "Rule gift › reward › boost 1 › case 2 › condition › part 3 › value 4"
    )


def whole(rule: Data) -> Data:
    """A valid campaign, as its file says it."""
    return json.loads(json.dumps(
        file(rule | {"stacking": {"group": "g", "mode": "first"}, "excludes": ["b"],
                     "limits": [{"period": "day", "unit": "times", "most": 2}]}, starts_at=None)
    ))  # fmt: skip


@settings(deadline=None, max_examples=tries(300, quick=100))
@given(broken(st.builds(whole, rules)), st.sampled_from(LANGUAGES))
def test_whatever_is_broken_has_words_of_ours_in_the_language_of_the_reader(
    text: str, language: str
) -> None:
    general = {}
    with translation.override(language):
        general = {str(SENTENCES["unreadable"])}
    for place, what in problems(text, language):
        said_by_us = re.sub(r"[“«].*?[”»]|: .*$", "", what, flags=re.DOTALL)  # less what is quoted
        assert not FOREIGN.search(said_by_us), (what, text)
        assert what not in general, text
        assert "constrained" not in place
        assert bool(re.search("[а-я]", said_by_us)) == (language == "ru"), what
        assert what.strip()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_can_be_told_with_the_values_it_names(language: str) -> None:
    with translation.override(language):
        for code, template in SENTENCES.items():
            names = set(re.findall(r"\{(\w+)\}", str(template))) - WORDS.always.keys()
            assert "{" not in WORDS.sentence(code, dict.fromkeys(names, 5))

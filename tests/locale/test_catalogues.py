"""No sentence of ours is missing, empty, doubtful or broken in any language."""

import re
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from django.utils import translation
from django.utils.translation import ngettext

from club.languages import CODES

BASE = Path(__file__).resolve().parents[2]
FOLDERS = {"uz": "uz", "uz-cyrl": "uz_Cyrl", "ru": "ru", "kaa": "kaa", "en": "en"}
KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
}
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|\{(\w*)\}")
PLURAL_FORMS = {"uz": 1, "uz-cyrl": 1, "ru": 3, "kaa": 1, "en": 2}
CYRILLIC = re.compile(r"[Ѐ-ӿ]")
# What other alphabets would leave behind: a plain or a typographic apostrophe for ʻ and ʼ.
STAFF_READ = ("documents/words", "accrual/campaign_words", "tiers/scheme_words")
WRONG_APOSTROPHE = re.compile(r"['’‘`]")


@cache
def msgids() -> set[str | tuple[str, ...]]:
    """What the code says to subscribers; what staff read is in the catalogues of the office."""
    found = extract_from_dir(BASE / "club", [("**.py", "python")], keywords=KEYWORDS)
    return {
        tuple(message) if isinstance(message, (list, tuple)) else message
        for name, _, message, _, _ in found
        if not name.startswith(("doors/office/", *STAFF_READ))
    }


def catalogue(language: str) -> Catalog:
    path = BASE / "locale" / FOLDERS[language] / "LC_MESSAGES" / "django.po"
    with path.open("rb") as file:
        return read_po(file, abort_invalid=True)


def forms(text: object) -> tuple[str, ...]:
    return tuple(map(str, text)) if isinstance(text, (list, tuple)) else (str(text),)


def placeholders(text: str) -> set[str]:
    return {"".join(names) for names in PLACEHOLDER.findall(text)}


def test_there_is_something_to_translate():
    assert len(msgids()) > 60
    assert sorted(FOLDERS) == sorted(CODES)


@pytest.mark.parametrize("language", CODES)
def test_every_sentence_is_there_and_none_is_left_over(language):
    translated = {message.id for message in catalogue(language) if message.id}

    assert translated == msgids()


@pytest.mark.parametrize("language", CODES)
def test_no_sentence_is_empty_or_doubtful_and_its_placeholders_stay(language):
    for message in catalogue(language):
        if not message.id:
            continue
        assert not message.fuzzy, message.id
        wanted = placeholders(forms(message.id)[-1])
        told = forms(message.string)
        assert len(told) == (PLURAL_FORMS[language] if message.pluralizable else 1), message.id
        for form in told:
            assert form.strip(), message.id
            assert placeholders(form) == wanted, message.id


@pytest.mark.parametrize("language", CODES)
def test_each_language_is_written_in_its_own_letters(language):
    for message in catalogue(language):
        if not message.id:
            continue
        for form in forms(message.string):
            is_cyrillic = bool(CYRILLIC.search(form))
            words = PLACEHOLDER.sub("", form)
            has_words = bool(re.search(r"[^\W\d_]", words))
            if language in ("uz", "kaa", "en"):
                assert not is_cyrillic, form
            elif has_words:
                assert is_cyrillic, form
            if language != "en":
                assert not WRONG_APOSTROPHE.search(form), form


@pytest.mark.parametrize("language", [code for code in CODES if code != "en"])
def test_nothing_is_left_in_english(language):
    for message in catalogue(language):
        assert not message.id or not set(forms(message.string)) & set(forms(message.id)), message.id


@pytest.mark.parametrize(
    ("language", "count", "told"),
    [
        ("ru", 1, "1 секунду"),
        ("ru", 2, "2 секунды"),
        ("ru", 5, "5 секунд."),
        ("ru", 111, "111 секунд."),
        ("en", 1, "1 second."),
        ("en", 2, "2 seconds."),
        ("uz", 1, "1 soniyadan"),
        ("uz-cyrl", 2, "2 сониядан"),
        ("kaa", 2, "2 sekundtan"),
    ],
)
def test_django_reads_the_plural_forms(language, count, told):
    with translation.override(language):
        sentence = ngettext(
            "Please try again in %(retry_after_s)s second.",
            "Please try again in %(retry_after_s)s seconds.",
            count,
        )

    assert told in sentence % {"retry_after_s": count}

"""No sentence of the office is missing in Russian or Uzbek, or lost a placeholder there."""

import io
import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from django.utils import translation
from django.utils.translation.template import templatize

from club.accrual import campaign_words, cancelling, deciding, erasure
from club.documents import words
from club.doors import office
from club.doors.office.words import word
from club.tiers import scheme_words

ROOM = Path(office.__file__).parent
STAFF_READ = [Path(room.__file__) for room in (words, campaign_words, scheme_words)]
"""Files of other rooms whose sentences only staff read."""
KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
}
PLACEHOLDER = re.compile(r"%\(\w+\)s|\{\w+\}")


def sentences() -> set[tuple[str | None, str]]:
    """Every sentence of our code and templates, as (context, sentence in the singular)."""
    found = set()
    for path in (*ROOM.rglob("*.py"), *ROOM.rglob("*.html"), *STAFF_READ):
        text = path.read_text("utf-8")
        source = templatize(text, origin=str(path)) if path.suffix == ".html" else text
        for _, message, _, context in extract("python", io.BytesIO(source.encode()), KEYWORDS):
            found.add((context, message if isinstance(message, str) else message[0]))
    return found


def catalogue(language: str) -> Catalog:
    with (ROOM / "locale" / language / "LC_MESSAGES" / "django.po").open("rb") as stream:
        return read_po(stream, locale=language, abort_invalid=True)


def singular(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


@pytest.mark.parametrize("language", ["ru", "uz"])
def test_every_sentence_is_translated_and_none_is_left_over(language):
    translated = {
        (message.context, singular(message))
        for message in catalogue(language)
        if message.id and message.string
    }

    assert len(translated) > 100
    assert translated == sentences()


@pytest.mark.parametrize("language", ["ru", "uz"])
def test_no_translation_loses_a_placeholder(language):
    for message in catalogue(language):
        forms = [message.string] if isinstance(message.string, str) else message.string
        for form in forms:
            if message.id:
                assert set(PLACEHOLDER.findall(form)) == set(PLACEHOLDER.findall(singular(message)))


def test_what_deciding_notes_beside_an_event_is_told_in_words():
    """Staff read none of the notes as it stands in the code."""
    code = "".join(Path(str(one.__file__)).read_text("utf-8") for one in (deciding, cancelling))
    noted = re.findall(r'"((?:no rule|its|names another) [a-z ]+)"', code)
    assert len({*noted}) == 4, noted

    with translation.override("ru"):
        for note in (*noted, erasure.NOTE):
            assert word("event_note", note) != note
        assert word("event_note", "KeyError: 7") == "KeyError: 7"

import gettext
import os
from pathlib import Path

import pytest

from club import translations

CATALOGUE = """
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"

msgid "points"
msgstr "ball"
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    source = tmp_path / "django.po"
    source.write_text(CATALOGUE)
    return source


def test_a_compiled_catalogue_is_what_gettext_reads(source: Path):
    translations.compile_one(source)

    with source.with_suffix(".mo").open("rb") as stream:
        assert gettext.GNUTranslations(stream).gettext("points") == "ball"


def test_only_a_catalogue_older_than_its_source_is_stale(source: Path):
    assert translations.is_stale(source)

    translations.compile_one(source)
    assert not translations.is_stale(source)

    os.utime(source, (2**32, 2**32))
    assert translations.is_stale(source)


def test_every_catalogue_of_ours_is_compiled_before_the_tests_run():
    assert [source for source in translations.sources() if translations.is_stale(source)] == []

"""Compiles the catalogues of sentences: `django.po` is what people edit, `django.mo` is made."""

import os
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

BASE = Path(__file__).resolve().parent.parent


def sources() -> list[Path]:
    """Every catalogue of ours, the office's own included."""
    found = [*BASE.glob("locale/*/LC_MESSAGES/*.po"), *BASE.glob("club/**/LC_MESSAGES/*.po")]
    return sorted(found)


def compile_stale() -> list[Path]:
    """Compile what is older than its source; returns what was compiled.

    Raises OSError when a folder cannot be written to, which an installed copy is spared by being
    compiled when it is built.
    """
    stale = [source for source in sources() if is_stale(source)]
    for source in stale:
        compile_one(source)
    return stale


def is_stale(source: Path) -> bool:
    target = source.with_suffix(".mo")
    return not target.exists() or target.stat().st_mtime < source.stat().st_mtime


def compile_one(source: Path) -> None:
    with source.open("rb") as stream:
        # The locale only decides plural forms, and the header of the file tells those itself.
        catalogue = read_po(stream, abort_invalid=True)
    half = source.with_suffix(f".{os.getpid()}.half")
    with half.open("wb") as stream:
        write_mo(stream, catalogue)
    half.replace(source.with_suffix(".mo"))

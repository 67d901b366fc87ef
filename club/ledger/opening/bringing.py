"""Bringing a file of opening balances into the books: the shadow run, and the run for real.

The file is read once, and what is posted is what was checked, not a second reading. Each chunk is a
transaction of its own and each posting has its key, so a run that was killed is simply run again,
and a run of what is written changes nothing.
"""

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

from club.errors import ClubError
from club.ledger.actions import post_many
from club.ledger.errors import KeyReused
from club.ledger.opening import report, stage
from club.ledger.opening.lines import SOURCE_CHARS_MAX, Reader
from club.ledger.opening.report import Report
from club.ledger.rules import ACCRUALS_PER_CALL_MAX, Kind, Source

SOURCE = re.compile(rf"[a-z0-9_-]{{1,{SOURCE_CHARS_MAX}}}")


class FileHasFaults(ClubError):
    """Nothing was written. Value: broken_lines."""

    code = "file_has_faults"


class OtherFile(ClubError):
    """Not the file that the shadow run saw. Value: digest."""

    code = "other_file"


class BadSource(ClubError):
    code = "bad_source"


def compare(path: Path, *, source: str, day: date) -> Report:
    """The shadow run: the file beside the books, nothing written into them.

    `source` names the old system; the refs of two systems may be alike. `day` is the business day
    of the run: points earned after it or expired before it are faults. The stage stays filled, for
    `report.write_faults` and `write`. Raises NotAnOpeningFile, BadSource; OSError.
    """
    if not SOURCE.fullmatch(source):
        raise BadSource("a source is named by up to 20 small letters, digits, hyphens, underscores")
    with path.open("rb") as stream:
        reader = Reader(stream)
        stage.fill(reader, source=source, day=day)
    return report.of_stage(digest=reader.digest, lines=reader.count)


def write(
    compared: Report,
    *,
    source: str,
    digest: str | None = None,
    skip_broken: bool = False,
    echo: Callable[[int], None] = lambda lines: None,
) -> int:
    """Posts what `compare` found good and missing, in chunks of 5,000; answers how many lines.

    With `digest`, only of the very file that has it. A file with faults is refused as a whole,
    unless `skip_broken` leaves its broken lines out. Raises FileHasFaults, OtherFile (nothing is
    written then) and, where another run writes at the same time, KeyReused.
    """
    if digest not in (None, compared.digest):
        raise OtherFile(
            f"this file has the digest {compared.digest}, not {digest}", digest=compared.digest
        )
    if not (compared.is_clean or skip_broken):
        raise FileHasFaults(
            f"{compared.broken_lines:,} lines are broken: correct them, or leave them out"
            " with --skip-broken; nothing was written",
            broken_lines=compared.broken_lines,
        )
    written, number = 0, 0
    while True:
        number, accruals = stage.ready(source=source, after=number, limit=ACCRUALS_PER_CALL_MAX)
        if not accruals:
            return written
        posted = post_many(source=Source.IMPORT, accruals=accruals, kind=Kind.OPENING)
        if posted.conflicts:
            raise KeyReused("another run wrote other content", key=posted.conflicts[0])
        written += posted.fresh
        echo(written)

"""The file of opening balances: a CSV, read line by line in bounded memory.

The heading names the columns, in any order, separated by commas or semicolons:

    ref            the old system's own id of the balance; unique in the file, kept for ever in
                   the journal, and therefore never a phone number
    msisdn         whose points they are; or `subscriber_id`, the club's own number of the person
    points         a whole number, 1 to 10^12
    earned_on      the day on which they were earned, 2026-11-22
    expires_on     the last day on which they are good
    fund           the code of who pays for them

UTF-8, with or without a byte order mark. A line stands in one line: a field may be quoted, but holds
no line break. What is wrong with a line becomes faults, which name line and column and say what to
do; only a file that is not of this form at all raises.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from datetime import date
from hashlib import sha256
from typing import BinaryIO, NamedTuple

from club.errors import ClubError
from club.ledger.rules import POINTS_PER_POSTING_MAX, REF_BYTES_MAX
from club.subscribers import rules as subscribers

COLUMNS = ("ref", "points", "earned_on", "expires_on", "fund")
OWNERS = ("msisdn", "subscriber_id")  # one of the two says whose points they are
SOURCE_CHARS_MAX = 20
REF_IN_FILE_BYTES_MAX = REF_BYTES_MAX - SOURCE_CHARS_MAX - 1  # the journal's has "source:" before
LINE_BYTES_MAX = 2_000
SHOWN_CHARS_MAX = 40
BOM = b"\xef\xbb\xbf"
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
INTEGER = re.compile(r"-?[0-9]+")
BIGINT_MAX, BIGINT_DIGITS = 2**63 - 1, 19


class NotAnOpeningFile(ClubError):
    """The file as a whole cannot be taken."""

    code = "not_an_opening_file"


class Fault(NamedTuple):
    """What is wrong in a line, and what to do. `column` is empty when it is the whole line."""

    line: int
    column: str
    code: str
    what: str
    remedy: str


class Line(NamedTuple):
    """A balance as the file has it. `owner` is a number in the form we keep, or a subscriber_id."""

    number: int
    ref: str
    owner: str
    points: int
    earned_on: date
    expires_on: date
    fund: str


class Heading(NamedTuple):
    delimiter: str
    owner: str
    width: int
    places: tuple[int, ...]
    """Where ref, owner, points, earned_on, expires_on and fund stand."""


class Reader:
    """Iterate over it for the lines, each a Line or the faults that it has. `heading` is read at
    once; `digest` stands for the bytes read so far, after the last line for the whole file."""

    def __init__(self, stream: BinaryIO) -> None:
        """Raises NotAnOpeningFile."""
        self._stream = stream
        self._sha256 = sha256()
        self._days: dict[str, date] = {}
        self.count = 0
        self.heading = heading_of(self._next())

    @property
    def digest(self) -> str:
        return self._sha256.hexdigest()

    def __iter__(self) -> Iterator[Line | list[Fault]]:
        number = 1
        while raw := self._next():
            number += 1
            if len(raw) > LINE_BYTES_MAX:
                while not raw.endswith(b"\n") and (raw := self._next()):
                    pass
                yield [_fault(number, "", "line_too_long", f"over {LINE_BYTES_MAX:,} bytes")]
            elif not (raw := raw.rstrip(b"\r\n")).strip(b" ,;"):
                continue  # an empty line, as spreadsheets leave them at the end
            else:
                self.count += 1
                yield self._read(number, raw)

    def _next(self) -> bytes:
        raw = self._stream.readline(LINE_BYTES_MAX + 1)
        self._sha256.update(raw)
        return raw

    def _read(self, number: int, raw: bytes) -> Line | list[Fault]:
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            return [_fault(number, "", "bad_encoding", "the line is not in UTF-8")]
        try:
            fields = _split(text, self.heading.delimiter)
        except csv.Error:
            return [_fault(number, "", "bad_quotes", "a quoted field does not end in its line")]
        if len(fields) != self.heading.width:
            what = f"{len(fields)} fields instead of {self.heading.width}"
            return [_fault(number, "", "bad_width", what)]
        ref, owner, points, earned_on, expires_on, fund = [
            fields[place].strip() for place in self.heading.places
        ]
        wrong: list[tuple[str, str, str]] = []
        if not (ref.isprintable() and 0 < len(ref.encode()) <= REF_IN_FILE_BYTES_MAX):
            wrong.append(("ref", "bad_ref", f"not 1 to {REF_IN_FILE_BYTES_MAX} printable bytes"))
        if not (fund and fund.isprintable()):
            wrong.append(("fund", "unknown_fund", "empty"))
        if self.heading.owner == "subscriber_id":
            if not 0 < _integer(owner) <= BIGINT_MAX:
                wrong.append(("subscriber_id", "bad_subscriber_id", "not the id of a subscriber"))
        elif not subscribers.MSISDN.fullmatch(owner):
            try:
                owner = subscribers.msisdn(owner)
            except subscribers.BadMsisdn:
                wrong.append(("msisdn", "bad_msisdn", _about_number(owner)))
        if not 0 < (amount := _integer(points)) <= POINTS_PER_POSTING_MAX:
            wrong.append(("points", "bad_amount", _about_points(points)))
        earned, expires = self._day(earned_on), self._day(expires_on)
        if earned is None:
            wrong.append(("earned_on", "bad_day", f"{_shown(earned_on)} is not a day"))
        if expires is None:
            wrong.append(("expires_on", "bad_day", f"{_shown(expires_on)} is not a day"))
        if earned and expires and expires < earned:
            wrong.append(("expires_on", "expires_before_earned", f"before {earned}"))
        if wrong or earned is None or expires is None:
            return [_fault(number, *one) for one in wrong]
        return Line(number, ref, owner, amount, earned, expires, fund)

    def _day(self, text: str) -> date | None:
        """Files hold few different days, and a look-up costs a fifth of a reading."""
        if (day := self._days.get(text)) is None and DAY.fullmatch(text):
            try:
                day = self._days[text] = date.fromisoformat(text)
            except ValueError:
                return None
        return day


# ---- the heading -----------------------------------------------------------------------------


def heading_of(raw: bytes) -> Heading:
    r"""Raises NotAnOpeningFile, with what to do about it.

    >>> heading_of(b"ref;msisdn;points;earned_on;expires_on;fund\r\n").delimiter
    ';'
    """
    text = _heading_text(raw)
    delimiter = ";" if text.count(";") > text.count(",") else ","
    names = [name.strip().strip('"').lower() for name in text.split(delimiter)]
    owners = [name for name in OWNERS if name in names]
    if len(owners) != 1:
        raise NotAnOpeningFile(
            f"the heading names {'both' if owners else 'neither'} msisdn"
            f" {'and' if owners else 'nor'} subscriber_id: one of them says whose points they are"
        )
    wanted = ("ref", owners[0], *COLUMNS[1:])
    if missing := [name for name in wanted if name not in names]:
        raise NotAnOpeningFile(
            f"the heading lacks {', '.join(missing)}; a file has {delimiter.join(wanted)}"
        )
    if others := [name for name in names if name not in wanted]:
        raise NotAnOpeningFile(
            f"the heading has {', '.join(map(_shown, others))}, which nobody reads: leave it out"
        )
    if len(set(names)) != len(names):
        raise NotAnOpeningFile("the heading names a column twice")
    return Heading(delimiter, owners[0], len(names), tuple(names.index(name) for name in wanted))


def _heading_text(raw: bytes) -> str:
    if not raw:
        raise NotAnOpeningFile("the file is empty")
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in raw:
        raise NotAnOpeningFile("the file is in UTF-16 or binary: save it as CSV in UTF-8")
    if raw.startswith(b"PK"):
        raise NotAnOpeningFile("this is a workbook or an archive: save its sheet as CSV in UTF-8")
    if len(raw) > LINE_BYTES_MAX:
        raise NotAnOpeningFile(f"the first line has over {LINE_BYTES_MAX:,} bytes")
    try:
        return raw.removeprefix(BOM).decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise NotAnOpeningFile("the heading is not in UTF-8: save the file as UTF-8") from None


# ---- words -----------------------------------------------------------------------------------

REMEDIES = {
    "bad_amount": "give a whole number from 1 to 10^12; leave out who has nothing",
    "bad_day": "write it as 2026-11-22",
    "bad_encoding": "save the file in UTF-8",
    "bad_msisdn": "write twelve digits that begin with 998, like 998901234567",
    "bad_quotes": "close the quotes, and keep line breaks out of fields",
    "bad_ref": "give the balance's own id in the old system",
    "bad_subscriber_id": "give the club's own id of the subscriber",
    "bad_width": "give each line the heading's fields; quote a field that holds the delimiter",
    "expires_before_earned": "see whether the two days are exchanged",
    "line_too_long": "see whether a line break is missing",
    "unknown_fund": "give the code of a fund of the books",
}


def _fault(line: int, column: str, code: str, what: str) -> Fault:
    return Fault(line, column, code, what, REMEDIES[code])


def _integer(text: str) -> int:
    """A number of digits that a bigint may hold; 0 for all else. Python reads more than that:
    "1_0", digits of other scripts, and a long text for minutes."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= BIGINT_DIGITS else 0


def _about_number(text: str) -> str:
    """Without the number itself: reports are copied around."""
    if re.search(r"[eE]\+", text):
        return "a spreadsheet has rounded the number: format the column as text"
    return f"not a phone number of ours ({len(re.sub('[^0-9]', '', text))} digits)"


def _about_points(text: str) -> str:
    if INTEGER.fullmatch(text):
        if text.startswith("-"):
            return f"{_shown(text)} is below zero; a debt is not an opening balance"
        return "zero points" if not text.strip("0") else f"{_shown(text)} is over 10^12"
    return f"{_shown(text)} is not a whole number"


def _shown(text: str) -> str:
    """A value as a report may repeat it: short, and quoted so that its ends are seen."""
    cut = text if len(text) <= SHOWN_CHARS_MAX else text[:SHOWN_CHARS_MAX] + "…"
    return repr(cut)


def _split(text: str, delimiter: str) -> Sequence[str]:
    if '"' not in text:
        return text.split(delimiter)
    return next(csv.reader([text], delimiter=delimiter, strict=True))

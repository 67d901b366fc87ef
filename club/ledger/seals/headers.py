"""What a seal says about its day, and how one day's digest goes into the next one's."""

from dataclasses import dataclass
from datetime import date
from hashlib import sha256

GENESIS = bytes(32)
"""What the first day of all is chained to."""


@dataclass(frozen=True, slots=True)
class Section:
    """The postings that a day brought to one month of the books, so that a month which was dropped
    leaves the rest of its days provable. `rows` is the digest of all rows' whole digests in the
    order of (subscriber, key); `leaves` that of the short ones, which the file keeps."""

    month: date
    postings: int
    points: int
    rows: bytes
    leaves: bytes

    def line(self) -> str:
        return (
            f"{self.month:%Y-%m} {self.postings} {self.points}"
            f" {self.rows.hex()} {self.leaves.hex()}\n"
        )


@dataclass(frozen=True, slots=True)
class Header:
    """A day's seal. Its text is what is digested and what stands first in its file: whoever has
    `sha256sum` can follow the chain."""

    day: date
    previous: bytes
    sections: tuple[Section, ...]

    @property
    def postings(self) -> int:
        return sum(section.postings for section in self.sections)

    @property
    def points(self) -> int:
        return sum(section.points for section in self.sections)

    @property
    def digest(self) -> bytes:
        return sha256(self.text().encode()).digest()

    def text(self) -> str:
        """
        >>> print(Header(date(2026, 11, 22), GENESIS, ()).text()[:47])
        club seal 1
        day 2026-11-22
        previous 00000000000
        """
        lines = "".join(section.line() for section in self.sections)
        return (
            f"club seal 1\nday {self.day}\nprevious {self.previous.hex()}\n"
            f"postings {self.postings}\npoints {self.points}\n{lines}"
        )


def parse(text: str) -> Header:
    """The header that was written as `text`. Raises ValueError for anything else.

    >>> header = Header(date(2026, 11, 22), GENESIS, ())
    >>> parse(header.text()) == header
    True
    """
    lines = text.splitlines()
    if len(lines) < 5:
        raise ValueError("too few lines")
    day = date.fromisoformat(lines[1].removeprefix("day "))
    previous = bytes.fromhex(lines[2].removeprefix("previous "))
    header = Header(day, previous, tuple(map(_section, lines[5:])))
    if header.text() != text:
        raise ValueError("not a seal's header")
    return header


def _section(line: str) -> Section:
    month, postings, points, rows, leaves = line.split(" ")
    return Section(
        date.fromisoformat(f"{month}-01"),
        int(postings),
        int(points),
        bytes.fromhex(rows),
        bytes.fromhex(leaves),
    )

"""Checking: the journal, the seals in the books and their files say the same of each closed day."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256

from club.ledger.queries.reading import rows
from club.ledger.rules import Breach
from club.ledger.seals import files, leaves, naming
from club.ledger.seals.headers import GENESIS, Header, Section

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Seal:
    """A day's row in the books."""

    day: date
    postings: int
    points: int
    previous: bytes
    digest: bytes


def last_seal() -> Seal | None:
    found = _seals("order by day desc limit 1")
    return found[0] if found else None


def check(*, since: date | None = None, of_month: date | None = None) -> Iterator[Breach]:
    """Every difference, from the day `since` on (None: from the first one), or only of the days that
    brought something to one month. Reads all postings of these days; the memory it takes does not
    grow with them."""
    seals = {seal.day: seal for seal in _seals("order by day")}
    absent = {month for (month,) in rows("select * from ledger.absent_months()")}
    if seals and since is None:
        yield from _before(min(seals))
    for day in sorted(seals.keys() | set(files.days())):
        if (since is None or day >= since) and (of_month is None or _has(day, of_month)):
            yield from _chain(day, seals)
            yield from _day(day, seals.get(day), absent)


def _seals(order: str) -> list[Seal]:
    found = rows(f"select day, postings, points, previous, digest from ledger.seal {order}")  # noqa: S608  a literal
    return [
        Seal(day, postings, int(points), bytes(previous), bytes(digest))
        for day, postings, points, previous, digest in found
    ]


def _has(day: date, month: date) -> bool:
    """Whether the day brought something to this month; a day without a readable file may have."""
    try:
        header = files.header(day)
    except files.Unreadable:
        return True
    return header is None or any(section.month == month for section in header.sections)


def _before(first: date) -> Iterator[Breach]:
    """Nothing was posted before the first day of all."""
    for section in leaves.sections(leaves.pieces(day=None, until=first)):
        yield from naming.slipped_in(None, section, until=first)


def _chain(day: date, seals: dict[date, Seal]) -> Iterator[Breach]:
    if day not in seals:
        yield _whole("a seal file has its seal", f"seal {day}", 1, 0)
        return
    if day == min(seals):
        expected = GENESIS
    elif day - ONE_DAY in seals:
        expected = seals[day - ONE_DAY].digest
    else:
        yield _whole("the seals are one chain", f"seal {day - ONE_DAY}", 1, 0)
        return
    if seals[day].previous != expected:
        yield _whole(
            "the seals are one chain", f"seal {day}", expected.hex(), seals[day].previous.hex()
        )


def _day(day: date, seal: Seal | None, absent: set[date]) -> Iterator[Breach]:
    place = files.path_of(day).name
    try:
        header = files.header(day)
        if header is None:
            assert seal is not None, "a day stands here by its row or by its file"
            yield _whole("a sealed day has its file", place, 1, 0)
            yield from _without_file(seal, absent)
            return
        if seal is not None:
            yield from _agreement(header, seal)
        if not _leaves_are_whole(header):
            yield _whole("a seal file never changes", place, header.digest.hex(), "other leaves")
            yield from _without_file(_as_told(header), absent)
            return
        yield from _postings(header, absent)
    except files.Unreadable as error:
        yield _whole("a seal file never changes", place, "a seal", str(error))
        if seal is not None:
            yield from _without_file(seal, absent)


def _agreement(header: Header, seal: Seal) -> Iterator[Breach]:
    told = _as_told(header)
    if told != seal:
        yield _whole(
            "the seal and its file say the same",
            f"seal {seal.day}",
            f"{told.postings} postings, {told.points} points, {told.digest.hex()}",
            f"{seal.postings} postings, {seal.points} points, {seal.digest.hex()}",
        )


def _as_told(header: Header) -> Seal:
    return Seal(header.day, header.postings, header.points, header.previous, header.digest)


def _leaves_are_whole(header: Header) -> bool:
    stream = files.Leaves(header.day)
    for section in header.sections:
        digest = sha256()
        for block in stream.take(section.postings):
            digest.update(block)
        if digest.digest() != section.leaves:
            return False
    return stream.is_over()


def _postings(header: Header, absent: set[date]) -> Iterator[Breach]:
    """The journal's rows of the day against the file's. Months that were dropped are left out."""
    sealed = {section.month: section for section in header.sections}
    for section in leaves.sections(leaves.pieces(day=header.day, until=header.day + ONE_DAY)):
        known = sealed.pop(section.month, None)
        if known is None:
            yield from naming.slipped_in(header.day, section, until=header.day + ONE_DAY)
        elif known != section:
            yield from naming.differences(header, known, section)
    for month, known in sealed.items():
        if month not in absent:
            yield from naming.differences(header, known, _nothing(month))


def _nothing(month: date) -> Section:
    return leaves.Tally(month).section()


def _without_file(seal: Seal, absent: set[date]) -> Iterator[Breach]:
    """The rows cannot be named; but whether they are the sealed ones can still be told, as long as
    no month was dropped."""
    now = leaves.sections(leaves.pieces(day=seal.day, until=seal.day + ONE_DAY))
    found = Header(seal.day, seal.previous, now)
    if found.digest != seal.digest and not absent:
        yield _whole(
            "a sealed day has its postings",
            f"day {seal.day}",
            f"{seal.postings} postings, {seal.digest.hex()}",
            f"{found.postings} postings, {found.digest.hex()}",
        )


def _whole(law: str, place: str, expected: int | str, found: int | str) -> Breach:
    return Breach(law, None, place, expected, found)

"""Sealing: the days that are over, one after the other, first into the file and then into the books.

A process that dies in between leaves a file without a row: the next run comes to the same digest
and adds the row. What is there is never written again.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from club.ledger.actions.calling import call
from club.ledger.errors import BadPosting, SealsUnavailable, told_in_words
from club.ledger.queries.reading import rows
from club.ledger.seals import files, leaves
from club.ledger.seals.headers import Header
from club.ledger.seals.leaves import Piece

log = logging.getLogger(__name__)

DAYS_PER_RUN_MAX = 400  # The backlog of a year; then the next run goes on.


@dataclass(frozen=True, slots=True)
class Sealed:
    """The days that were sealed, and for how many transactions the next one waits."""

    headers: tuple[Header, ...]
    unfinished: int


def seal_closed_days(*, until: date | None = None) -> Sealed:
    """Seals every day that is over, in their order, from the day after the last seal on; with
    `until` none after it. A day is over when nothing can be posted on it any more: by the
    database's clock, and no transaction that began in it is alive.

    Raises ClockWentBack (with after), BadPosting (the day's file says otherwise), SealsUnavailable.
    """
    done: list[Header] = []
    while len(done) < DAYS_PER_RUN_MAX:
        with told_in_words():
            day, previous, unfinished = call("select * from ledger.next_to_seal()", [])
        if day is None or (until is not None and day > until):
            break
        if unfinished:
            log.warning("the day %s is not sealed yet: %s transactions are open", day, unfinished)
            return Sealed(tuple(done), unfinished)
        header = _file(day, previous=bytes(previous))
        _note(header)
        done.append(header)
    return Sealed(tuple(done), 0)


def seal(*, day: date) -> Header:
    """Seals one day, or writes a sealed day's lost file again.

    Raises BadPosting (it is not next, not over, or its postings are not what was sealed),
    ClockWentBack (the days behind it are sealed already), SealsUnavailable.
    """
    with told_in_words():
        next_day, previous, unfinished = call("select * from ledger.next_to_seal()", [])
        sealed = rows("select previous, digest from ledger.seal where day = %s", [day])
    if sealed:
        return _file(day, previous=bytes(sealed[0][0]), digest=bytes(sealed[0][1]))
    if day == next_day and unfinished:
        raise BadPosting(f"{unfinished} transactions may still post on {day}", day=day)
    if day == next_day:
        header = _file(day, previous=bytes(previous))
    else:
        header = Header(day, bytes(previous), ())  # Nothing is written: the books say why not.
    _note(header)
    return header


def _file(day: date, *, previous: bytes, digest: bytes | None = None) -> Header:
    """The day's header, with its file in place; with `digest` only if it is that."""
    try:
        with files.Draft() as draft:
            stream = _copied(leaves.pieces(day=day, until=day + timedelta(days=1)), draft)
            header = Header(day, previous, leaves.sections(stream))
            if digest not in (None, header.digest):
                raise BadPosting(f"the postings of {day} are not what was sealed", day=day)
            draft.keep(header)
    except OSError as error:
        raise SealsUnavailable(
            f"{files.folder()} cannot be written: {error.strerror or error}"
        ) from error
    try:
        kept = files.header(day)
    except files.Unreadable as error:
        raise BadPosting(f"the seal file of {day} cannot be read: {error}", day=day) from error
    if kept != header:
        raise BadPosting(f"the seal file of {day} says otherwise: club ledger prove", day=day)
    return header


def _copied(stream: Iterator[Piece], draft: files.Draft) -> Iterator[Piece]:
    for piece in stream:
        draft.add(piece.leaves)
        yield piece


def _note(header: Header) -> None:
    """Outside the database, too, the log has the digest."""
    with told_in_words():
        (is_fresh,) = call(
            "select ledger.seal_day(%s, %s, %s, %s, %s)",
            [header.day, header.postings, header.points, header.previous, header.digest],
        )
    if is_fresh:
        log.info(
            "sealed %s: %s postings, digest %s", header.day, header.postings, header.digest.hex()
        )

"""Taking in events that are told in our own format: some of them at once, or a file of them.

What cannot be read, or comes from a source that we do not know, is answered with its reason; it is kept,
too, where whoever brought it is known: a file by hand, a broker.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import BinaryIO, NamedTuple

from django.db import transaction

from club.accrual import inbox, sources
from club.accrual.counts import Counts
from club.accrual.event_format import EVENT_BYTES_MAX, UnreadableEvent, read
from club.accrual.inbox import Incoming, Receipt, Verdict
from club.accrual.models import Register
from club.accrual.rules.event_types import cancelled_by
from club.errors import ClubError

SOURCE_UNKNOWN = "events"
"""Under which a rejection is kept that tells no source."""
FILE_BYTES_MAX = 512 * 1024 * 1024
REJECTED_MAX = 10_000
"""A file with more bad lines than this is none of ours; it stops there, and can be sent again."""


class FileTooLarge(ClubError):
    code = "body_too_large"


class Told(NamedTuple):
    """One event as it came. `line` counts from 1; None where there is only one."""

    octets: bytes
    line: int | None = None


@transaction.atomic
def take(
    told: Sequence[Told],
    *,
    now: datetime,
    subject: str | None = None,
    keeps_unread: bool = True,
    register: Register | None = None,
) -> list[Receipt]:
    """Give up to 2,000 events to the inbox; answer a receipt for each, in order.

    `subject` as in `sources.admit`. Raises ProgrammeNotConfigured, and what the database raises: then
    nothing happened.
    """
    read_ = [_read(one, subject=subject) for one in told]
    incoming = [one for one in read_ if isinstance(one, Incoming)]
    received = iter(inbox.receive(incoming, now=now, register=register))
    return [
        next(received)
        if isinstance(one, Incoming)
        else _refuse(one, told_, now=now, keeps=keeps_unread, register=register)
        for one, told_ in zip(read_, told, strict=True)
    ]


def take_file(
    stream: BinaryIO,
    *,
    name: str,
    now: datetime,
    subject: str | None = None,
    echo: Callable[[str], None] = lambda line: None,
) -> Counts:
    """Take in a file with an event a line; say what became of each.

    Two thousand lines are one transaction. A line that cannot be taken is kept with its number and
    reason, and the others go in. The same file again changes nothing: all its events are duplicates
    then. `echo` is told how far it is. The stream is seekable and stands at its start. Raises
    FileTooLarge for over 512 MB, before anything is taken.
    """
    sha256 = sha256_of(stream, what="a file of events")
    register = inbox.open_register(source=SOURCE_UNKNOWN, name=name, sha256=sha256, now=now)
    counts = Counts()
    for some in slices(_lines(stream)):
        for receipt in take(some, now=now, subject=subject, register=register):
            counts.add(receipt)
        echo(f"{counts.received:,} lines")
        if len(counts.rejected) > REJECTED_MAX:
            problem = UnreadableEvent(f"over {REJECTED_MAX:,} bad lines: the rest is not read")
            counts.add(_refuse(problem, Told(b""), now=now, keeps=True, register=register))
            break
    return counts


def slices(told: Iterable[Told]) -> Iterator[list[Told]]:
    """As many at a time as the inbox takes in one transaction."""
    each = iter(told)
    while some := list(islice(each, inbox.BATCH_ROWS_MAX)):
        yield some


def _read(told: Told, *, subject: str | None) -> Incoming | ClubError:
    try:
        incoming = read(told.octets, line=told.line)
        type_ = cancelled_by(incoming.kind) or incoming.kind
        sources.admit(incoming.source, type_=type_, subject=subject)
    except ClubError as error:
        return error
    return incoming


def _refuse(
    error: ClubError, told: Told, *, now: datetime, keeps: bool, register: Register | None
) -> Receipt:
    if not keeps:
        return Receipt(Verdict.REJECTED, None, error.code, error.message, told.line)
    return inbox.reject(
        source=SOURCE_UNKNOWN,
        code=error.code,
        reason=error.message,
        raw=told.octets.decode(errors="replace"),
        line=told.line,
        now=now,
        register=register,
    )


def _lines(stream: BinaryIO) -> Iterator[Told]:
    """Every line that is not empty, with its number; of one that is too long just its beginning."""
    number = 0
    while line := stream.readline(EVENT_BYTES_MAX + 2):
        number += 1
        rest = line
        while len(rest) > EVENT_BYTES_MAX and not rest.endswith(b"\n"):
            rest = stream.readline(EVENT_BYTES_MAX + 2)
        if line.strip():
            yield Told(line.rstrip(b"\r\n"), number)


def sha256_of(stream: BinaryIO, *, what: str) -> str:
    """Of the whole file, which is set back to its start. Raises FileTooLarge, in which `what` is named."""
    digest, bytes_read = hashlib.sha256(), 0
    while chunk := stream.read(1024 * 1024):
        digest.update(chunk)
        bytes_read += len(chunk)
        if bytes_read > FILE_BYTES_MAX:
            raise FileTooLarge(f"{what} has at most {FILE_BYTES_MAX // 1024 // 1024} MB")
    stream.seek(0)
    return digest.hexdigest()

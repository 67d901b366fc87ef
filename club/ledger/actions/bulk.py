"""A file of accruals, by the million."""

import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock

from django.db import DataError, IntegrityError, connection

from club.ledger.actions.calling import call
from club.ledger.errors import BadAmount, BadPosting, told_in_words
from club.ledger.rules import REF_BYTES_MAX, Posted
from club.savepoints import savepoint

BLOCKS_PER_CHUNK = 150  # Of 8 kB: some 15,000 lines, a transaction of a fraction of a second.
CONFLICTS_KEPT_MAX = 1_000
PREFIX_CHARS_MAX = 40
REFUSED = {  # by the stage's constraints
    "ref": f"with its prefix a ref has 1 to {REF_BYTES_MAX} bytes",
    "subscriber_id": "a subscriber's number is 1 or more",
    "points": "not 1 to 10^12 points",
    "expires_on": "not a day of the years 1 to 9999",
}


def post_file(
    *,
    blocks: Iterable[bytes],
    source: int,
    prefix: str,
    workers: int = 2,
    echo: Callable[[int], None] = lambda lines: None,
) -> Posted:
    """Posts every line of a CSV, given as blocks of bytes, exactly once however often it is given.

    The heading is `ref,subscriber_id,points,occurred_on,expires_on,fund`; `fund` is a code. A
    line's key is (subscriber_id, source, prefix + ref, occurred_on). Each chunk of some 15,000 lines
    is a transaction of its own, by `workers` connections at once: a run that was killed is begun
    again, and posts what is missing. `echo` is told how many lines are done. Of refs that were used
    before with other content the first thousand are named.

    Raises BadPosting naming the line and what cannot be read there, BadAmount naming the line whose
    amount is not 1 .. 10^12, WrongFund, DayOutsideBooks; all before anything is posted. Whether
    anybody has a subscriber_id is not looked up: what comes late for a former number is posted, too.
    """
    if not 1 <= len(prefix) <= PREFIX_CHARS_MAX:
        raise BadPosting(f"a prefix has 1 to {PREFIX_CHARS_MAX} characters")
    with told_in_words():
        ref_bytes_max = REF_BYTES_MAX - len(prefix.encode())
    with _stage(blocks, ref_bytes_max=ref_bytes_max) as (stage, length):
        whole = _Sum(echo)

        def one(first: int) -> None:
            whole.add(_post_chunk(stage, source, prefix, first))

        if workers == 1:
            for first in range(0, length, BLOCKS_PER_CHUNK):
                one(first)
        else:
            with ThreadPoolExecutor(workers) as pool:
                shares = [
                    pool.submit(_in_a_thread, one, range(n, length, BLOCKS_PER_CHUNK * workers))
                    for n in range(0, BLOCKS_PER_CHUNK * workers, BLOCKS_PER_CHUNK)
                ]
                for share in shares:
                    share.result()
    return whole.posted()


class _Sum:
    """What the chunks came to; several threads add to it."""

    def __init__(self, echo: Callable[[int], None]) -> None:
        self._lock, self._echo = Lock(), echo
        self._fresh = self._replayed = 0
        self._conflicts: list[str] = []

    def add(self, posted: Posted) -> None:
        with self._lock:
            self._fresh += posted.fresh
            self._replayed += posted.replayed
            self._conflicts += posted.conflicts[: CONFLICTS_KEPT_MAX - len(self._conflicts)]
            self._echo(self._fresh + self._replayed)

    def posted(self) -> Posted:
        return Posted(self._fresh, self._replayed, tuple(self._conflicts))


@contextmanager
def _stage(blocks: Iterable[bytes], *, ref_bytes_max: int) -> Iterator[tuple[str, int]]:
    """The file in the database, in the order of the accounts: its name, and its length in blocks."""
    stage = secrets.token_hex(8)
    try:
        with told_in_words():
            call("select ledger.make_stage(%s, %s)", [stage, ref_bytes_max])
        _copy(stage, blocks)
        with told_in_words():
            _, length = call("select * from ledger.order_stage(%s)", [stage])
        yield stage, int(length)
    finally:
        call("select ledger.drop_stage(%s)", [stage])


def _copy(stage: str, blocks: Iterable[bytes]) -> None:
    copying = (
        f"copy ledger.stage_{stage} (ref, subscriber_id, points, occurred_on, expires_on, fund)"
        " from stdin with (format csv, header match)"
    )
    try:
        with (
            savepoint(),
            connection.wrap_database_errors,  # what comes at the end of a copy is psycopg's own
            connection.cursor() as cursor,
            cursor.copy(copying) as copy,
        ):
            for block in blocks:
                copy.write(block)
    except (DataError, IntegrityError) as error:
        raise _told(error) from error


def _told(error: Exception) -> BadPosting:
    """`line 17, column points: invalid input syntax for type bigint: "ten"`."""
    diag = error.__cause__.diag  # type: ignore[union-attr]  # Django's errors keep psycopg's
    found = re.search(r"line [0-9]+(?:, column \w+)?", diag.context or "")
    place = found[0] if found else "the file"
    if diag.constraint_name in REFUSED:
        kind = BadAmount if diag.constraint_name == "points" else BadPosting
        return kind(f"{place}, column {diag.constraint_name}: {REFUSED[diag.constraint_name]}")
    return BadPosting(f"{place}: {diag.message_primary}")


def _post_chunk(stage: str, source: int, prefix: str, first: int) -> Posted:
    with told_in_words():
        fresh, replayed, conflicts = call(
            "select fresh, replayed, conflicts from ledger.post_stage(%s, %s::smallint, %s, %s, %s)",
            [stage, int(source), prefix, first, BLOCKS_PER_CHUNK],
        )
    return Posted(fresh, replayed, tuple(conflicts))


def _in_a_thread(work: Callable[[int], None], places: Iterable[int]) -> None:
    """A thread has a connection of its own, and ends it."""
    try:
        for place in places:
            work(place)
    finally:
        connection.close()

"""A day's postings as digests, streamed from the journal in bounded memory.

The server sorts and digests; here come some thousand rows at a time in one piece, and no loop runs
over single rows: ten million postings a day are some seconds of this process.
"""

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from itertools import groupby

from django.db import connection, transaction

from club.clock import last_day_of_month
from club.ledger.seals.headers import Section

PIECES_PER_FETCH = 16

# A leaf is the subscriber, the key's digest and the content's, eight bytes of each (files.py keeps them).
# The subscriber's last twelve bits are left off for the groups: as many neighbours in one piece. Sorted
# once, by the server, on its disk where memory does not reach; `offset 0` keeps it from digesting
# each row as often as its digest is used.
_PIECES = """
select month, count(*), sum(points)::text,
       string_agg(int8send(subscriber_id) || key || substr(content, 1, 8), ''
                  order by subscriber_id, key, content),
       string_agg(content, '' order by subscriber_id, key, content)
  from (select month, subscriber_id, key, content, points from ledger.leaf
         where posted_at >= coalesce(ledger.day_start(%(day)s), '-infinity')
           and posted_at < ledger.day_start(%(next)s)
           and (occurred_on between %(first)s and %(last)s) offset 0) r
 group by month, subscriber_id >> 12 order by month, subscriber_id >> 12
"""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some neighbours' rows of one month, in the order of (subscriber, key)."""

    month: date
    postings: int
    points: int
    leaves: bytes
    rows: bytes


class Tally:
    """Counts and digests the pieces that pass by."""

    def __init__(self, month: date) -> None:
        self.month = month
        self.postings = self.points = 0
        self.rows, self.leaves = sha256(), sha256()

    def add(self, piece: Piece) -> None:
        self.postings += piece.postings
        self.points += piece.points
        self.rows.update(piece.rows)
        self.leaves.update(piece.leaves)

    def section(self) -> Section:
        return Section(
            self.month, self.postings, self.points, self.rows.digest(), self.leaves.digest()
        )


def pieces(
    *, day: date | None, until: date, month: date | None = None
) -> Generator[Piece, None, None]:
    """All that was posted from `day` (None: since ever) to before `until`, month by month; or what of
    it belongs to one month."""
    parameters = {
        "day": day,
        "next": until,
        "first": month or "-infinity",
        "last": last_day_of_month(month) if month else "infinity",
    }
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(_PIECES, parameters)
        while some := cursor.fetchmany(PIECES_PER_FETCH):
            for number, postings, points, leaves, rows in some:
                yield Piece(month_of(number), postings, int(points), bytes(leaves), bytes(rows))


def sections(stream: Iterable[Piece]) -> tuple[Section, ...]:
    """What a day's pieces amount to, month by month."""
    found = []
    for month, some in groupby(stream, key=lambda piece: piece.month):
        tally = Tally(month)
        for piece in some:
            tally.add(piece)
        found.append(tally.section())
    return tuple(found)


def month_of(number: int) -> date:
    """
    >>> month_of(2026 * 12 + 10)
    datetime.date(2026, 11, 1)
    """
    return date(number // 12, number % 12 + 1, 1)

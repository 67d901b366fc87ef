"""Naming: which rows of a sealed day are not what they were, once its digest has told that some are.

Two streams in the order of their subscribers walk side by side, the file's and the journal's. A row that
was removed is told by its subscriber and its key's digest, for the key itself is nowhere any more;
one that only moved, to another day or moment, is found by that digest again.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby, islice
from operator import itemgetter
from struct import Struct

from club.ledger.queries.reading import rows
from club.ledger.rules import Breach
from club.ledger.seals import files, leaves
from club.ledger.seals.headers import Header, Section

ROWS_NAMED_MAX = 100  # Of one day and month: more is no slip of somebody's hand.
LEAF = Struct(">q8s8s")
ONE_DAY = timedelta(days=1)

Leaf = tuple[int, bytes, bytes]


@dataclass(frozen=True, slots=True)
class Difference:
    """A key that one side lacks, or that has two contents."""

    subscriber_id: int
    key: bytes
    sealed: bytes | None
    found: bytes | None


def differences(header: Header, sealed: Section, found: Section) -> Iterator[Breach]:
    """The rows in which a day's postings of one month differ from what was sealed."""
    stream = files.Leaves(header.day)
    for section in header.sections[: header.sections.index(sealed)]:
        stream.skip(section.postings)
    kept = _leaves(stream.take(sealed.postings))
    until = header.day + ONE_DAY
    with closing(leaves.pieces(day=header.day, until=until, month=sealed.month)) as pieces:
        now = _leaves(piece.leaves for piece in pieces)
        some = list(islice(_side_by_side(kept, now), ROWS_NAMED_MAX))
    yield from _named(some, header.day, sealed.month)
    if len(some) in (0, ROWS_NAMED_MAX):
        yield Breach(
            "a sealed day has its postings",
            None,
            f"day {header.day}, month {sealed.month:%Y-%m}",
            f"{sealed.postings} postings, {sealed.rows.hex()}",
            f"{found.postings} postings, {found.rows.hex()}",
        )


def slipped_in(day: date | None, section: Section, *, until: date) -> Iterator[Breach]:
    """The rows of a month that a day never had; or (None) that stand before the first day."""
    with closing(leaves.pieces(day=day, until=until, month=section.month)) as pieces:
        now = _leaves(piece.leaves for piece in pieces)
        some = [Difference(*one[:2], None, one[2]) for one in islice(now, ROWS_NAMED_MAX)]
    yield from _named(some, day, section.month)


def _leaves(blocks: Iterator[bytes]) -> Iterator[Leaf]:
    for block in blocks:
        yield from LEAF.iter_unpack(block)


def _side_by_side(kept: Iterator[Leaf], now: Iterator[Leaf]) -> Iterator[Difference]:
    first, second = groupby(kept, key=itemgetter(0)), groupby(now, key=itemgetter(0))
    one, other = next(first, None), next(second, None)
    while one or other:
        whose = min(side[0] for side in (one, other) if side)
        before = _by_key(one[1]) if one and one[0] == whose else {}
        after = _by_key(other[1]) if other and other[0] == whose else {}
        for key in sorted(before.keys() | after.keys()):
            if before.get(key) != after.get(key):
                yield Difference(whose, key, before.get(key), after.get(key))
        if one and one[0] == whose:
            one = next(first, None)
        if other and other[0] == whose:
            other = next(second, None)


def _by_key(some: Iterator[Leaf]) -> dict[bytes, bytes]:
    return {key: content for _, key, content in some}


def _named(some: Sequence[Difference], day: date | None, month: date) -> Iterator[Breach]:
    """`day` None: before the first one."""
    names = _names(some)
    when = f"sealed {day}" if day else "before the first seal"
    for one in some:
        whose, key = one.subscriber_id, one.key
        name, moment = names.get((whose, key), (f"posting with the key {key.hex()}", None))
        if one.sealed is None:
            law = "nothing is slipped into a sealed day"
            yield Breach(law, whose, f"{name}, {when}", 0, 1)
        elif one.found is not None:
            law = "a sealed posting never changes"
            yield Breach(law, whose, f"{name}, {when}", one.sealed.hex(), one.found.hex())
        elif moment is not None:
            law = "a sealed posting never changes"
            yield Breach(law, whose, f"{name}, {when}", f"posted on {day}", f"posted at {moment}")
        else:
            law = "a sealed posting is never removed"
            yield Breach(law, whose, f"{name} of {month:%Y-%m}, {when}", 1, 0)


def _names(some: Sequence[Difference]) -> dict[tuple[int, bytes], tuple[str, str]]:
    """The rows behind the keys' digests, wherever in their subscribers' postings they stand now, and
    when they were posted."""
    if not some:
        return {}
    found = rows(
        """
        select l.subscriber_id, l.key, l.source, l.ref, l.occurred_on,
               to_char(l.posted_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US"Z"')
          from ledger.leaf l
         where l.subscriber_id = any(%s::bigint[]) and l.key = any(%s::bytea[])
        """,
        [[one.subscriber_id for one in some], [one.key for one in some]],
    )
    return {
        (whose, bytes(key)): (f"posting {source}/{ref}/{occurred_on}", moment)
        for whose, key, source, ref, occurred_on, moment in found
    }

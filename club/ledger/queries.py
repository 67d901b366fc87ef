"""Reads of the books. Whole points; days are business days in Asia/Tashkent."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from django.db import connection

from club.ledger.errors import BadCursor
from club.ledger.rules import PAGE_LINES_MAX, Kind


@dataclass(frozen=True, slots=True)
class Balance:
    """`spendable_points` can be spent on the day asked for: held and pending points are not in it.
    `next_expiry_on` is None when nothing expires."""

    spendable_points: int
    held_points: int
    pending_points: int
    arrears_points: int
    next_expiry_on: date | None
    next_expiry_points: int


@dataclass(frozen=True, slots=True)
class Lot:
    expires_on: date
    fund: int
    points: int


@dataclass(frozen=True, slots=True)
class Promised:
    """Points that become spendable at `promised_at`."""

    promised_at: datetime
    points: int


@dataclass(frozen=True, slots=True)
class Line:
    """One posting. `id` names it among its subscriber's; `points` is signed; `lots` is what a debit took, or where a reversal gave (or
    took) them, empty for a plain accrual, which goes to (expires_on, fund) as a whole."""

    id: str
    posted_at: datetime
    occurred_on: date
    kind: Kind
    points: int
    source: int
    ref: str
    expires_on: date | None
    fund: int
    lots: tuple[Lot, ...]
    reverses_source: int | None
    reverses_ref: str | None
    reverses_on: date | None


@dataclass(frozen=True, slots=True)
class Page:
    """`next` is the cursor of the page after this one, None at the end."""

    lines: list[Line]
    next: str | None


@dataclass(frozen=True, slots=True)
class Totals:
    """The whole programme; each figure nets out what was reversed.

    outstanding = issued - redeemed - expired + adjusted = lots + held - arrears.
    """

    accounts: int
    postings: int
    issued_points: int
    redeemed_points: int
    expired_points: int
    adjusted_points: int
    outstanding_points: int
    lots_points: int
    held_points: int
    arrears_points: int
    pending_points: int

    def summary(self) -> str:
        """All figures in one line, for people."""
        return ", ".join(f"{value:,} {name}" for name, value in self.figures().items())

    def figures(self) -> Mapping[str, int]:
        return {name.removesuffix("_points"): getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Breach:
    """A row that breaks a law of the books: the law in words, whose row, which, and the figures."""

    law: str
    subscriber_id: int
    place: str
    expected: int
    found: int


def balance(*, subscriber_id: int, day: date) -> Balance:
    """What the subscriber can spend on `day`, what else there is, and what is lost next.

    Someone without postings has zero points: that is no error. Three index reads, one statement.
    """
    (row,) = _rows(
        """
        with good as (
            select expires_on, sum(points)::bigint as points from ledger.lot
             where subscriber_id = %(subscriber)s and expires_on >= %(day)s and points > 0
             group by expires_on),
        next as (select expires_on, points from good order by expires_on limit 1)
        select (select coalesce(sum(points), 0)::bigint from good),
               coalesce((select held from ledger.account where subscriber_id = %(subscriber)s), 0),
               (select coalesce(sum(points), 0)::bigint from ledger.pending
                 where subscriber_id = %(subscriber)s and state = 1),
               coalesce((select arrears from ledger.account where subscriber_id = %(subscriber)s), 0),
               (select expires_on from next),
               coalesce((select points from next), 0)
        """,
        {"subscriber": subscriber_id, "day": day},
    )
    return Balance(*row)


def lots(*, subscriber_id: int, day: date) -> list[Lot]:
    """The lots still good on `day`, first to expire first."""
    rows = _rows(
        """
        select expires_on, fund, points from ledger.lot
         where subscriber_id = %s and expires_on >= %s and points > 0
         order by expires_on, fund
        """,
        [subscriber_id, day],
    )
    return [Lot(*row) for row in rows]


def promised(*, subscriber_id: int, limit: int) -> list[Promised]:
    """The pending points by the moment of their promise, the nearest first."""
    rows = _rows(
        """
        select promised_at, sum(points)::bigint from ledger.pending
         where subscriber_id = %s and state = 1
         group by promised_at order by promised_at limit %s
        """,
        [subscriber_id, limit],
    )
    return [Promised(*row) for row in rows]


def statement(*, subscriber_id: int, before: str | None = None, limit: int) -> Page:
    """One page of postings, newest day first and within a day the last posted first.

    `before` is the cursor of the page before. What is posted meanwhile never repeats or hides a
    line of a later page. `limit` is 1 to 100 lines. Raises BadCursor.
    """
    assert 1 <= limit <= PAGE_LINES_MAX, "a page has 1 to 100 lines"
    rows = _rows(
        "select * from ledger.statement(%(subscriber)s, %(occurred_on)s, %(posted_at)s,"
        " %(source)s::smallint, %(ref)s, %(rows)s)",
        _place(before) | {"subscriber": subscriber_id, "rows": limit + 1},
    )
    lines = [_line(row) for row in rows[:limit]]
    return Page(lines, _cursor(lines[-1]) if len(rows) > limit else None)


ABOVE_ALL: dict[str, object] = {
    "occurred_on": date.max,
    "posted_at": datetime.max.replace(tzinfo=UTC),
    "source": 0,
    "ref": "",
}


def _cursor(line: Line) -> str:
    place = [line.occurred_on.isoformat(), line.posted_at.isoformat(), line.source, line.ref]
    return urlsafe_b64encode(json.dumps(place).encode()).decode()


def _place(cursor: str | None) -> dict[str, object]:
    if cursor is None:
        return ABOVE_ALL
    try:
        occurred_on, posted_at, source, ref = json.loads(urlsafe_b64decode(cursor))
        return {
            "occurred_on": date.fromisoformat(occurred_on),
            "posted_at": datetime.fromisoformat(posted_at),
            "source": int(source),
            "ref": str(ref),
        }
    except (ValueError, TypeError) as error:
        raise BadCursor("not a cursor of a statement") from error


def _line(row: Sequence[Any]) -> Line:
    posted_at, occurred_on, kind, points, source, ref, expires_on, fund, found, *reverses = row
    listed = json.loads(found) if isinstance(found, str) else found
    return Line(
        id=f"{occurred_on}:{source}:{ref}",
        posted_at=posted_at,
        occurred_on=occurred_on,
        kind=Kind(kind),
        points=points,
        source=source,
        ref=ref,
        expires_on=expires_on,
        fund=fund,
        lots=tuple(Lot(date.fromisoformat(on), payer, part) for on, payer, part in listed or ()),
        reverses_source=reverses[0],
        reverses_ref=reverses[1],
        reverses_on=reverses[2],
    )


def earned_since(*, subscriber_ids: Sequence[int], since: date) -> dict[int, int]:
    """Points earned from `since` on, less what was clawed back; spending does not count.

    Subscribers who earned nothing are left out.
    """
    rows = _rows(
        """
        select subscriber_id, sum(points)::bigint from ledger.posting
         where subscriber_id = any(%s) and occurred_on >= %s and contra = 10
         group by subscriber_id having sum(points) > 0
        """,
        [list(subscriber_ids), since],
    )
    return dict(rows)


def totals() -> Totals:
    """The sums of the books, counted in the journal itself: reads all of it."""
    (row,) = _rows(
        """
        with journal as (select contra, count(*) as postings, sum(points)::bigint as points
                           from ledger.posting group by contra)
        select (select count(*) from ledger.account),
               (select coalesce(sum(postings), 0)::bigint from journal),
               (select coalesce(sum(points), 0)::bigint from journal where contra = 10),
               (select coalesce(-sum(points), 0)::bigint from journal where contra = 20),
               (select coalesce(-sum(points), 0)::bigint from journal where contra = 30),
               (select coalesce(sum(points), 0)::bigint from journal where contra not in (10, 20, 30)),
               (select coalesce(sum(posted), 0)::bigint from ledger.account),
               (select coalesce(sum(points), 0)::bigint from ledger.lot),
               (select coalesce(sum(held), 0)::bigint from ledger.account),
               (select coalesce(sum(arrears), 0)::bigint from ledger.account),
               (select coalesce(sum(points), 0)::bigint from ledger.pending where state = 1)
        """
    )
    return Totals(*row)


def outstanding_points() -> int:
    """What the programme owes in all, by its accounts: cheaper than `totals`, still every account."""
    ((points,),) = _rows("select coalesce(sum(posted), 0)::bigint from ledger.account")
    return int(points)


def prove() -> list[Breach]:
    """Every row that breaks a law of the books; an empty list proves them. Reads everything."""
    return [Breach(*row) for row in _rows("select * from ledger.prove()")]


def _rows(
    sql: str, parameters: Sequence[Any] | Mapping[str, Any] | None = None
) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())

"""A subscriber's journal, page by page."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from club.ledger.errors import BadCursor
from club.ledger.queries.balances import Lot
from club.ledger.queries.reading import rows
from club.ledger.rules import PAGE_LINES_MAX, Kind


@dataclass(frozen=True, slots=True)
class Line:
    """One posting. `id` names it among its subscriber's; `points` is signed; `lots` is what a debit
    took, or where a reversal gave (or took) them, empty for a plain accrual, which goes to
    (expires_on, fund) as a whole. `counterparty_id` is the other side of a transfer, or who spent
    from a family pot; `reason` and `actor` say why and by whom, where a person did it."""

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
    counterparty_id: int | None
    reason: str | None
    actor: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """`next` is the cursor of the page after this one, None at the end."""

    lines: list[Line]
    next: str | None


def statement(*, subscriber_id: int, before: str | None = None, limit: int) -> Page:
    """One page of postings, newest day first and within a day the last posted first.

    `before` is the cursor of the page before. What is posted meanwhile never repeats or hides a
    line of a later page. `limit` is 1 to 100 lines. Raises BadCursor.
    """
    assert 1 <= limit <= PAGE_LINES_MAX, "a page has 1 to 100 lines"
    found = rows(
        "select * from ledger.statement(%(subscriber)s, %(occurred_on)s, %(posted_at)s,"
        " %(source)s::smallint, %(ref)s, %(rows)s)",
        _place(before) | {"subscriber": subscriber_id, "rows": limit + 1},
    )
    lines = [_line(row) for row in found[:limit]]
    return Page(lines, _cursor(lines[-1]) if len(found) > limit else None)


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
    posted_at, occurred_on, kind, points, source, ref, expires_on, fund, found, *others = row
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
        reverses_source=others[0],
        reverses_ref=others[1],
        reverses_on=others[2],
        counterparty_id=others[3],
        reason=others[4],
        actor=others[5],
    )

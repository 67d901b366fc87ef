"""A subscriber's history as a person reads it: every line of the books with its reason.

The books know points, the inbox knows payments, the shop knows orders; here they meet, in five
queries a page whatever its length. The app, the office and the agent on the phone see the same.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.utils import translation

from club.accrual import grants as accrual
from club.ledger import queries as ledger
from club.ledger.expiry_rules import NEVER
from club.ledger.rules import Kind, Source, parse_hold_ref
from club.orders import queries as orders
from club.orders.models import Order
from club.reports import line_words
from club.subscribers import queries as subscribers


@dataclass(frozen=True)
class StatementLine:
    """One line of the history. `points` are signed; 0 only where arrears were repaid."""

    id: str
    at: datetime
    occurred_on: date
    kind: str
    points: int
    title: str
    reason: str
    expires_on: date | None
    event_id: int | None
    rule_id: str | None
    rule_hash: str | None
    order_id: UUID | None


@dataclass(frozen=True)
class StatementPage:
    lines: Sequence[StatementLine]
    next: str | None


def page(
    *, subscriber_id: int, language: str, before: str | None = None, limit: int = 20
) -> StatementPage:
    """The newest `limit` lines before the cursor, with titles and reasons in `language`.

    `before` is the `next` of the page before; stable while new lines are written.
    Raises BadCursor for a cursor that is not ours.
    """
    found = ledger.statement(subscriber_id=subscriber_id, before=before, limit=limit)
    grants = _grants(subscriber_id, found.lines)
    bought = _orders(subscriber_id, found.lines)
    numbers = _numbers(found.lines)
    with translation.override(language):
        lines = [_line(line, grants, bought, numbers, language) for line in found.lines]
    return StatementPage(lines=lines, next=found.next)


def _grants(
    subscriber_id: int, lines: Iterable[ledger.Line]
) -> dict[tuple[int, str], accrual.Grant]:
    """What each accrual, or the accrual that a clawback takes back, was granted for."""
    refs = {
        key
        for line in lines
        for source, ref in ((line.source, line.ref), (line.reverses_source, line.reverses_ref))
        if source == Source.ACCRUAL and ref and (key := accrual.parse_ref(ref))
    }
    return accrual.grants(subscriber_id=subscriber_id, keys=refs)


def _orders(subscriber_id: int, lines: Iterable[ledger.Line]) -> dict[UUID, Order]:
    ids = {hold for line in lines if (hold := _hold_id(line)) is not None}
    return orders.by_ids(subscriber_id=subscriber_id, ids=ids)


def _numbers(lines: Iterable[ledger.Line]) -> dict[int, str]:
    """The numbers on the other side of transfers; a family pot has none."""
    ids = {other for line in lines if (other := line.counterparty_id or 0) > 0}
    return subscribers.numbers(subscriber_ids=ids) if ids else {}


def _hold_id(line: ledger.Line) -> UUID | None:
    """The hold behind a captured line, which is also its order's id."""
    return parse_hold_ref(line.ref) if line.kind is Kind.CAPTURE else None


def _line(
    line: ledger.Line,
    grants: dict[tuple[int, str], accrual.Grant],
    bought: dict[UUID, Order],
    numbers: dict[int, str],
    language: str,
) -> StatementLine:
    ref = line.reverses_ref if line.kind is Kind.CLAWBACK else line.ref
    key = accrual.parse_ref(ref or "")
    grant = grants.get(key) if key else None
    order = bought.get(hold) if (hold := _hold_id(line)) else None
    number = numbers.get(line.counterparty_id or 0)
    title, reason = line_words.of(line, grant, order, number, language)
    return StatementLine(
        id=line.id,
        at=line.posted_at,
        occurred_on=line.occurred_on,
        kind=line.kind.name.lower(),
        points=line.points,
        title=title,
        reason=reason,
        expires_on=None if line.expires_on == NEVER else line.expires_on,
        event_id=grant.event_id if grant else None,
        rule_id=grant.rule_id if grant else None,
        rule_hash=grant.rule_hash if grant else None,
        order_id=order.id if order else None,
    )

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from django.utils import translation
from ninja import Query, Router, Schema
from pydantic import Field

from club.doors.app.auth import AccessToken, SignedInRequest
from club.doors.app.schemas import or_problems
from club.reports import statement

router = Router()


class EntryOut(Schema):
    """One line of the books. `points` are signed; 0 only where arrears were repaid."""

    id: str
    at: datetime
    occurred_on: date
    kind: str = Field(examples=["accrual", "capture", "expiry", "clawback"])
    points: int
    title: str
    reason: str
    expires_on: date | None
    order_id: UUID | None


class HistoryOut(Schema):
    """`next` is the `before` of the following page; null at the end."""

    items: Sequence[EntryOut]
    next: str | None


@router.get("/history", auth=AccessToken(), response=or_problems({200: HistoryOut}, 401, 422))
def show_history(
    request: SignedInRequest,
    before: Annotated[str | None, Query(max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> HistoryOut:
    """What came and went, newest first, each with its reason."""
    page = statement.page(
        subscriber_id=request.auth.subscriber_id,
        language=translation.get_language(),
        before=before,
        limit=limit,
    )
    return HistoryOut(items=[EntryOut.from_orm(line) for line in page.lines], next=page.next)

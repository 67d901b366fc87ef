from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from django.utils import timezone, translation
from ninja import Path, Query, Router, Schema
from pydantic import Field

from club.doors.app.auth import AccessToken, SignedInRequest
from club.doors.app.schemas import Points, or_problems
from club.reports import statement
from club.reports.why import telling

router = Router()
MISSED_MAX = 10


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


class OfferOut(Schema):
    """What one offer said: the points it gave, and one sentence why, or what would make it count."""

    title: str
    points: int
    reason: str = Field(examples=["Pay 5 000 UZS more at once and it counts"])


class WhyOut(Schema):
    """`reason` is the one sentence to show, about `offer`, null where it is about none; `offers` has
    up to ten, the most telling first. `points` is what they brought together, signed."""

    at: datetime
    title: str
    points: Points
    offer: str | None
    reason: str
    offers: Sequence[OfferOut]


class MissedOut(Schema):
    items: Sequence[WhyOut]


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


@router.get("/history/missed", auth=AccessToken(), response=or_problems({200: MissedOut}, 401))
def show_missed(request: SignedInRequest) -> MissedOut:
    """The newest ten events that brought no points, each with its reason."""
    found = telling.missed(
        subscriber_id=request.auth.subscriber_id,
        language=translation.get_language(),
        now=timezone.now(),
        limit=MISSED_MAX,
    )
    return MissedOut(items=[WhyOut.from_orm(one) for one in found])


@router.get(
    "/history/{line_id}/why",
    auth=AccessToken(),
    response=or_problems({200: WhyOut}, 401, 404, 422),
)
def explain_line(request: SignedInRequest, line_id: Annotated[str, Path(max_length=200)]) -> WhyOut:
    """Why a line of the history came, by its `id`: what its offer gave, and what the others said."""
    told = telling.of_line(
        subscriber_id=request.auth.subscriber_id,
        line_id=line_id,
        language=translation.get_language(),
        now=timezone.now(),
    )
    return WhyOut.from_orm(told)

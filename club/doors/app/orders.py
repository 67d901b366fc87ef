from datetime import datetime
from typing import Annotated
from uuid import UUID

from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _
from ninja import Header, Path, Query, Router, Schema, Status
from pydantic import Field

from club.doors.app.auth import AccessToken, AccessTokenForWrites, SignedInRequest
from club.doors.app.schemas import CODE, In, Points, or_problems
from club.languages import in_language
from club.orders import actions as orders
from club.orders import queries
from club.orders.models import Order, State

router = Router()
Key = Annotated[str, Field(pattern=r"^[!-~]{8,80}$", examples=["7d3c5a52-3f0e-4a68-9a2c"])]
POINTS_MAX = 10**12

STATE_TEXTS = {
    State.PLACED: _("We are ordering it for you"),
    State.SENDING: _("We are ordering it for you"),
    State.WAITING: _("The operator is switching it on"),
    State.UNKNOWN: _("We are checking with the operator. You will not pay for what did not arrive"),
    State.DONE: _("It is yours"),
    State.REFUSED: _("It could not be delivered. Your points are back"),
}


class OrderIn(In):
    """`points` is the price that was shown: another one now is a problem, never charged silently."""

    reward: Annotated[str, Field(pattern=CODE, max_length=60, examples=["internet-5gb"])]
    points: Annotated[int, Field(gt=0, le=POINTS_MAX, examples=[900])]


class OrderedOut(Schema):
    code: str
    name: str


class OrderOut(Schema):
    """While `is_final` is false its points are held: neither spendable nor spent."""

    id: UUID
    reward: OrderedOut
    price_points: Points
    state: State
    state_text: str
    is_final: bool
    placed_at: datetime
    settled_at: datetime | None


class OrdersOut(Schema):
    """`next` is the `before` of the following page; null at the end."""

    items: list[OrderOut]
    next: UUID | None


@router.post(
    "/orders",
    auth=AccessTokenForWrites(),
    response=or_problems({200: OrderOut, 201: OrderOut}, 400, 401, 404, 409, 413, 415, 422, 429),
)
def place_order(
    request: SignedInRequest,
    body: OrderIn,
    key: Annotated[Key, Header(alias="Idempotency-Key")],
) -> Status[OrderOut]:
    """Hold the points and ask the operator. The same key again answers the same order with 200."""
    now = timezone.now()
    order = orders.place(
        subscriber_id=request.auth.subscriber_id,
        reward_code=body.reward,
        key=key,
        price_points=body.points,
        now=now,
    )
    return Status(201 if order.placed_at == now else 200, _told(order))


@router.get("/orders", auth=AccessToken(), response=or_problems({200: OrdersOut}, 401, 404, 422))
def list_orders(
    request: SignedInRequest,
    idempotency_key: Annotated[Key | None, Query()] = None,
    before: Annotated[UUID | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> OrdersOut:
    """Own orders, newest first; by `idempotency_key` the one whose answer was lost, or none."""
    subscriber_id = request.auth.subscriber_id
    if idempotency_key is not None:
        order = queries.by_key(subscriber_id=subscriber_id, key=idempotency_key)
        return OrdersOut(items=[_told(order)] if order else [], next=None)
    found = queries.page(subscriber_id=subscriber_id, before=before, limit=limit + 1)
    following = found[limit - 1].id if len(found) > limit else None
    return OrdersOut(items=[_told(order) for order in found[:limit]], next=following)


@router.get(
    "/orders/{order_id}",
    auth=AccessToken(),
    response=or_problems({200: OrderOut}, 401, 404, 422),
)
def show_order(request: SignedInRequest, order_id: Annotated[UUID, Path()]) -> OrderOut:
    """One of the subscriber's own orders, to be asked again while it is not final."""
    return _told(queries.by_id(subscriber_id=request.auth.subscriber_id, order_id=order_id))


def _told(order: Order) -> OrderOut:
    state = State(order.state)
    return OrderOut(
        id=order.id,
        reward=OrderedOut(
            code=order.reward.code,
            name=in_language(order.reward.names, translation.get_language()),
        ),
        price_points=order.price_points,
        state=state,
        state_text=str(STATE_TEXTS[state]),
        is_final=state in (State.DONE, State.REFUSED),
        placed_at=order.placed_at,
        settled_at=order.settled_at,
    )

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from club.orders import rules
from club.orders.errors import OrderNotFound
from club.orders.models import OPEN, Order, State


def of_subscriber(*, subscriber_id: int) -> QuerySet[Order]:
    """The subscriber's orders with their rewards, latest first. Cut it: it has no bound."""
    return (
        Order.objects.filter(subscriber_id=subscriber_id)
        .select_related("reward")
        .order_by("-placed_at", "-id")
    )


def by_key(*, subscriber_id: int, key: str) -> Order | None:
    """What came of an idempotency key; None when no order was left by it."""
    return of_subscriber(subscriber_id=subscriber_id).filter(key=key).first()


def by_id(*, subscriber_id: int, order_id: UUID) -> Order:
    """Raises OrderNotFound, also for another subscriber's order."""
    order = of_subscriber(subscriber_id=subscriber_id).filter(id=order_id).first()
    if order is None:
        raise OrderNotFound("there is no such order", order_id=str(order_id))
    return order


def by_ids(*, subscriber_id: int, ids: Iterable[UUID]) -> dict[UUID, Order]:
    """Those of the subscriber's orders that are among `ids`, with their rewards; one query."""
    return of_subscriber(subscriber_id=subscriber_id).in_bulk(list(ids))


def page(*, subscriber_id: int, before: UUID | None, limit: int) -> list[Order]:
    """At most `limit` orders placed before that one of the subscriber's; None is from the latest.

    Orders placed meanwhile never repeat or hide one of a later page. Raises OrderNotFound.
    """
    orders = of_subscriber(subscriber_id=subscriber_id)
    if before is not None:
        last = by_id(subscriber_id=subscriber_id, order_id=before)
        orders = orders.filter(
            Q(placed_at__lt=last.placed_at) | Q(placed_at=last.placed_at, id__lt=last.id)
        )
    return list(orders[:limit])


def at_desk(*, now: datetime) -> QuerySet[Order]:
    """Orders sent a day ago or longer whose outcome is still open, oldest first."""
    return (
        Order.objects.filter(state__in=OPEN, sent_at__lte=now - rules.DESK_AFTER)
        .exclude(state=State.PLACED)
        .select_related("reward")
        .order_by("sent_at", "id")
    )


def counts() -> dict[State, int]:
    """How many orders are in each open state; one scan of a small partial index."""
    rows = Order.objects.filter(state__in=OPEN).values_list("state").annotate(Count("id"))
    found = dict(rows)
    return {state: found.get(state, 0) for state in OPEN}

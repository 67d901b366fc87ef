"""The figures of the day, for whoever opens the office in the morning."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time

from django.db.models import Count, Min, Sum

from club.accrual.models import Decision, Event, EventState, Kind, Outcome
from club.clock import TASHKENT, day_of
from club.messages.models import Message
from club.messages.rules import State as MessageState
from club.orders.models import Order
from club.orders.models import State as OrderState

NOT_DELIVERED = (MessageState.UNDELIVERED, MessageState.REFUSED, MessageState.EXPIRED)


@dataclass(frozen=True)
class Today:
    day: date
    payments: int
    paid_tiyin: int
    points: int
    orders: Mapping[str, int]
    """By state, those placed today."""
    unknown_orders: int
    """Of any day: somebody paid and nobody knows whether it arrived."""
    oldest_unknown_at: datetime | None
    undelivered_messages: int
    events_for_people: int
    """Payments too late to be decided by themselves, and those whose deciding failed."""


def figures(*, now: datetime) -> Today:
    """What came in, what was granted and what needs care, since midnight in Tashkent."""
    midnight = datetime.combine(day_of(now), time(), tzinfo=TASHKENT)
    payments = Event.objects.filter(kind=Kind.PAYMENT, received_at__gte=midnight).aggregate(
        count=Count("id"), paid_tiyin=Sum("amount_tiyin", default=0)
    )
    points = Decision.objects.filter(decided_at__gte=midnight, granted__gt=0).aggregate(
        granted=Sum("granted", default=0)
    )
    unknown = Order.objects.filter(state=OrderState.UNKNOWN).aggregate(
        count=Count("id"), oldest_at=Min("placed_at")
    )
    return Today(
        day=day_of(now),
        payments=payments["count"],
        paid_tiyin=payments["paid_tiyin"],
        points=points["granted"],
        orders=dict(
            Order.objects.filter(placed_at__gte=midnight)
            .order_by("state")
            .values_list("state")
            .annotate(Count("id"))
        ),
        unknown_orders=unknown["count"],
        oldest_unknown_at=unknown["oldest_at"],
        undelivered_messages=Message.objects.filter(
            state__in=NOT_DELIVERED, queued_at__gte=midnight
        ).count(),
        events_for_people=Outcome.objects.filter(
            state__in=(EventState.REVIEW, EventState.FAILED)
        ).count(),
    )

"""Orders stay, for they are what points were spent on; what a client or a system wrote into them goes."""

from django.db.models import CharField, F, Value
from django.db.models.functions import Cast, Concat

from club.orders.models import OPEN, Order


def open_orders(*, subscriber_id: int) -> int:
    """How many are still to be delivered or refused; locked, so that none of them moves on."""
    mine = Order.objects.select_for_update().filter(subscriber_id=subscriber_id, state__in=OPEN)
    return len(mine.values_list("id"))


def erase_subscriber(*, subscriber_id: int) -> None:
    """The client's key is free text; in its place comes one of the order's own."""
    Order.objects.filter(subscriber_id=subscriber_id).update(
        key=Concat(Value("erased:"), Cast(F("id"), CharField())), outcome_text=""
    )

"""Of an erased subscriber there is one row: that this id stood for somebody once, and until when."""

from collections.abc import Sequence
from datetime import datetime

from club.subscribers.models import Erasure, Subscriber


def owner(*, msisdn: str) -> int | None:
    """Whose number it is; None when nobody in the programme has it."""
    return Subscriber.objects.filter(msisdn=msisdn).values_list("id", flat=True).first()


def lock(*, subscriber_ids: Sequence[int]) -> list[str]:
    """Their numbers, locked until the transaction ends."""
    them = Subscriber.objects.select_for_update().filter(id__in=subscriber_ids).order_by("id")
    return [one.msisdn for one in them]


def erase_subscriber(*, subscriber_id: int, now: datetime) -> None:
    """The number is free again: whoever joins with it is somebody else, under another id."""
    Subscriber.objects.filter(id=subscriber_id).delete()
    Erasure.objects.create(subscriber_id=subscriber_id, erased_at=now)

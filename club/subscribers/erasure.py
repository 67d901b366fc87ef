"""Of an erased subscriber there is one row: that this id stood for somebody once, and until when."""

from datetime import datetime

from club.subscribers.models import Erasure, Subscriber


def lock(*, msisdn: str) -> int | None:
    """Whose number it is, locked until the transaction ends; None when nobody has it."""
    owners = Subscriber.objects.select_for_update().filter(msisdn=msisdn)
    return owners.values_list("id", flat=True).first()


def erase_subscriber(*, subscriber_id: int, now: datetime) -> None:
    """The number is free again: whoever joins with it is somebody else, under another id."""
    Subscriber.objects.filter(id=subscriber_id).delete()
    Erasure.objects.create(subscriber_id=subscriber_id, erased_at=now)

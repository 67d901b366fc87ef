"""What was said to an erased person, and by them, goes. That so many messages were sent stays."""

from datetime import datetime

from django.db.models import QuerySet

from club.messages.models import Inbound, Message
from club.messages.rules import State


def erase_subscriber(*, subscriber_id: int, now: datetime) -> None:
    _clear(Message.objects.filter(subscriber_id=subscriber_id), now=now)


def erase_number(*, msisdn: str, now: datetime) -> None:
    """Messages to the number and from it, in whatever way the message centre writes it."""
    _clear(Message.objects.filter(subscriber_id=None, msisdn=msisdn), now=now)
    sources = (msisdn, f"+{msisdn}", f"00{msisdn}", msisdn[3:])
    Inbound.objects.filter(source__in=sources).delete()


def _clear(messages: QuerySet[Message], *, now: datetime) -> None:
    """Rows stay: the sender may have one in hand, and settles it by its id. A message without a
    text is never tried again, and one that has not ended ends here."""
    ids = list(messages.select_for_update().order_by("id").values_list("id", flat=True))
    touched = Message.objects.filter(id__in=ids)
    touched.filter(settled_at=None).update(state=State.EXPIRED, settled_at=now)
    touched.update(msisdn="", text="", last_error="")

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from club.messages.models import Message


@dataclass(frozen=True)
class Told:
    """A message as staff may see it: the text of a secret one is never there."""

    template: str
    language: str
    text: str | None
    state: str
    attempts: int
    last_error: str
    queued_at: datetime
    settled_at: datetime | None


def of_subscriber(*, subscriber_id: int, limit: int) -> Sequence[Told]:
    """The newest messages to a subscriber."""
    rows = Message.objects.filter(subscriber_id=subscriber_id).order_by("-id")[:limit]
    return [
        Told(
            template=row.template,
            language=row.language,
            text=None if row.is_secret else row.text,
            state=row.state,
            attempts=row.attempts,
            last_error=row.last_error,
            queued_at=row.queued_at,
            settled_at=row.settled_at,
        )
        for row in rows
    ]

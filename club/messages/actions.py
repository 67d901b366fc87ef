from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from club.languages import in_language
from club.messages.models import Message, Template

CHANNEL = "club_outbox"
"""LISTEN on this to hear of a new message at its commit; the adapter polls besides."""


@transaction.atomic
def queue(
    template: str,
    *,
    msisdn: str,
    language: str,
    values: dict[str, object],
    dedupe_key: str,
    now: datetime,
    lifetime: timedelta = timedelta(days=1),
    subscriber_id: int | None = None,
    is_secret: bool = False,
) -> Message:
    """Put one message into the outbox, in the caller's transaction; an adapter sends it later.

    The same `dedupe_key` returns the first message: a job that runs twice tells once.
    Raises Template.DoesNotExist for an unknown template and KeyError for a missing placeholder.
    """
    texts = Template.objects.get(code=template).texts
    message, is_first = Message.objects.get_or_create(
        dedupe_key=dedupe_key,
        defaults={
            "subscriber_id": subscriber_id,
            "msisdn": msisdn,
            "template": template,
            "language": language,
            "text": in_language(texts, language).format_map(values),
            "is_secret": is_secret,
            "queued_at": now,
            "not_after": now + lifetime,
            "next_try_at": now,
        },
    )
    if is_first:
        _wake_the_sender()
    return message


@dataclass(frozen=True, slots=True)
class Addressee:
    """One of many who get the same text, each in their language and with their values."""

    subscriber_id: int
    msisdn: str
    language: str
    values: dict[str, object]
    dedupe_key: str


@transaction.atomic
def queue_many(
    template: str,
    *,
    addressees: Sequence[Addressee],
    now: datetime,
    lifetime: timedelta = timedelta(days=1),
) -> None:
    """As `queue`, for a batch: one statement, and who was told under a key is not told again."""
    texts = Template.objects.get(code=template).texts
    Message.objects.bulk_create(
        [
            Message(
                subscriber_id=one.subscriber_id,
                msisdn=one.msisdn,
                template=template,
                language=one.language,
                text=in_language(texts, one.language).format_map(one.values),
                dedupe_key=one.dedupe_key,
                queued_at=now,
                not_after=now + lifetime,
                next_try_at=now,
            )
            for one in addressees
        ],
        ignore_conflicts=True,
    )
    if addressees:
        _wake_the_sender()


def _wake_the_sender() -> None:
    with connection.cursor() as cursor:
        cursor.execute("select pg_notify(%s, '')", [CHANNEL])

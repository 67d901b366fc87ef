from django.db import models
from django.db.models import Q

from club.languages import LANGUAGES


class Template(models.Model):
    """A text we send, in every language, with {placeholders}."""

    code = models.SlugField(max_length=60, primary_key=True)
    texts = models.JSONField()


class State(models.TextChoices):
    QUEUED = "queued"
    SENDING = "sending"  # committed before the socket is touched: after a crash it means unknown
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    EXPIRED = "expired"


class Message(models.Model):
    """One message to one number. The row is written in the transaction of its cause (outbox)."""

    id = models.BigAutoField(primary_key=True)
    subscriber_id = models.BigIntegerField(null=True)
    msisdn = models.CharField(max_length=12)
    template = models.CharField(max_length=60)
    language = models.CharField(max_length=8, choices=LANGUAGES)
    text = models.TextField()
    is_secret = models.BooleanField(default=False)
    """A one-time code: the text is erased as soon as no further attempt will be made."""
    dedupe_key = models.CharField(max_length=120, unique=True)
    queued_at = models.DateTimeField()
    not_after = models.DateTimeField()
    state = models.CharField(max_length=12, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField()
    last_error = models.CharField(max_length=200, default="")
    sent_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["next_try_at", "id"], condition=Q(state="queued"), name="message_due"
            ),
            models.Index(fields=["subscriber_id", "-id"], name="message_of_subscriber"),
        ]


class Part(models.Model):
    """One submitted piece of a message, known to the message centre by its own id."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveSmallIntegerField()
    centre = models.CharField(max_length=60)
    centre_id = models.CharField(max_length=66)
    state = models.CharField(max_length=12, choices=State.choices, default=State.SENT)
    error_code = models.CharField(max_length=10, default="")
    receipt_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["message", "number"], name="part_of_message"),
        ]
        indexes = [models.Index(fields=["centre", "centre_id"], name="part_by_centre_id")]

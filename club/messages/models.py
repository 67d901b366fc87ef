from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q

from club.languages import LANGUAGES
from club.messages.rules import State


class Template(models.Model):
    """A text we send, in every language, with {placeholders}."""

    code = models.SlugField(max_length=60, primary_key=True)
    texts = models.JSONField()


STATES = [(state.value, state.value) for state in State]


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
    state = models.CharField(max_length=12, choices=STATES, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    unknown_attempts = models.PositiveSmallIntegerField(default=0)
    """How many of the attempts left and were never answered: it may have arrived as often."""
    next_try_at = models.DateTimeField()
    last_error = models.CharField(max_length=200, default="")
    sent_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            # The nearest deadline first: a one-time code overtakes a campaign.
            models.Index(
                fields=["not_after", "id"], condition=Q(state="queued"), name="message_due"
            ),
            models.Index(fields=["id"], condition=Q(state="sending"), name="message_in_flight"),
            models.Index(fields=["subscriber_id", "-id"], name="message_of_subscriber"),
            # Rows arrive in this order: some kilobytes find a day's.
            BrinIndex(fields=["queued_at"], name="message_queued", autosummarize=True),
        ]


class Part(models.Model):
    """One submitted piece of a message, known to the message centre by its own id."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveSmallIntegerField()
    centre = models.CharField(max_length=60)
    centre_id = models.CharField(max_length=66)
    state = models.CharField(max_length=12, choices=STATES, default=State.SENT)
    error_code = models.CharField(max_length=10, default="")
    receipt_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["message", "number"], name="part_of_message"),
        ]
        indexes = [models.Index(fields=["centre", "centre_id"], name="part_by_centre_id")]


class EarlyReceipt(models.Model):
    """A receipt for an id we do not know yet: it overtook the answer to its own submit.

    One that stays belongs to a message whose answer was lost; it is evidence, and is swept away
    with its age.
    """

    centre = models.CharField(max_length=60)
    centre_id = models.CharField(max_length=66)
    state = models.CharField(max_length=12, choices=STATES)
    error_code = models.CharField(max_length=10, default="")
    received_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["centre", "centre_id", "state"], name="early_receipt_once"
            ),
        ]


class Inbound(models.Model):
    """A message from a subscriber, or one part of a long one, kept before it is acknowledged."""

    id = models.BigAutoField(primary_key=True)
    centre = models.CharField(max_length=60)
    source = models.CharField(max_length=21)
    destination = models.CharField(max_length=21)
    text = models.TextField()
    reference = models.PositiveIntegerField()
    parts_total = models.PositiveSmallIntegerField()
    part_number = models.PositiveSmallIntegerField()
    fingerprint = models.BinaryField(max_length=32)
    """SHA-256 of all of the above: a centre gives such messages no id to know them again by."""
    received_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["fingerprint", "received_at"], name="inbound_again"),
            models.Index(fields=["source", "-id"], name="inbound_of_number"),
        ]

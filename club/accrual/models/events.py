"""What happened outside: the inbox, and what became of it."""

from enum import StrEnum

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.db.models.fields.json import KeyTransform

from club.accrual.models.plain_json import PlainJSONField
from club.accrual.rules import event_types


class Kind(StrEnum):
    """The kinds that are called by name; all of them are in `rules/event_types.py`."""

    PAYMENT = event_types.PAYMENT
    CANCELLATION = event_types.CANCELLATION
    """Of a payment, and its external_id is the payment's. Others: `event_types.cancellation_of`."""


class EventState(models.TextChoices):
    NEW = "new"  # in the queue: to be decided by the next batch
    WAITING = "waiting"  # the number is not a subscriber yet, or the payment to cancel has not come
    REVIEW = "review"  # too late to be accrued by itself: a person decides
    KEPT = "kept"  # of a type that nobody has declared yet: it brings nothing until somebody does
    DECIDED = "decided"
    FAILED = "failed"  # deciding it raised; `note` says what, a person looks


class Event(models.Model):
    """The inbox: something that happened outside, written once whatever the deliveries (law 2).

    What becomes of it stands in its Outcome: these rows are wide and have many index entries, and
    deciding by changing them cost four times as much.
    """

    id = models.BigAutoField(primary_key=True)
    source = models.CharField(max_length=40)
    kind = models.CharField(max_length=40)
    """A type of event, declared or not, or a cancellation of one."""
    external_id = models.CharField(max_length=100)
    fingerprint = models.BinaryField(max_length=32)
    msisdn = models.CharField(max_length=12)
    subscriber_id = models.BigIntegerField(null=True)
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField()
    amount_tiyin = models.BigIntegerField()
    channel = models.CharField(max_length=40)
    """Empty where the type needs none."""
    details = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source", "external_id", "kind"], name="one_event_per_external_id"
            ),
        ]
        indexes = [
            models.Index(fields=["subscriber_id", "-occurred_at"], name="event_of_subscriber"),
            BrinIndex(fields=["received_at"], name="event_received", autosummarize=True),
            # An agent asks by the provider's own number of the payment.
            models.Index(KeyTransform("document", "details"), name="event_of_document"),
        ]

    # What became of it. Before asking many events: `select_related("outcome")`.
    @property
    def state(self) -> str:
        outcome = self._outcome()
        return outcome.state if outcome else EventState.NEW

    @property
    def note(self) -> str:
        outcome = self._outcome()
        return outcome.note if outcome else ""

    @property
    def facts(self) -> dict[str, object] | None:
        outcome = self._outcome()
        return outcome.facts if outcome else None

    def _outcome(self) -> "Outcome | None":
        return getattr(self, "outcome", None)


class Queued(models.Model):
    """An event that is to be decided; the transaction that decides it deletes this row.

    No constraint to the inbox, here and in Outcome: each check would lock the event's row, and both
    are written by the statement that has the event in hand.
    """

    event = models.OneToOneField(
        Event, on_delete=models.PROTECT, primary_key=True, db_constraint=False
    )


class Outcome(models.Model):
    """What became of an event; one that is queued has none."""

    event = models.OneToOneField(
        Event, on_delete=models.PROTECT, primary_key=True, db_constraint=False
    )
    state = models.CharField(max_length=10, choices=EventState.choices)
    note = models.CharField(max_length=300, default="")
    facts = PlainJSONField(null=True)
    """What the rules saw, kept so that every explanation stays repeatable."""
    rulebook = models.ForeignKey(
        "Rulebook",
        null=True,
        on_delete=models.PROTECT,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    """The rule versions that were asked; None where none was in force, or for a cancellation."""
    decided_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["state"], condition=~Q(state="decided"), name="outcome_open"),
            # Rows arrive in this order; the export asks for what was decided since its last run.
            BrinIndex(fields=["decided_at"], name="outcome_decided", autosummarize=True),
        ]


class Conflict(models.Model):
    """The same external id delivered with another payload: kept and shown, never applied."""

    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="conflicts")
    fingerprint = models.BinaryField(max_length=32)
    payload = models.JSONField()
    received_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["event", "fingerprint"], name="one_row_per_conflict"),
        ]

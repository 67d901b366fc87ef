import uuid

from django.db import models
from django.db.models import Q


class State(models.TextChoices):
    PLACED = "placed"  # points held, nothing sent
    SENDING = "sending"  # committed before the socket is touched: after a crash it means unknown
    WAITING = "waiting"  # the other side took the request and works on it
    UNKNOWN = "unknown"  # nobody knows: ask its status, never send again
    DONE = "done"  # delivered, points captured
    REFUSED = "refused"  # not delivered, points released


OPEN = (State.PLACED, State.SENDING, State.WAITING, State.UNKNOWN)


class Order(models.Model):
    """One purchase. `id` is also the hold's id in the ledger and the request id on the wire."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    subscriber_id = models.BigIntegerField()
    key = models.CharField(max_length=80)
    """The client's idempotency key."""
    reward = models.ForeignKey("catalogue.Reward", on_delete=models.PROTECT, related_name="+")
    price_points = models.PositiveBigIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.PLACED)
    placed_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    """How often it was about to be sent. More than once only when not a byte had left before."""
    settled_at = models.DateTimeField(null=True)
    checks = models.PositiveSmallIntegerField(default=0)
    """How often its status was asked."""
    overdue_at = models.DateTimeField(null=True)
    """When the sweep takes the next step because no job did; null once settled."""
    outcome_code = models.CharField(max_length=60, default="")
    outcome_text = models.CharField(max_length=300, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subscriber_id", "key"], name="order_key"),
        ]
        indexes = [
            models.Index(fields=["subscriber_id", "-placed_at"], name="order_of_subscriber"),
            models.Index(
                fields=["overdue_at"],
                condition=Q(state__in=["placed", "sending", "waiting", "unknown"]),
                name="order_open",
            ),
        ]

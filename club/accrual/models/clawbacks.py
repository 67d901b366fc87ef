"""Batches that take back what rule versions granted."""

from django.db import models

from club.accrual.models.campaigns import Campaign


class Clawback(models.Model):
    """A batch that takes back what rule versions granted, as its proposal was approved; and, by another
    proposal, gives it back. Its lines are fixed when it is approved."""

    class State(models.TextChoices):
        TAKING = "taking"
        STOPPED = "stopped"  # by hand: what was taken stays taken, the rest is left alone
        TAKEN = "taken"
        RESTORING = "restoring"
        RESTORED = "restored"

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="clawbacks")
    document = models.JSONField()
    """What was approved: campaign, versions, span, policy, count and sum."""
    digest = models.CharField(max_length=64)
    """Of the document, as its proposal has it."""
    policy = models.CharField(max_length=20)
    """The ledger's ClawbackPolicy."""
    state = models.CharField(max_length=10, choices=State, default=State.TAKING)
    taken_on = models.DateField()
    """The business day on which the books have it, and of what is given back `restored_on`."""
    restored_on = models.DateField(null=True)
    begun_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    """When the last line was done, of the taking or of the restoring; None while it runs."""
    lines_count = models.PositiveIntegerField()
    lines_done = models.PositiveIntegerField(default=0)
    """Of the taking; while it is restored, of that."""
    taken_points = models.BigIntegerField(default=0)
    restored_points = models.BigIntegerField(default=0)


class Clawed(models.Model):
    """One decision that a clawback takes back: what becomes of it."""

    class State(models.TextChoices):
        OPEN = "open"
        TAKEN = "taken"
        SPARED = "spared"  # nothing of it stood any more when its turn came; `note` says why
        RESTORED = "restored"
        GONE = "gone"  # taken; not restored, because its payment or subscriber is gone

    pk = models.CompositePrimaryKey("subscriber_id", "event_id", "rule_id", "clawback_id")
    subscriber_id = models.BigIntegerField()
    event_id = models.BigIntegerField()
    rule_id = models.CharField(max_length=60)
    clawback = models.ForeignKey(Clawback, on_delete=models.PROTECT, related_name="lines")
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    note = models.CharField(max_length=20, default="")
    taken_points = models.BigIntegerField(default=0)
    restored_points = models.BigIntegerField(default=0)
    is_promise = models.BooleanField(default=False)
    """What was taken was a promise of points, which is withdrawn without a posting."""
    parts = models.PositiveSmallIntegerField(default=0)
    """The postings (or the promise) that took it; once restored, those that gave it back."""

    class Meta:
        indexes = [
            models.Index(fields=["clawback", "state", "subscriber_id"], name="clawed_in_turn"),
        ]

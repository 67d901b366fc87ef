from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import F, Q


class Staff(AbstractUser):
    """Somebody who works in the office. Partners and subscribers are never staff."""

    class Meta:
        verbose_name = "staff member"
        verbose_name_plural = "staff"


class AuditLine(models.Model):
    """Who did what to whom, written by the use case in its own transaction. Never changed."""

    at = models.DateTimeField(db_index=True)
    by = models.ForeignKey(Staff, null=True, on_delete=models.PROTECT, related_name="+")
    action = models.CharField(max_length=60)
    subject_kind = models.CharField(max_length=40)
    subject_id = models.CharField(max_length=60)
    details = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["subject_kind", "subject_id", "at"])]


class Proposal(models.Model):
    """A change somebody asked for, which somebody else approves or refuses. What is asked for never
    changes: whoever wants it otherwise withdraws and proposes anew."""

    class State(models.TextChoices):
        OPEN = "open"
        APPROVED = "approved"
        REFUSED = "refused"
        WITHDRAWN = "withdrawn"

    kind = models.CharField(max_length=40)
    """Room and kind: accrual.campaign."""
    subject_id = models.CharField(max_length=60)
    before = models.JSONField(null=True)
    """What was so when it was asked for."""
    document = models.JSONField()
    digest = models.CharField(max_length=64)
    why = models.CharField(max_length=300)
    asked_by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    answered_by = models.ForeignKey(Staff, null=True, on_delete=models.PROTECT, related_name="+")
    answered_at = models.DateTimeField(null=True)
    answer = models.CharField(max_length=300, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "subject_id"], condition=Q(state="open"), name="one_open_proposal"
            ),
            # The database keeps the law, whoever writes.
            models.CheckConstraint(
                condition=Q(state__in=["open", "withdrawn"]) | ~Q(asked_by=F("answered_by")),
                name="whoever_asked_never_approves",
            ),
        ]
        indexes = [models.Index(fields=["-asked_at"], name="proposal_asked")]

from django.contrib.auth.models import AbstractUser
from django.db import models


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

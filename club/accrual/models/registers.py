"""What came in as files, and what could not be read."""

from django.db import models


class Register(models.Model):
    """A file of events taken in: its name, hash and counts."""

    source = models.CharField(max_length=40)
    name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    received_at = models.DateTimeField()
    received = models.PositiveIntegerField(default=0)
    new = models.PositiveIntegerField(default=0)
    duplicate = models.PositiveIntegerField(default=0)
    conflicting = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)


class Rejection(models.Model):
    """Something that came in and could not be read or accepted: kept as it came, with its reason."""

    source = models.CharField(max_length=40)
    register = models.ForeignKey(
        Register, null=True, on_delete=models.PROTECT, related_name="rejections"
    )
    line = models.PositiveIntegerField(null=True)
    code = models.CharField(max_length=40)
    reason = models.CharField(max_length=300)
    raw = models.TextField()
    received_at = models.DateTimeField()

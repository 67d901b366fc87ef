import uuid

from django.db import models


class OneTimeCode(models.Model):
    """The latest code of a number. Only its hash is kept.

    A number that nobody in the programme has gets a row, too: whoever asks must not see a difference.
    """

    msisdn = models.CharField(max_length=12, primary_key=True)
    code_hash = models.BinaryField(max_length=32)
    salt = models.BinaryField(max_length=16)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    tries_left = models.PositiveSmallIntegerField()


class Tally(models.Model):
    """How often something was asked within one window of time: what the limits count by."""

    pk = models.CompositePrimaryKey("kind", "key", "window_s", "ends_at")
    kind = models.CharField(max_length=20)
    key = models.CharField(max_length=64)
    """An msisdn, an address or a subscriber, hashed: enough to count by, nothing to read."""
    window_s = models.PositiveIntegerField()
    ends_at = models.DateTimeField(db_index=True)
    count = models.PositiveIntegerField()


class Family(models.Model):
    """All refresh tokens that grew from one sign-in. Locking its row locks the whole chain."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    subscriber_id = models.BigIntegerField(db_index=True)
    started_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)


class RefreshToken(models.Model):
    """One link of a chain of rotating tokens. Used twice, the whole family is revoked."""

    token_hash = models.BinaryField(max_length=32, primary_key=True)
    family = models.ForeignKey(Family, on_delete=models.CASCADE, related_name="tokens")
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True)
    successor_hash = models.BinaryField(max_length=32, null=True)
    """The token it was exchanged for."""
    replaced_at = models.DateTimeField(null=True)
    """Its answer got lost, so it was given again as another token; this one must not come."""

from django.db import models


class OneTimeCode(models.Model):
    """The latest code of a number. Only its hash is kept."""

    msisdn = models.CharField(max_length=12, primary_key=True)
    code_hash = models.BinaryField(max_length=32)
    salt = models.BinaryField(max_length=16)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    tries_left = models.PositiveSmallIntegerField()


class Attempt(models.Model):
    """A request for a code, or a wrong one: what the limits by number and by address count."""

    at = models.DateTimeField()
    kind = models.CharField(max_length=10)
    key = models.CharField(max_length=64)
    """An msisdn or an address, hashed: enough to count by, nothing to read."""

    class Meta:
        indexes = [models.Index(fields=["kind", "key", "at"], name="attempt_by_key")]


class RefreshToken(models.Model):
    """One link of a chain of rotating tokens. Used twice, the whole family is revoked."""

    token_hash = models.BinaryField(max_length=32, primary_key=True)
    family = models.UUIDField(db_index=True)
    subscriber_id = models.BigIntegerField(db_index=True)
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

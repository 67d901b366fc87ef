"""The books' tables, for reading only. `sql/` makes them and its functions alone write them; other
rooms read through `queries.py`."""

from django.db import models


class Account(models.Model):
    subscriber_id = models.BigIntegerField(primary_key=True)
    posted = models.BigIntegerField()
    held = models.BigIntegerField()
    arrears = models.BigIntegerField()
    version = models.BigIntegerField()

    class Meta:
        managed = False
        db_table = '"ledger"."account"'


class Posting(models.Model):
    pk = models.CompositePrimaryKey("subscriber_id", "occurred_on", "source", "ref")
    subscriber_id = models.BigIntegerField()
    points = models.BigIntegerField()
    posted_at = models.DateTimeField()
    counterparty_id = models.BigIntegerField(null=True)
    occurred_on = models.DateField()
    expires_on = models.DateField(null=True)
    reverses_on = models.DateField(null=True)
    fund = models.IntegerField()
    source = models.SmallIntegerField()
    kind = models.SmallIntegerField()
    contra = models.SmallIntegerField()
    reverses_source = models.SmallIntegerField(null=True)
    ref = models.TextField()
    fingerprint = models.BinaryField()
    lots = models.JSONField(null=True)
    given = models.JSONField(null=True)
    reverses_ref = models.TextField(null=True)
    reason = models.TextField(null=True)
    actor = models.TextField(null=True)

    class Meta:
        managed = False
        db_table = '"ledger"."posting"'


class Lot(models.Model):
    pk = models.CompositePrimaryKey("subscriber_id", "expires_on", "fund")
    subscriber_id = models.BigIntegerField()
    expires_on = models.DateField()
    fund = models.IntegerField()
    points = models.BigIntegerField()

    class Meta:
        managed = False
        db_table = '"ledger"."lot"'


class Hold(models.Model):
    pk = models.CompositePrimaryKey("subscriber_id", "hold_id")
    subscriber_id = models.BigIntegerField()
    hold_id = models.UUIDField()
    points = models.BigIntegerField()
    captured = models.BigIntegerField()
    placed_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    state = models.SmallIntegerField()
    fingerprint = models.BinaryField()
    lots = models.JSONField()
    given_back = models.JSONField(null=True)

    class Meta:
        managed = False
        db_table = '"ledger"."hold"'


class Pending(models.Model):
    pk = models.CompositePrimaryKey("subscriber_id", "occurred_on", "source", "ref")
    subscriber_id = models.BigIntegerField()
    points = models.BigIntegerField()
    noted_at = models.DateTimeField()
    promised_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    occurred_on = models.DateField()
    expires_on = models.DateField()
    fund = models.IntegerField()
    source = models.SmallIntegerField()
    state = models.SmallIntegerField()
    ref = models.TextField()
    fingerprint = models.BinaryField()

    class Meta:
        managed = False
        db_table = '"ledger"."pending"'

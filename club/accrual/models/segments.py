"""Lists of subscribers."""

from django.db import models


class MemberList(models.Model):
    """One list of subscribers as it was imported. Never changed, but for whoever is erased: a segment
    changes by pointing to another one."""

    id = models.BigAutoField(primary_key=True)
    code = models.SlugField(max_length=60, db_index=True)
    members = models.PositiveBigIntegerField()
    digest = models.CharField(max_length=64)
    """SHA-256 of the members' ids in ascending order, separated by commas."""
    made_at = models.DateTimeField()


class Segment(models.Model):
    """A list of subscribers that rules may ask for by its code."""

    code = models.SlugField(max_length=60, primary_key=True)
    name = models.CharField(max_length=100)
    """For staff; no subscriber reads it."""
    list = models.ForeignKey(MemberList, on_delete=models.PROTECT, related_name="+")


class SegmentMember(models.Model):
    """No constraint to the list: a million checks for what one statement writes. And no index by it: a
    batch asks by subscriber, and would be tempted to read a whole list."""

    pk = models.CompositePrimaryKey("subscriber_id", "list_id")
    subscriber_id = models.BigIntegerField()
    list = models.ForeignKey(
        MemberList,
        on_delete=models.PROTECT,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )

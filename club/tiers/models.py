from django.db import models
from django.db.models import Q


class Tier(models.Model):
    """A level of the programme. Names and thresholds are configuration."""

    code = models.CharField(max_length=20, primary_key=True)
    rank = models.PositiveSmallIntegerField(unique=True)
    names = models.JSONField()
    earned_points_min = models.PositiveBigIntegerField()
    """Points earned (not held) in the last twelve months that bring a subscriber here."""

    class Meta:
        ordering = ["rank"]


class Standing(models.Model):
    """The level of one subscriber from `since` until `until`; no row means the base level."""

    subscriber_id = models.BigIntegerField()
    tier = models.ForeignKey(Tier, on_delete=models.PROTECT, related_name="+")
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)
    earned_points = models.BigIntegerField()
    """What counted when it was given: the reason kept beside the deed."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subscriber_id", "since"], name="standing_since"),
            models.UniqueConstraint(
                fields=["subscriber_id"], condition=Q(until=None), name="one_standing_now"
            ),
        ]

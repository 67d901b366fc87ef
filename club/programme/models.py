from django.db import models


class Programme(models.Model):
    """One row. Everything here is the operator's to change; nothing of it is in code."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    names = models.JSONField()
    point_worth_tiyin = models.PositiveIntegerField()
    points_life_months = models.PositiveSmallIntegerField()
    late_days_max = models.PositiveSmallIntegerField()
    """Events older than this wait for a person instead of being accrued by themselves."""
    base_tier = models.CharField(max_length=20)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="one_programme"),
        ]

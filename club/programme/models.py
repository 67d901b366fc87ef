from django.db import models

from club.ledger.expiry_rules import ExpiryPolicy
from club.ledger.rules import ClawbackPolicy


class Programme(models.Model):
    """One row. Everything here is the operator's to change; nothing of it is in code."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    names = models.JSONField()
    point_worth_tiyin = models.PositiveIntegerField()
    points_life_months = models.PositiveSmallIntegerField()
    """The least that points live; `expiry_policy` says to the end of what then."""
    expiry_policy = models.CharField(
        max_length=20,
        choices=[(policy.value, policy.name) for policy in ExpiryPolicy],
        default=ExpiryPolicy.MONTH_END.value,
    )
    inactive_months = models.PositiveSmallIntegerField(null=True)
    """Whoever neither earns nor spends for longer loses all points; null: nobody does."""
    return_grace_days = models.PositiveSmallIntegerField(default=7)
    """Points that come back after their own last day are good so long; 0: they lapse at once."""
    clawback_policy = models.CharField(
        max_length=20,
        choices=[(policy.value, policy.name) for policy in ClawbackPolicy],
        default=ClawbackPolicy.OTHER_LOTS.value,
    )
    """What a cancelled earning takes when its own points are spent."""
    late_days_max = models.PositiveSmallIntegerField()
    """Events older than this wait for a person instead of being accrued by themselves."""
    base_tier = models.CharField(max_length=20)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="one_programme"),
            models.CheckConstraint(
                condition=models.Q(inactive_months__gt=0)
                | (models.Q(inactive_months=None) & ~models.Q(expiry_policy="activity")),
                name="activity_has_its_months",
            ),
        ]

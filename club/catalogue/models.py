from django.db import models
from django.db.models import Q


class Reward(models.Model):
    """Something a subscriber can buy for points; here a service of the operator."""

    code = models.SlugField(max_length=60, unique=True)
    names = models.JSONField()
    descriptions = models.JSONField()
    category = models.CharField(max_length=30)
    service_code = models.CharField(max_length=60)
    """What the provisioning system calls it (a SOC)."""
    price_points = models.PositiveBigIntegerField()
    """The full price; a level may bring it down."""
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField(null=True)
    level_min = models.ForeignKey(
        "tiers.Tier", null=True, on_delete=models.PROTECT, related_name="+"
    )
    """Only for those who stand on this level or above it; null: for everybody."""
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "price_points", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(price_points__gt=0), name="a_reward_has_a_price"),
        ]

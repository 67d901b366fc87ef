from django.db import models
from django.db.models import Q

from club.tiers.rules import PERIODS, Measure, Terms


class Scheme(models.Model):
    """One ladder of levels. Several may stand side by side; `schemes.py` says what makes sense."""

    code = models.SlugField(max_length=40, primary_key=True)
    names = models.JSONField()
    measure = models.CharField(max_length=20, choices=[(one.value, one.value) for one in Measure])
    event_type = models.CharField(max_length=20, default="")
    """Counts events of this type alone; empty: of all. Not asked of points and tenure."""
    period_months = models.PositiveSmallIntegerField(choices=[(one, one) for one in PERIODS])
    """Levels are reviewed at the end of each calendar period of so many months."""
    window_months = models.PositiveSmallIntegerField(null=True)
    """What counts ends with the period and is so many months long; null: all since joining."""
    grace_days = models.PositiveSmallIntegerField(default=0)
    landing_steps = models.PositiveSmallIntegerField(null=True, default=1)
    """The most that one review takes; null: down to what is deserved."""
    notice_days = models.PositiveSmallIntegerField(default=0)
    """How long ahead somebody who is going to fall is told; 0: never."""

    class Meta:
        permissions = [
            ("propose_scheme", "Can propose a change of levels"),
            ("approve_scheme", "Can approve or refuse a proposed change of levels"),
            ("propose_level", "Can propose a level for a subscriber"),
            ("approve_level", "Can approve or refuse a level for a subscriber"),
        ]

    def terms(self, tiers: "list[Tier]") -> Terms:
        """The rules' own view of it; `tiers` are its levels in the order of their ranks."""
        return Terms(
            measure=Measure(self.measure),
            period_months=self.period_months,
            window_months=self.window_months,
            grace_days=self.grace_days,
            landing_steps=self.landing_steps,
            thresholds=tuple(tier.threshold for tier in tiers[1:]),
        )


class Tier(models.Model):
    """A level of a scheme. Its rank is its place from below; rank 0 is everybody's."""

    code = models.CharField(max_length=20, primary_key=True)
    scheme = models.ForeignKey(Scheme, on_delete=models.PROTECT, related_name="tiers")
    rank = models.PositiveSmallIntegerField()
    names = models.JSONField()
    threshold = models.PositiveBigIntegerField()
    """How much of the scheme's measure brings a subscriber here."""
    benefits = models.JSONField(default=dict)
    """`schemes.Benefits`."""

    class Meta:
        ordering = ["scheme", "rank"]
        constraints = [
            # At the end of the transaction: an approved scheme may order its levels anew.
            models.UniqueConstraint(
                fields=["scheme", "rank"],
                name="one_level_of_a_rank",
                deferrable=models.Deferrable.DEFERRED,
            ),
        ]


class Why(models.TextChoices):
    """What brought somebody to where they stand."""

    EARNED = "earned"
    FELL = "fell"  # a review, a cancelled payment, another scheme, or the end of a given level
    GIVEN = "given"  # by staff, until a day


class Standing(models.Model):
    """The level of one subscriber from `since` until `until`; no row means the base level."""

    subscriber_id = models.BigIntegerField()
    scheme = models.ForeignKey(Scheme, on_delete=models.PROTECT, related_name="+")
    tier = models.ForeignKey(Tier, on_delete=models.PROTECT, related_name="+")
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)
    measured = models.BigIntegerField()
    """What counted when it was given: the reason kept beside the deed."""
    why = models.CharField(max_length=10, choices=Why.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subscriber_id", "scheme"], condition=Q(until=None), name="one_standing_now"
            ),
        ]
        indexes = [
            models.Index(fields=["subscriber_id", "since"], name="standing_of_subscriber"),
            models.Index(
                fields=["scheme", "tier"], condition=Q(until=None), name="standing_on_tier"
            ),
        ]


class TierDay(models.Model):
    """How many stood on a level on a day, and what was expected of the next review then: a run over
    everybody makes it, so that a page need not."""

    day = models.DateField()
    tier = models.ForeignKey(Tier, on_delete=models.CASCADE, related_name="+")
    review_on = models.DateField()
    standing = models.PositiveBigIntegerField()
    rising = models.PositiveBigIntegerField()
    falling = models.PositiveBigIntegerField()
    standing_then = models.PositiveBigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tier", "day"], name="one_count_of_a_level_a_day"),
        ]


class GivenLevel(models.Model):
    """A level that staff gave: whoever has it stands at least there to the end of `ends_on`."""

    subscriber_id = models.BigIntegerField()
    scheme = models.ForeignKey(Scheme, on_delete=models.PROTECT, related_name="+")
    tier = models.ForeignKey(Tier, on_delete=models.PROTECT, related_name="+")
    ends_on = models.DateField()
    reason = models.CharField(max_length=300)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subscriber_id", "scheme"], name="one_given_level"),
        ]

"""Campaigns, their rules' versions, and when each is in force."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models


class SharedFund(models.Model):
    """Several funds that pay together, each its percent, as one purse of the ledger."""

    FIRST = 1_000_000
    """Its number is this and its id; a fund of the operator or a partner is below."""

    shares = models.JSONField(unique=True)
    """[[fund, percent], …] by their funds; percents add up to 100."""


class Campaign(models.Model):
    """Who pays for the points of its rules: `fund` is the ledger's number of that purse, one fund's or
    that of several which share (SharedFund)."""

    code = models.SlugField(max_length=60, primary_key=True)
    names = models.JSONField()
    fund = models.PositiveIntegerField(default=0)
    legal = models.JSONField(default=dict)
    """The terms a subscriber may read, in five languages; empty where there are none."""

    class Meta:
        permissions = [
            ("propose_campaign", "Can propose a change of a campaign"),
            ("approve_campaign", "Can approve or refuse a proposed change of a campaign"),
        ]


class RuleVersion(models.Model):
    """An immutable version of a rule, named by the hash of its canonical text."""

    hash = models.CharField(max_length=64, primary_key=True)
    rule_id = models.SlugField(max_length=60)
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="rules")
    canonical = models.TextField()
    names = models.JSONField()
    """What a subscriber reads as the reason, in five languages."""
    recorded_at = models.DateTimeField()


class InForce(models.Model):
    """When a version is asked, by event time: lower ≤ occurred_at < upper. A version that was rolled
    back to is in force more than once."""

    version = models.ForeignKey(RuleVersion, on_delete=models.PROTECT, related_name="in_force")
    rule_id = models.SlugField(max_length=60)
    during = DateTimeRangeField()
    holdout_percent = models.PositiveSmallIntegerField(default=0)
    """Of the subscribers, so many are kept out of the campaign then, to measure what it brings."""

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="one_version_of_a_rule_at_a_moment",
                expressions=[
                    ("rule_id", RangeOperators.EQUAL),
                    ("during", RangeOperators.OVERLAPS),
                ],
            ),
        ]


class Rulebook(models.Model):
    """The rule versions in force together at some moment. Each event points to the one it was put to:
    a rule that did not count has no row of its own for it, and is worked out again when asked.
    """

    hash = models.CharField(max_length=64, unique=True)
    """Of its versions' hashes."""
    versions = models.JSONField()

"""What rules granted, and what limits and occasions have counted."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models

from club.accrual.models.plain_json import PlainJSONField


class Decision(models.Model):
    """What one rule version decided about one event for which it counted (law 4)."""

    pk = models.CompositePrimaryKey("subscriber_id", "event_id", "rule_id")
    subscriber_id = models.BigIntegerField()
    event_id = models.BigIntegerField()
    rule_id = models.CharField(max_length=60)
    rule_hash = models.CharField(max_length=64)
    wanted = models.BigIntegerField()
    granted = models.BigIntegerField()
    reason = models.CharField(max_length=20)
    """One of rules.explain.Reason. A cancellation's decisions are negative: what it took back."""
    because = PlainJSONField(null=True)
    """The limit that made it less than wanted, with what was used of it; or the occasion to come, with
    how far it has come."""
    promised_at = models.DateTimeField(null=True)
    """When the points become spendable; None for at once."""
    decided_at = models.DateTimeField()

    class Meta:
        # Rows arrive in this order: some kilobytes find a day's.
        indexes = [BrinIndex(fields=["decided_at"], name="decision_decided", autosummarize=True)]


class Counter(models.Model):
    """A counter: of which limit or occasion (rules/occasions.py), in which period. Named by the rule or
    campaign and not by a version, or a new version would fill every limit anew."""

    period = models.CharField(max_length=14)
    """Begins with its first day, so that the old ones come first."""
    counted = models.CharField(max_length=70)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["period", "counted"], name="one_counter_of_a_period"),
        ]


class Used(models.Model):
    """What a counter has counted: grants to one subscriber (0: to all), or what an occasion has seen of
    theirs. By the counter's number, so that the rows of a period lie together and go together."""

    pk = models.CompositePrimaryKey("counter_id", "subscriber_id")
    counter = models.ForeignKey(
        Counter, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    """Not checked row by row: `counters.py` keeps the counters of a batch from going."""
    subscriber_id = models.BigIntegerField()
    points = models.BigIntegerField()
    times = models.BigIntegerField()


class RuleHour(models.Model):
    """What a rule granted in an hour that is over, less what was taken back by cancellations; with an
    empty rule the mark that all of that hour is counted (paces.py)."""

    pk = models.CompositePrimaryKey("rule_id", "hour")
    rule_id = models.CharField(max_length=60)
    hour = models.DateTimeField()
    points = models.BigIntegerField()
    times = models.BigIntegerField()
    last_at = models.DateTimeField(null=True)


class DayMade(models.Model):
    """A day whose birthdays, or whose anniversaries of joining, all stand in the inbox."""

    pk = models.CompositePrimaryKey("kind", "day")
    kind = models.CharField(max_length=40)
    day = models.DateField()

from enum import StrEnum

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.db.models.fields.json import KeyTransform

from club.access.models import Staff
from club.accrual.rules import event_types


class Kind(StrEnum):
    """The kinds that are called by name; all of them are in `rules/event_types.py`."""

    PAYMENT = event_types.PAYMENT
    CANCELLATION = event_types.CANCELLATION
    """Of a payment, and its external_id is the payment's. Others: `event_types.cancellation_of`."""


class EventState(models.TextChoices):
    NEW = "new"  # in the queue: to be decided by the next batch
    WAITING = "waiting"  # the number is not a subscriber yet, or the payment to cancel has not come
    REVIEW = "review"  # too late to be accrued by itself: a person decides
    KEPT = "kept"  # of a type that nobody has declared yet: it brings nothing until somebody does
    DECIDED = "decided"
    FAILED = "failed"  # deciding it raised; `note` says what, a person looks


class Event(models.Model):
    """The inbox: something that happened outside, written once whatever the deliveries (law 2).

    What becomes of it stands in its Outcome: these rows are wide and have many index entries, and
    deciding by changing them cost four times as much.
    """

    id = models.BigAutoField(primary_key=True)
    source = models.CharField(max_length=40)
    kind = models.CharField(max_length=40)
    """A type of event, declared or not, or a cancellation of one."""
    external_id = models.CharField(max_length=100)
    fingerprint = models.BinaryField(max_length=32)
    msisdn = models.CharField(max_length=12)
    subscriber_id = models.BigIntegerField(null=True)
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField()
    amount_tiyin = models.BigIntegerField()
    channel = models.CharField(max_length=40)
    """Empty where the type needs none."""
    details = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source", "external_id", "kind"], name="one_event_per_external_id"
            ),
        ]
        indexes = [
            models.Index(fields=["subscriber_id", "-occurred_at"], name="event_of_subscriber"),
            BrinIndex(fields=["received_at"], name="event_received", autosummarize=True),
            # An agent asks by the provider's own number of the payment.
            models.Index(KeyTransform("document", "details"), name="event_of_document"),
        ]

    # What became of it. Before asking many events: `select_related("outcome")`.
    @property
    def state(self) -> str:
        outcome = self._outcome()
        return outcome.state if outcome else EventState.NEW

    @property
    def note(self) -> str:
        outcome = self._outcome()
        return outcome.note if outcome else ""

    @property
    def facts(self) -> dict[str, object] | None:
        outcome = self._outcome()
        return outcome.facts if outcome else None

    def _outcome(self) -> "Outcome | None":
        return getattr(self, "outcome", None)


class Queued(models.Model):
    """An event that is to be decided; the transaction that decides it deletes this row.

    No constraint to the inbox, here and in Outcome: each check would lock the event's row, and both
    are written by the statement that has the event in hand.
    """

    event = models.OneToOneField(
        Event, on_delete=models.PROTECT, primary_key=True, db_constraint=False
    )


class Outcome(models.Model):
    """What became of an event; one that is queued has none."""

    event = models.OneToOneField(
        Event, on_delete=models.PROTECT, primary_key=True, db_constraint=False
    )
    state = models.CharField(max_length=10, choices=EventState.choices)
    note = models.CharField(max_length=300, default="")
    facts = models.JSONField(null=True)
    """What the rules saw, kept so that every explanation stays repeatable."""
    rulebook = models.ForeignKey(
        "Rulebook", null=True, on_delete=models.PROTECT, related_name="+", db_constraint=False
    )
    """The rule versions that were asked; None where none was in force, or for a cancellation."""
    decided_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["state"], condition=~Q(state="decided"), name="outcome_open"),
            # Rows arrive in this order; the export asks for what was decided since its last run.
            BrinIndex(fields=["decided_at"], name="outcome_decided", autosummarize=True),
        ]


class Conflict(models.Model):
    """The same external id delivered with another payload: kept and shown, never applied."""

    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="conflicts")
    fingerprint = models.BinaryField(max_length=32)
    payload = models.JSONField()
    received_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["event", "fingerprint"], name="one_row_per_conflict"),
        ]


class Register(models.Model):
    """A file of events taken in: its name, hash and counts."""

    source = models.CharField(max_length=40)
    name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    received_at = models.DateTimeField()
    received = models.PositiveIntegerField(default=0)
    new = models.PositiveIntegerField(default=0)
    duplicate = models.PositiveIntegerField(default=0)
    conflicting = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)


class Rejection(models.Model):
    """Something that came in and could not be read or accepted: kept as it came, with its reason."""

    source = models.CharField(max_length=40)
    register = models.ForeignKey(
        Register, null=True, on_delete=models.PROTECT, related_name="rejections"
    )
    line = models.PositiveIntegerField(null=True)
    code = models.CharField(max_length=40)
    reason = models.CharField(max_length=300)
    raw = models.TextField()
    received_at = models.DateTimeField()


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
    because = models.JSONField(null=True)
    """The limit that made it less than wanted, with what was used of it; or the occasion to come, with
    how far it has come."""
    promised_at = models.DateTimeField(null=True)
    """When the points become spendable; None for at once."""
    decided_at = models.DateTimeField()

    class Meta:
        # Rows arrive in this order: some kilobytes find a day's.
        indexes = [BrinIndex(fields=["decided_at"], name="decision_decided", autosummarize=True)]


class Used(models.Model):
    """What a limit has counted: a rule's or a campaign's grants to one subscriber (0: to all) in a
    period; or what an occasion has (rules/occasions.py). Named by the rule and not by its version, or a new version would fill every limit anew.
    """

    pk = models.CompositePrimaryKey("period", "counted", "subscriber_id")
    period = models.CharField(max_length=14)
    """Begins with its first day, so that the old ones lie together and go together."""
    counted = models.CharField(max_length=70)
    subscriber_id = models.BigIntegerField()
    points = models.BigIntegerField()
    times = models.BigIntegerField()


class DayMade(models.Model):
    """A day whose birthdays, or whose anniversaries of joining, all stand in the inbox."""

    pk = models.CompositePrimaryKey("kind", "day")
    kind = models.CharField(max_length=40)
    day = models.DateField()


class Clawback(models.Model):
    """A batch that takes back what rule versions granted, as its proposal was approved; and, by another
    proposal, gives it back. Its lines are fixed when it is approved."""

    class State(models.TextChoices):
        TAKING = "taking"
        STOPPED = "stopped"  # by hand: what was taken stays taken, the rest is left alone
        TAKEN = "taken"
        RESTORING = "restoring"
        RESTORED = "restored"

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="clawbacks")
    document = models.JSONField()
    """What was approved: campaign, versions, span, policy, count and sum."""
    digest = models.CharField(max_length=64)
    """Of the document, as its proposal has it."""
    policy = models.CharField(max_length=20)
    """The ledger's ClawbackPolicy."""
    state = models.CharField(max_length=10, choices=State, default=State.TAKING)
    taken_on = models.DateField()
    """The business day on which the books have it, and of what is given back `restored_on`."""
    restored_on = models.DateField(null=True)
    begun_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    """When the last line was done, of the taking or of the restoring; None while it runs."""
    lines_count = models.PositiveIntegerField()
    lines_done = models.PositiveIntegerField(default=0)
    """Of the taking; while it is restored, of that."""
    taken_points = models.BigIntegerField(default=0)
    restored_points = models.BigIntegerField(default=0)


class Clawed(models.Model):
    """One decision that a clawback takes back: what becomes of it."""

    class State(models.TextChoices):
        OPEN = "open"
        TAKEN = "taken"
        SPARED = "spared"  # nothing of it stood any more when its turn came; `note` says why
        RESTORED = "restored"
        GONE = "gone"  # taken; not restored, because its payment or subscriber is gone

    pk = models.CompositePrimaryKey("subscriber_id", "event_id", "rule_id", "clawback_id")
    subscriber_id = models.BigIntegerField()
    event_id = models.BigIntegerField()
    rule_id = models.CharField(max_length=60)
    clawback = models.ForeignKey(Clawback, on_delete=models.PROTECT, related_name="lines")
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    note = models.CharField(max_length=20, default="")
    taken_points = models.BigIntegerField(default=0)
    restored_points = models.BigIntegerField(default=0)
    is_promise = models.BooleanField(default=False)
    """What was taken was a promise of points, which is withdrawn without a posting."""
    parts = models.PositiveSmallIntegerField(default=0)
    """The postings (or the promise) that took it; once restored, those that gave it back."""

    class Meta:
        indexes = [
            models.Index(fields=["clawback", "state", "subscriber_id"], name="clawed_in_turn"),
        ]


# ---- lists of subscribers --------------------------------------------------------------------
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


# ---- simulation ------------------------------------------------------------------------------
class Export(models.Model):
    """One row: until which moment of deciding the events are exported. Whoever exports locks it."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    until = models.DateTimeField(null=True)


class ExportFile(models.Model):
    """A Parquet file that is whole and counts. What else lies in the folder is nobody's."""

    name = models.CharField(max_length=80, primary_key=True)
    month = models.DateField()
    """Of its events, by their own day in Tashkent; cancellations stand in their payment's month."""
    events = models.PositiveBigIntegerField()
    first_us = models.BigIntegerField(null=True)
    last_us = models.BigIntegerField(null=True)
    """When the first and the last of its events occurred, in microseconds since 1970; None: of a file
    with nothing but cancellations."""
    until = models.DateTimeField()
    """The moment of deciding before which everything in it was decided."""

    class Meta:
        indexes = [models.Index(fields=["month"], name="exportfile_month")]


class ExportErased(models.Model):
    """Somebody erased whose events the next tidying takes out of the files."""

    subscriber_id = models.BigIntegerField(primary_key=True)


class Simulation(models.Model):
    """A campaign's document put to past events, beside what was in force for them."""

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        CANCELLED = "cancelled"

    digest = models.CharField(max_length=64)
    """Of the document, as a proposal of it is named."""
    code = models.SlugField(max_length=60)
    document = models.JSONField()
    first_day = models.DateField()
    last_day = models.DateField()
    """Business days in Tashkent, both included."""
    engine = models.CharField(max_length=64)
    """What decided: another release may decide otherwise (club/accrual/simulation/engine.py)."""
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    progress_percent = models.PositiveSmallIntegerField(default=0)
    results = models.JSONField(null=True)
    note = models.CharField(max_length=300, default="")
    """Why it failed."""
    asked_by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["digest", "state"], name="simulation_of_document"),
            models.Index(fields=["code", "-asked_at"], name="simulation_of_campaign"),
        ]

"""Reads of events, rules and decisions. Points are whole numbers, amounts in tiyin."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import Count, Q, Sum

from club.accrual.errors import NoSuchEvent
from club.accrual.models import Decision, Event, EventState, RuleVersion
from club.accrual.rules.explain import Explanation, explain
from club.accrual.rules.facts import Facts, remembered
from club.accrual.rules.to_python import compiled
from club.languages import Texts

PAGE_ROWS_MAX = 200


# ---- rules -----------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Version:
    """A rule version as a batch needs it: its text, its purse, and when it holds."""

    rule_id: str
    hash: str
    canonical: str
    fund: int
    since: datetime | None
    until: datetime | None

    def is_in_force(self, at: datetime) -> bool:
        """since ≤ at < until."""
        return (self.since is None or self.since <= at) and (self.until is None or at < self.until)


def versions_between(first: datetime, last: datetime) -> list[Version]:
    """Every version in force at some moment from `first` to `last`, in the order of rule ids."""
    found = (
        RuleVersion.objects.filter(in_force__overlap=DateTimeTZRange(first, last, "[]"))
        .select_related("campaign")
        .order_by("rule_id", "recorded_at")
    )
    return [
        Version(
            rule_id=one.rule_id,
            hash=one.hash,
            canonical=one.canonical,
            fund=one.campaign.fund,
            since=one.in_force.lower,
            until=one.in_force.upper,
        )
        for one in found
    ]


# ---- why, and why not ------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Told:
    """One stored decision with the tree that leads to it. `explanation` is None for what a
    cancellation took back: nothing was weighed there."""

    rule_id: str
    rule_hash: str
    names: Texts
    wanted: int
    granted: int
    reason: str
    promised_at: datetime | None
    explanation: Explanation | None


@dataclass(frozen=True, slots=True)
class EventTold:
    """An event and why it brought what it brought. Without decisions `note` says why."""

    event_id: int
    kind: str
    source: str
    external_id: str
    subscriber_id: int | None
    occurred_at: datetime
    received_at: datetime
    amount_tiyin: int
    channel: str
    state: str
    note: str
    facts: Facts | None
    told: tuple[Told, ...]

    @property
    def granted_points(self) -> int:
        return sum(one.granted for one in self.told)


def explain_event(*, event_id: int, rule_id: str | None = None) -> EventTold:
    """Why an event brought points, or none: each rule asked, by the facts and the version of then.

    With `rule_id` only that rule. The trees are computed again from the stored facts and the
    stored text, so they say the same for ever. Raises NoSuchEvent. Three queries.
    """
    event = Event.objects.filter(pk=event_id).first()
    if event is None:
        raise NoSuchEvent("there is no such event", event_id=event_id)
    decisions: list[Decision] = []
    if event.subscriber_id is not None:
        decided = Decision.objects.filter(subscriber_id=event.subscriber_id, event_id=event.pk)
        decisions = [one for one in decided.order_by("rule_id") if rule_id in (None, one.rule_id)]
    versions = RuleVersion.objects.in_bulk([decision.rule_hash for decision in decisions])
    facts = remembered(event.facts) if event.facts else None
    return EventTold(
        event_id=event.pk,
        kind=event.kind,
        source=event.source,
        external_id=event.external_id,
        subscriber_id=event.subscriber_id,
        occurred_at=event.occurred_at,
        received_at=event.received_at,
        amount_tiyin=event.amount_tiyin,
        channel=event.channel,
        state=event.state,
        note=event.note,
        facts=facts,
        told=tuple(_told(one, versions[one.rule_hash], facts) for one in decisions),
    )


def _told(decision: Decision, version: RuleVersion, facts: Facts | None) -> Told:
    explanation = None
    if facts is not None:
        explanation = explain(compiled(version.canonical).rule, facts, version=version.hash)
    return Told(
        rule_id=decision.rule_id,
        rule_hash=decision.rule_hash,
        names=version.names,
        wanted=decision.wanted,
        granted=decision.granted,
        reason=decision.reason,
        promised_at=decision.promised_at,
        explanation=explanation,
    )


def events_of(
    *, subscriber_id: int, limit: int, before: tuple[datetime, int] | None = None
) -> list[Event]:
    """A subscriber's events, newest first, those without points too.

    `before` is (occurred_at, id) of the last one of the page before.
    """
    assert 0 < limit <= PAGE_ROWS_MAX
    events = Event.objects.filter(subscriber_id=subscriber_id)
    if before is not None:
        at, event_id = before
        events = events.filter(Q(occurred_at__lt=at) | Q(occurred_at=at, id__lt=event_id))
    return list(events.order_by("-occurred_at", "-id")[:limit])


def decisions_of(*, subscriber_id: int, event_ids: Sequence[int]) -> dict[int, list[Decision]]:
    """The decisions about some events of one subscriber, by event."""
    found: dict[int, list[Decision]] = {}
    for decision in Decision.objects.filter(
        subscriber_id=subscriber_id, event_id__in=event_ids
    ).order_by("event_id", "rule_id"):
        found.setdefault(decision.event_id, []).append(decision)
    return found


# ---- the whole -------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Totals:
    """The inbox and its decisions. `granted_points` is less what cancellations took back."""

    events: dict[str, int]
    decisions: int
    granted_points: int

    def summary(self) -> str:
        counted = ", ".join(f"{count:,} {state}" for state, count in self.events.items() if count)
        return f"{counted or 'no events'}; {self.decisions:,} decisions, {self.granted_points:,} points"


def counts_by_state() -> dict[str, int]:
    """How many events stand in each state; every state is named."""
    counted = dict(Event.objects.order_by().values_list("state").annotate(Count("id")))
    return {state.value: counted.get(state.value, 0) for state in EventState}


def totals() -> Totals:
    """Counts whole tables: for a demo, a proof or a nightly report, not for a page."""
    sums = Decision.objects.aggregate(rows=Count("rule_id"), granted=Sum("granted", default=0))
    return Totals(events=counts_by_state(), decisions=sums["rows"], granted_points=sums["granted"])

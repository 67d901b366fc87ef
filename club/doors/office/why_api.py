"""Why, why not, and what if, as data. Subscribers are named by their id: a number in an address would
stand in every log, so it is asked for by posting it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from django.http import Http404
from django.utils import timezone
from ninja import Router, Schema
from pydantic import AwareDatetime, Field, create_model

from club.access import actions as access
from club.accrual.rules.explain import Answer, Branch, Leaf
from club.accrual.rules.facts import AMOUNT_TIYIN_MAX, FIELDS
from club.accrual.rules.model import INTEGER_MAX, Limit, Occasion, Scalar, Text
from club.accrual.rules.nearest import ANOTHER, Change
from club.clock import day_of
from club.doors.app.schemas import In
from club.doors.office.auth import StaffRequest, StaffWith
from club.languages import Texts
from club.reports.decisions import ExplainedDecision, ExplainedEvent
from club.reports.why import supposing, telling
from club.reports.why.reader import Reader
from club.reports.why.sentences import Case
from club.subscribers import queries as subscribers
from club.subscribers.models import Subscriber
from club.subscribers.rules import msisdn

router = Router(auth=StaffWith("subscribers.view_subscriber"))
EVENTS_MAX = 20
ACCEPTED_MAX = 30
SUPPOSED_FROM, SUPPOSED_UNTIL = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


# ---- what comes in ---------------------------------------------------------------------------
class NumberIn(In):
    msisdn: Annotated[str, Field(max_length=40, examples=["+998 90 123 45 67"])]


LISTS_MAX = 50
RANGES = {
    "amount": (0, AMOUNT_TIYIN_MAX),
    "weekday": (1, 7),
    "hour": (0, 23),
    "tenure_months": (0, 1_200),
}


def _type_of(field: str) -> Any:
    """What may be supposed of a fact; null is "not known"."""
    if FIELDS[field] is str:
        return Text | None
    if FIELDS[field] is bool:
        return bool | None
    if FIELDS[field] is tuple:
        return Annotated[tuple[Text, ...], Field(max_length=LISTS_MAX)] | None
    lowest, highest = RANGES.get(field, (-INTEGER_MAX, INTEGER_MAX))
    return Annotated[int, Field(ge=lowest, le=highest, strict=True)] | None


_facts: dict[str, Any] = {field: (_type_of(field), None) for field in FIELDS}
FactsIn = create_model("FactsIn", __base__=In, **_facts)
"""What is to be otherwise than it is: amounts in tiyin, 1 is Monday, null is not known."""


class SupposedIn(In):
    """`at` is the moment of the event, past or to come; now if it is left out."""

    at: Annotated[AwareDatetime, Field(ge=SUPPOSED_FROM, lt=SUPPOSED_UNTIL)] | None = None
    facts: FactsIn = FactsIn()  # type: ignore[valid-type]


# ---- what goes out ---------------------------------------------------------------------------
class SubscriberOut(Schema):
    id: int


class ClauseOut(Schema):
    """A clause of a condition: one fact with what was wanted and got, or all, any or not of `parts`."""

    is_met: bool
    field: str | None = None
    op: str | None = None
    wanted: Any = None
    got: Any = None
    word: str | None = None
    parts: Sequence["ClauseOut"] = ()


class ChangeOut(Schema):
    """A fact that had to be otherwise: the nearest `value`, null for any that is in no rule; `accepted`
    are what was tried and would do, the first thirty."""

    field: str
    value: Any
    accepted: Sequence[Any]


class LimitOut(Schema):
    limit: Limit
    used: int
    resets_at: datetime | None


class OccasionOut(Schema):
    """An occasion that has not come: the events, tiyin or periods there are with this event."""

    occasion: Occasion = Field(discriminator="kind")
    have: int
    resets_at: datetime | None


class DecisionOut(Schema):
    """One rule version: what it wanted and was granted, and what stopped it. `would_count` is the
    least that would have made it count, null where there is no such small thing."""

    rule_id: str
    version: str
    names: Texts
    wanted: int
    granted: int
    reason: str
    condition: ClauseOut | None
    first_failed: ClauseOut | None
    limit: LimitOut | None
    occasion: OccasionOut | None
    instead: str | None
    would_count: Sequence[ChangeOut] | None
    sentences: Texts


class EventOut(Schema):
    id: int
    kind: str
    occurred_at: datetime
    amount_tiyin: int
    channel: str
    state: str
    points: int
    reason: str


class EventsOut(Schema):
    items: Sequence[EventOut]


class EventWhyOut(Schema):
    event: EventOut
    note: str
    facts: Mapping[str, Any] | None
    sentences: Texts
    decisions: Sequence[DecisionOut]


class WhatIfOut(Schema):
    """`points` is what would be granted now; nothing was written."""

    at: datetime
    points: int
    facts: Mapping[str, Any]
    decisions: Sequence[DecisionOut]


# ---- addresses -------------------------------------------------------------------------------
@router.post("/subscribers/find", response=SubscriberOut)
def find_subscriber(request: StaffRequest, body: NumberIn) -> SubscriberOut:
    """Whose number this is."""
    found = subscribers.by_msisdn(msisdn(body.msisdn))
    if found is None:
        raise Http404
    return SubscriberOut(id=found.id)


@router.get("/subscribers/{int:subscriber_id}/events", response=EventsOut)
def list_events(request: StaffRequest, subscriber_id: int) -> EventsOut:
    """The newest twenty events, each with its reason in the subscriber's language."""
    subscriber = _read_by(request, subscriber_id)
    reader = _reader(subscriber)
    events = telling.newest(subscriber_id=subscriber.id, limit=EVENTS_MAX)
    return EventsOut(items=[_event(event, reader) for event in events])


@router.get("/subscribers/{int:subscriber_id}/events/{int:event_id}/why", response=EventWhyOut)
def explain_event(request: StaffRequest, subscriber_id: int, event_id: int) -> EventWhyOut:
    """Every rule that was asked about the event, with all that it saw."""
    subscriber = _read_by(request, subscriber_id)
    reader = _reader(subscriber)
    event = telling.event_of(subscriber_id=subscriber.id, event_id=event_id)
    return EventWhyOut(
        event=_event(event, reader),
        note=event.event.note,
        facts=event.event.facts,
        sentences=telling.reason_in_all_languages(event, reader),
        decisions=_decisions(event.decisions, event.event.occurred_at, reader),
    )


@router.post("/subscribers/{int:subscriber_id}/what-if", response=WhatIfOut)
def suppose(request: StaffRequest, subscriber_id: int, body: SupposedIn) -> WhatIfOut:
    """What an event with other facts, or at another moment, would bring now. Nothing is written."""
    subscriber = _read_by(request, subscriber_id)
    reader = _reader(subscriber)
    supposed = supposing.suppose(
        subscriber=subscriber,
        at=body.at or timezone.now(),
        facts=body.facts.model_dump(exclude_unset=True),  # type: ignore[attr-defined]
        levels=[*reader.levels],
    )
    return WhatIfOut(
        at=supposed.at,
        points=supposed.points,
        facts=supposed.facts._asdict(),
        decisions=_decisions(supposed.decisions, supposed.at, reader),
    )


def _read_by(request: StaffRequest, subscriber_id: int) -> Subscriber:
    """The subscriber; that it was read is recorded first."""
    subscriber = subscribers.by_id(subscriber_id)
    if subscriber is None:
        raise Http404
    access.record_reading(
        by=request.auth, subject_kind="subscriber", subject_id=subscriber.id, now=timezone.now()
    )
    return subscriber


def _reader(subscriber: Subscriber) -> Reader:
    return telling.reader(subscriber, language=subscriber.language, today=day_of(timezone.now()))


# ---- into what goes out ----------------------------------------------------------------------
def _event(explained: ExplainedEvent, reader: Reader) -> EventOut:
    event = explained.event
    return EventOut(
        id=event.id,
        kind=event.kind,
        occurred_at=event.occurred_at,
        amount_tiyin=event.amount_tiyin,
        channel=event.channel,
        state=event.state,
        points=explained.granted,
        reason=telling.tell(explained, reader, most=telling.WEIGHED_MAX).reason,
    )


def _decisions(
    found: Sequence[ExplainedDecision], at: datetime, reader: Reader
) -> list[DecisionOut]:
    all_cases = telling.cases(found, occurred_on=day_of(at), reader=reader, most=len(found))
    return [_decision(case) for case in all_cases]


def _decision(case: Case) -> DecisionOut:
    decision = case.decision
    steps, because = decision.steps, decision.because
    is_failed = steps is not None and not steps.condition.ok
    return DecisionOut(
        rule_id=decision.rule_id,
        version=decision.rule_hash,
        names=decision.names,
        wanted=decision.wanted,
        granted=decision.granted,
        reason=decision.reason,
        condition=_clause(steps.condition) if steps else None,
        first_failed=_clause(steps.deciding_leaves()[0]) if steps and is_failed else None,
        limit=_limit(decision),
        occasion=_occasion(decision),
        instead=because.rule_id if because else None,
        would_count=[_change(change) for change in case.changes] if case.changes else None,
        sentences=telling.in_all_languages(case),
    )


def _limit(decision: ExplainedDecision) -> LimitOut | None:
    """What all subscribers used together is a figure of the business, and the office sees it."""
    because = decision.because
    if because is None or because.limit is None:
        return None
    return LimitOut(limit=because.limit, used=because.used, resets_at=decision.resets_at)


def _occasion(decision: ExplainedDecision) -> OccasionOut | None:
    because = decision.because
    if because is None or because.occasion is None:
        return None
    return OccasionOut(occasion=because.occasion, have=because.used, resets_at=decision.resets_at)


def _clause(answer: Answer) -> ClauseOut:
    match answer:
        case Leaf(ok=ok, field=field, op=op, want=want, got=got):
            return ClauseOut(is_met=ok, field=field, op=op, wanted=want, got=got)
        case Branch(ok=ok, word=word, parts=parts):
            return ClauseOut(is_met=ok, word=word, parts=[_clause(part) for part in parts])


def _change(change: Change) -> ChangeOut:
    return ChangeOut(
        field=change.field,
        value=_named(change.value),
        accepted=[_named(value) for value in change.accepted[:ACCEPTED_MAX]],
    )


def _named(value: Scalar) -> Scalar | None:
    return None if value == ANOTHER else value

"""What a subscriber is told about their own events: of a line why it came, of an event that brought
nothing why not, and of each offer what would have made it count."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from django.utils import translation
from django.utils.translation import gettext as _

from club.accrual.grants import parse_ref
from club.accrual.models import Event, EventState, Kind
from club.accrual.rules.explain import Reason
from club.accrual.rules.facts import Facts
from club.accrual.rules.nearest import EASIEST, Change
from club.clock import day_of
from club.errors import ClubError
from club.languages import CODES, Texts
from club.ledger.rules import Source
from club.programme.models import Programme
from club.reports import decisions, wording
from club.reports.decisions import ExplainedDecision, ExplainedEvent
from club.reports.why.reader import Reader
from club.reports.why.sentences import Case, sentence
from club.subscribers.models import Subscriber
from club.tiers.models import Tier

WEIGHED_MAX = 5
"""Of so many near misses the nearest is told; each costs some hundred microseconds."""
OFFERS_TOLD_MAX = 10


class NothingToTell(ClubError):
    """The subscriber has no such line, or no event of theirs made it."""

    code = "not_found"


@dataclass(frozen=True)
class ToldOffer:
    """What one offer said to an event, as its subscriber reads it."""

    title: str
    points: int
    reason: str


@dataclass(frozen=True)
class Told:
    """An event as its subscriber reads it. `offer` is what the one sentence `reason` is about, None
    where it is about none; `offers` are all, the most telling first, and at most OFFERS_TOLD_MAX."""

    event_id: int
    at: datetime
    title: str
    points: int
    offer: str | None
    reason: str
    offers: Sequence[ToldOffer]


# ---- what subscribers ask --------------------------------------------------------------------
def of_line(*, subscriber_id: int, line_id: str, language: str, now: datetime) -> Told:
    """Why a line of the history came, by the id it has there. Five queries at most.

    Raises NothingToTell for a line of somebody else, and for one that no event brought.
    """
    event_id, rule_id = _behind(line_id)
    event = event_of(subscriber_id=subscriber_id, event_id=event_id)
    told_to = reader_of(subscriber_id=subscriber_id, language=language, today=day_of(now))
    return tell(event, told_to, rule_id=rule_id)


def missed(*, subscriber_id: int, language: str, now: datetime, limit: int) -> list[Told]:
    """The newest events that brought nothing, each with its reason. Seven queries at most."""
    events = decisions.explained(
        subscriber_id=subscriber_id, event_ids=(), fruitless_max=limit
    ).values()
    if not events:
        return []
    told_to = reader_of(subscriber_id=subscriber_id, language=language, today=day_of(now))
    return [tell(event, told_to, most=WEIGHED_MAX) for event in events]


def newest(*, subscriber_id: int, limit: int) -> list[ExplainedEvent]:
    """The newest events, whatever came of them. Four queries."""
    ids = Event.objects.filter(subscriber_id=subscriber_id).order_by("-occurred_at", "-id")
    found = decisions.explained(
        subscriber_id=subscriber_id,
        event_ids=[*ids.values_list("id", flat=True)[:limit]],
        fruitless_max=0,
    )
    return [*found.values()]


def event_of(*, subscriber_id: int, event_id: int) -> ExplainedEvent:
    """One event of the subscriber. Raises NothingToTell where they have no such event."""
    found = decisions.explained(
        subscriber_id=subscriber_id, event_ids=[event_id], fruitless_max=0
    ).get(event_id)
    if found is None:
        raise NothingToTell("there is no such event")
    return found


def reader_of(*, subscriber_id: int, language: str, today: date) -> Reader:
    """Raises NothingToTell where nobody has this id."""
    subscriber = Subscriber.objects.filter(id=subscriber_id).only("joined_at").first()
    if subscriber is None:
        raise NothingToTell("nobody has this number any more")
    return reader(subscriber, language=language, today=today)


def reader(subscriber: Subscriber, *, language: str, today: date) -> Reader:
    """One query: the names of the levels of the programme's main scheme."""
    main = Tier.objects.filter(scheme__tiers__in=Programme.objects.values("base_tier"))
    levels = dict(main.order_by("rank").values_list("code", "names"))
    joined_on = day_of(subscriber.joined_at)
    return Reader(language=language, today=today, joined_on=joined_on, levels=levels)


def _behind(line_id: str) -> tuple[int, str]:
    """The event and the rule behind a line, out of its id: day, source, ref."""
    _day, _, rest = line_id.partition(":")
    source, _, ref = rest.partition(":")
    behind = parse_ref(ref) if source == str(Source.ACCRUAL.value) else None
    if behind is None or behind[0] >= 2**63:
        raise NothingToTell("no event brought this line")
    return behind


# ---- what they are told ----------------------------------------------------------------------
def tell(
    event: ExplainedEvent,
    reader: Reader,
    *,
    rule_id: str | None = None,
    most: int = OFFERS_TOLD_MAX,
) -> Told:
    """The event in the reader's language, with at most `most` offers; with `rule_id` the sentence is
    about that rule's decision."""
    with translation.override(reader.language):
        return _told(event, reader, rule_id, most)


def in_the_readers_language(case: Case) -> str:
    """The sentence of one decision."""
    with translation.override(case.reader.language):
        return sentence(case)


def reason_in_all_languages(event: ExplainedEvent, reader: Reader) -> Texts:
    """The one sentence about the event in every language of the programme."""
    return {language: tell(event, replace(reader, language=language)).reason for language in CODES}


def in_all_languages(case: Case) -> Texts:
    """The sentence of one decision in every language of the programme."""
    return {
        language: in_the_readers_language(
            replace(case, reader=replace(case.reader, language=language))
        )
        for language in CODES
    }


def cases(
    found: Sequence[ExplainedDecision],
    *,
    occurred_on: date,
    reader: Reader,
    rule_id: str | None = None,
    most: int = OFFERS_TOLD_MAX,
) -> list[Case]:
    """The decisions about one event with what their sentences need: that of `rule_id` first, then
    the most telling, at most `most`."""
    names = {decision.rule_id: decision.names for decision in found}
    levels = [*reader.levels]
    ordered = sorted(found, key=lambda one: (one.rule_id != rule_id, _first_told(one)))
    weighed = [_case(decision, names, levels, occurred_on, reader) for decision in ordered[:most]]
    nearest = sorted(
        weighed[:WEIGHED_MAX], key=lambda one: (one.decision.rule_id != rule_id, _distance(one))
    )
    return nearest + weighed[WEIGHED_MAX:]


def _case(
    decision: ExplainedDecision,
    names: Mapping[str, Texts],
    levels: Sequence[str],
    occurred_on: date,
    reader: Reader,
) -> Case:
    other = decision.because.rule_id if decision.because else None
    return Case(
        decision=decision,
        changes=decision.changes(levels),
        instead=names.get(other or ""),
        occurred_on=occurred_on,
        reader=reader,
    )


def _told(event: ExplainedEvent, reader: Reader, rule_id: str | None, most: int) -> Told:
    happened = event.event
    found = cases(
        event.decisions,
        occurred_on=day_of(happened.occurred_at),
        reader=reader,
        rule_id=rule_id,
        most=most,
    )
    offers = [
        ToldOffer(
            title=reader.text(case.decision.names),
            points=case.decision.granted,
            reason=sentence(case),
        )
        for case in found
    ]
    return Told(
        event_id=happened.id,
        at=happened.occurred_at,
        title=_title(happened),
        points=event.granted,
        offer=offers[0].title if offers else None,
        reason=offers[0].reason if offers else _without_offers(happened),
        offers=offers,
    )


def _title(event: Event) -> str:
    match event.kind:
        case Kind.PAYMENT:
            return _("You paid {amount}: {channel}, {day}").format(
                amount=wording.money(event.amount_tiyin),
                channel=wording.channel(event.channel) or event.channel,
                day=wording.day(day_of(event.occurred_at)),
            )
        case Kind.CANCELLATION:
            return _("Payment cancelled")
        case _:
            return _("What you did on {day}").format(day=wording.day(day_of(event.occurred_at)))


def _without_offers(event: Event) -> str:
    """Why no offer was asked about the event, or none is to be told."""
    match event.state, event.kind:
        case EventState.NEW, _:
            return _("We are counting it; the points come in a moment")
        case EventState.WAITING, Kind.CANCELLATION:
            return _("It waits for the payment that was cancelled")
        case EventState.WAITING, _:
            return _("It waits until this number is in the club")
        case EventState.REVIEW, _:
            return _("Our staff are looking at it")
        case EventState.FAILED, _:
            return _("A fault on our side: our staff are looking at it")
        case _, Kind.CANCELLATION:
            return _("The cancelled payment had brought no points")
        case _:
            return _("No offer was open at that time")


# ---- which decision says most ----------------------------------------------------------------
STOPPED = {
    Reason.CANCELLED.value: 1,
    Reason.LIMIT.value: 2,
    Reason.NOT_YET.value: 3,
    Reason.EXCLUDED.value: 4,
    Reason.OUTSTACKED.value: 4,
}


def _first_told(decision: ExplainedDecision) -> tuple[int, int, str]:
    """What moved points, then what wanted some and was stopped, then the nearest miss; last what was
    never meant for the subscriber."""
    if decision.reason == Reason.HOLDOUT:
        return 3, 0, decision.rule_id
    if decision.granted or decision.facts is None:
        return 0, 0, decision.rule_id
    if decision.reason in STOPPED:
        return 1, STOPPED[decision.reason], decision.rule_id
    return 2, decision.clauses_failed, decision.rule_id


def _distance(case: Case) -> tuple[int, int, int, int, int]:
    """The fewest changes; of these the ones that a person can make, and then the smaller step."""
    group, nearness, _rule_id = _first_told(case.decision)
    facts = case.decision.facts
    if group < 2 or facts is None:
        return group, nearness, 0, 0, 0
    changes = case.changes or ()
    hardest = max((EASIEST.index(change.field) for change in changes), default=len(EASIEST))
    step = sum(_step(change, facts) for change in changes)
    return group, 0, len(changes) or len(EASIEST), hardest, step


def _step(change: Change, facts: Facts) -> int:
    if change.field not in ("amount", "tenure_months"):
        return 0
    return abs(int(change.value) - int(getattr(facts, change.field) or 0))

"""What would come of an event that has not happened: another amount, tariff or day.

Decided as a real one would be at this moment, and nothing is written or locked: what limits leave is
read, and a real event that comes meanwhile may have it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from club.accrual import counters
from club.accrual.models import EventState, Kind
from club.accrual.putting import granted_of, put_to, rulebook
from club.accrual.queries import Version, versions_between
from club.accrual.rules.explain import Explanation, explain
from club.accrual.rules.facts import FIELDS, Facts
from club.accrual.rules.granting import Bid, Grant, contest
from club.accrual.rules.nearest import Value
from club.accrual.segments import asked_for
from club.accrual.taking import Taken, facts_of
from club.subscribers.models import Subscriber

USUAL: dict[str, Value | None] = {"event_type": Kind.PAYMENT.value, "channel": "app", "amount": 0}
"""Of a supposed event that does not say otherwise."""


class Answer(NamedTuple):
    """What one rule version says: how it counted, and what of it would be granted."""

    version: Version
    steps: Explanation
    grant: Grant


@dataclass(frozen=True)
class Outcome:
    """`answers` of every version in force at that moment, in their order."""

    facts: Facts
    answers: tuple[Answer, ...]

    @property
    def points(self) -> int:
        return sum(answer.grant.points for answer in self.answers)


def what_if(
    *,
    subscriber: Subscriber,
    at: datetime,
    facts: Mapping[str, Value | None],
    base_tier: str,
) -> Outcome:
    """What an event of `subscriber` at `at`, past or to come, would bring now; `facts` are those that
    differ from what is known of them and of that moment, None for unknown. Amounts in tiyin."""
    assert facts.keys() <= FIELDS.keys(), "the door takes no other facts"
    versions = versions_between(at, at)
    segments = asked_for(tuple(version.canonical for version in versions))
    event, seen = supposed(subscriber, at, base_tier, segments, facts)
    book = rulebook(versions, at, event.kind)
    put = put_to(book, event, seen)
    used = counters.seen_at(place for one in put.candidates for place in one.places)
    told = [(one.version, explain(one.rule, seen, version=one.version.hash)) for one in book.asked]
    granted = {one.rule.id: what for one, what in granted_of(put, event, used)}
    if book.follows_from_facts:  # then whoever lost is no candidate
        bids = [
            Bid(one.rule, steps.points) for one, (_, steps) in zip(book.asked, told, strict=True)
        ]
        granted |= contest([bid for bid in bids if bid.points])[1]
    answers = (
        Answer(version, steps, granted.get(version.rule_id) or Grant(0, steps.reason))
        for version, steps in told
    )
    return Outcome(seen, tuple(answers))


def supposed(
    subscriber: Subscriber,
    at: datetime,
    base_tier: str,
    segments: Sequence[str],
    given: Mapping[str, Value | None],
) -> tuple[Taken, Facts]:
    """The event, and what the rules see of it: as of a real one, but for what is supposed."""
    usual = USUAL | {**given}
    event = Taken(
        id=0,
        kind=str(usual["event_type"]),
        source="",
        external_id="",
        msisdn=subscriber.msisdn,
        subscriber_id=subscriber.id,
        occurred_at=at,
        amount_tiyin=int(usual["amount"] or 0),
        channel=str(usual["channel"]),
        tariff=subscriber.tariff or None,
        region=subscriber.region or None,
        birth_date=subscriber.birth_date,
        joined_at=subscriber.joined_at,
        state=EventState.NEW,
        details=None,
    )
    facts = facts_of([event], base_tier=base_tier, segments=segments)[event.id]
    return event, facts._replace(**given)

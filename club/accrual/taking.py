"""Taking events out of the inbox, with everything their decision needs, in a few statements.

Who deletes an event from the queue decides it. Every lock here is taken with `skip locked`: workers
never wait for each other over events, so they cannot wait crosswise. What one worker leaves aside
because another holds it, the minute's round of `accrual.adopt_waiting` brings back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from club.accrual.grants import ref
from club.accrual.incoming import Key
from club.accrual.rows import columns, rows
from club.accrual.rules.event_types import CANCELLATION_OF_E, EVENT_TYPES, cancelled_by, facts_in
from club.accrual.rules.facts import Facts, is_birthday, is_holiday, seen, whole_months
from club.accrual.segments import of_subscribers
from club.arrays import literal
from club.clock import TASHKENT, day_of
from club.ledger.rules import fingerprint_of
from club.tiers import queries as tiers


class Stand(NamedTuple):
    """A key under which the books have points of a grant; a promise may be kept meanwhile."""

    ref: str
    day: date
    is_promise: bool


@dataclass(frozen=True, slots=True)
class Granted:
    """What a decision gave, as its cancellation needs it: no points, where it only counted the event
    towards an occasion."""

    rule_id: str
    rule_hash: str
    points: int
    promised_at: datetime | None
    canonical: str
    campaign: str
    stands: tuple[Stand, ...]
    """Where its points are: where they were granted, unless a clawback has moved them."""


@dataclass(slots=True)
class Taken:
    """One event under its lock, with what is known of its subscriber."""

    id: int
    kind: str
    source: str
    external_id: str
    msisdn: str
    subscriber_id: int | None
    occurred_at: datetime
    amount_tiyin: int
    channel: str
    tariff: str | None
    region: str | None
    birth_date: date | None
    joined_at: datetime | None
    details: Mapping[str, object] | None
    """None where rules ask nothing of them."""
    state: str
    cancelled_by: int | None = None
    """The event that cancels it, where that has come, too."""
    day: date = field(init=False)
    """The business day, in Tashkent; asked for so often that it is worked out once."""
    hour: int = field(init=False)
    """Of that day."""
    cancels: str | None = field(init=False)
    """The type of event that a cancellation cancels."""

    def __post_init__(self) -> None:
        local = self.occurred_at.astimezone(TASHKENT)
        self.day, self.hour = local.date(), local.hour
        self.cancels = cancelled_by(self.kind)

    @property
    def key(self) -> Key:
        """What an event and its cancellation have in common: that of the event."""
        return self.source, self.external_id, self.cancels or self.kind

    @property
    def content_for_ever(self) -> bytes:
        """The fingerprint for the journal, which nobody can erase: without the number, for who has
        time could find one in a digest by trying all. (The key has subscriber, event and rule.)"""
        return fingerprint_of(self.kind, self.amount_tiyin, self.day.isoformat())


@dataclass(slots=True)
class Unit:
    """What is decided together: a payment with the cancellation that came before it, or in the same
    batch; or a cancellation with the payment it undoes. One of the two may be missing, never both.

    "Payment" stands here and in deciding for an event of any type: what can be cancelled.
    """

    payment: Taken | None
    cancellation: Taken | None
    granted: Sequence[Granted] = ()
    """Of a payment decided earlier."""

    @property
    def subscriber_id(self) -> int | None:
        one = self.payment or self.cancellation
        return one.subscriber_id if one else None


_FROM_THE_QUEUE = """
       with taken as (
           delete from accrual_queued
            where event_id = any(array(select event_id from accrual_queued
                                        order by event_id limit %(limit)b
                                          for update skip locked))
           returning event_id)
"""
_COLUMNS = """
       select e.id, e.kind, e.source, e.external_id, e.msisdn, s.id,
              e.occurred_at, e.amount_tiyin, e.channel, nullif(s.tariff, ''),
              nullif(s.region, ''), s.birth_date, s.joined_at,
              case when e.kind = any(%(detailed)b::text[]) then e.details end
"""


def take(*, limit: int) -> list[Unit]:
    """Take up to `limit` events from the queue, oldest first; pair payments and cancellations."""
    taken = [
        Taken(*row)
        for row in rows(
            f"""
            {_FROM_THE_QUEUE}
            {_COLUMNS}, 'new',
                   (select c.id from accrual_event c
                     where c.source = e.source and c.external_id = e.external_id
                       and c.kind = {CANCELLATION_OF_E})
              from taken t
              join accrual_event e on e.id = t.event_id
              left join subscribers_subscriber s on s.id = e.subscriber_id
             order by e.id
            """,  # noqa: S608  of our own pieces
            limit=limit,
            detailed=_detailed(),
        )
    ]
    payments = [event for event in taken if event.cancels is None]
    early = {event.id: event for event in taken if event.cancels is not None}
    early |= _waiting([p.cancelled_by for p in payments if p.cancelled_by])
    units = [
        Unit(payment, early.get(payment.cancelled_by) if payment.cancelled_by else None)
        for payment in payments
    ]
    paired = {unit.cancellation.id for unit in units if unit.cancellation}
    return units + _with_their_payments([c for c in taken if c.cancels and c.id not in paired])


def facts_of(
    payments: Sequence[Taken], *, base_tier: str, segments: Sequence[str] = ()
) -> dict[int, Facts]:
    """What the rules see, by event: tariff and region as they are now, the level as it was then; of the
    lists on which somebody is now, those of `segments`."""
    known = [(p.subscriber_id, p.occurred_at) for p in payments if p.subscriber_id is not None]
    levels = tiers.tiers_at(known, base=base_tier)
    lists = of_subscribers([subscriber_id for subscriber_id, _ in known], codes=segments)
    facts = {}
    for payment in payments:
        who, day = payment.subscriber_id, payment.day
        assert who is not None, "a payment of an unknown number waits"
        assert payment.joined_at is not None, "it came with the subscriber"
        common = (
            payment.kind,
            payment.amount_tiyin or None,
            payment.channel or None,
            payment.tariff,
            payment.region,
            levels.get((who, payment.occurred_at), base_tier) if levels else base_tier,
            day.isoweekday(),
            payment.hour,
            whole_months(day_of(payment.joined_at), day),
            is_holiday(day),
            is_birthday(payment.birth_date, day),
            lists.get(who, ()) if segments else None,
        )
        declared = facts_in(payment.kind, payment.details) if payment.details else {}
        facts[payment.id] = seen(common, declared)
    return facts


def _detailed() -> list[str]:
    """The types of whose details rules may ask something: no other event brings them along."""
    return [one.name for one in EVENT_TYPES.values() if one.fields]


def _with_their_payments(cancellations: Sequence[Taken]) -> list[Unit]:
    """The payments are locked, too: one that another worker decides at this moment stays away."""
    payments = {payment.key: payment for payment in _decided([c.key for c in cancellations])}
    granted = _granted(list(payments.values()))
    units = []
    for cancellation in cancellations:
        payment = payments.get(cancellation.key)
        units.append(Unit(payment, cancellation, granted.get(payment.id, []) if payment else []))
    return units


def _waiting(event_ids: Sequence[int]) -> dict[int, Taken]:
    """Cancellations that came before their payments, by their ids."""
    if not event_ids:
        return {}
    found = rows(
        f"""
        {_COLUMNS}, o.state
          from accrual_event e
          join accrual_outcome o on o.event_id = e.id and o.state = 'waiting'
          left join subscribers_subscriber s on s.id = e.subscriber_id
         where e.id = any(%(event_ids)b::bigint[])
           for update of o skip locked
        """,
        event_ids=literal(event_ids),
        detailed=_detailed(),
    )
    return {one.id: one for one in (Taken(*row) for row in found)}


def _decided(keys: Sequence[Key]) -> list[Taken]:
    """Those of these events that are decided, and that nobody else is at."""
    if not keys:
        return []
    found = rows(
        f"""
        {_COLUMNS}, o.state
          from unnest(%(sources)b::text[], %(external_ids)b::text[], %(kinds)b::text[])
               as k (source, external_id, kind)
          join accrual_event e using (source, external_id, kind)
          join accrual_outcome o on o.event_id = e.id and o.state = 'decided'
          left join subscribers_subscriber s on s.id = e.subscriber_id
           for update of o skip locked
        """,
        detailed=_detailed(),
        **columns("sources external_ids kinds", keys),
    )
    return [Taken(*row) for row in found]


def _granted(payments: Sequence[Taken]) -> dict[int, list[Granted]]:
    if not payments:
        return {}
    days = {payment.id: payment.day for payment in payments}
    found: dict[int, list[Granted]] = {}
    for event_id, rule_id, hash_, points, promised_at, canonical, campaign in rows(
        """
        select d.event_id, d.rule_id, d.rule_hash, d.granted, d.promised_at, v.canonical, v.campaign_id
          from unnest(%(subscribers)b::bigint[], %(events)b::bigint[])
               as p (subscriber_id, event_id)
          join accrual_decision d using (subscriber_id, event_id)
          join accrual_ruleversion v on v.hash = d.rule_hash
         where d.granted >= 0
         order by d.event_id, d.rule_id
        """,
        **columns("subscribers events", [(p.subscriber_id, p.id) for p in payments]),
    ):
        stand = Stand(ref(event_id, rule_id), days[event_id], promised_at is not None)
        found.setdefault(event_id, []).append(
            Granted(rule_id, hash_, points, promised_at, canonical, campaign, (stand,))
        )
    return found

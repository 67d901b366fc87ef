"""Deciding what was taken: what each rule in force wants, what is granted of it, and what that does
to the books.

What rules want is worked out for all events first. Then comes what depends on order, one event after
the other: stacking, exclusions and limits, and what cancellations give back.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache, partial
from typing import NamedTuple

from club.accrual import counters, erasure
from club.accrual.grants import ref
from club.accrual.models import EventState
from club.accrual.queries import Version
from club.accrual.rules.explain import Reason
from club.accrual.rules.facts import Facts
from club.accrual.rules.granting import Asked, Because, Grant, Place, Used, give_back, grant, places
from club.accrual.rules.model import Rule
from club.accrual.rules.to_python import compiled
from club.accrual.rules.wanting import Want, want
from club.accrual.taking import Granted, Taken, Unit, facts_of
from club.clock import TASHKENT
from club.ledger import actions as ledger
from club.ledger.errors import KeyReused
from club.ledger.rules import ClawbackPolicy, Source
from club.programme.rules import Life, expires_on


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for a whole batch."""

    life: Life
    clawback: ClawbackPolicy
    base_tier: str
    versions: Sequence[Version]


class Wish(NamedTuple):
    """What one rule version wants for one event."""

    version: Version
    rule: Rule
    want: Want


class Put(NamedTuple):
    """A payment that was put to the rules: what they saw, which were asked, and who wants points."""

    facts: Facts
    asked: tuple[str, ...]
    wishes: Sequence[Wish]


class Line(NamedTuple):
    """What one rule version decided about one event; a row of Decision. Made by the thousand, hence
    a tuple: a frozen dataclass takes three times as long to make."""

    subscriber_id: int
    event_id: int
    rule_id: str
    rule_hash: str
    wanted: int
    granted: int
    reason: Reason
    because: Because | None = None
    promised_at: datetime | None = None
    fund: int = 0

    @property
    def ref(self) -> str:
        """Under which the ledger knows what this decision moved."""
        return ref(self.event_id, self.rule_id)


class Settled(NamedTuple):
    """An event's new state, with the decisions that brought it there."""

    event: Taken
    state: EventState
    note: str = ""
    facts: Facts | None = None
    asked: Sequence[str] = ()
    """The hashes of the rule versions that were in force."""
    lines: Sequence[Line] = ()


def settle(units: Sequence[Unit], terms: Terms) -> list[Settled]:
    """Decide every unit and move its points. Raises whatever is wrong with any of them."""
    undecided = [u.payment for u in units if u.payment and not _is_decided(u.payment)]
    known = [payment for payment in undecided if payment.subscriber_id is not None]
    facts = facts_of(known, base_tier=terms.base_tier)
    put = _put(known, facts, terms)
    before = counters.used_at(_places(units, put))
    used = dict(before)
    settled: list[Settled] = []
    for unit in units:
        payment = unit.payment
        if payment is not None and payment.subscriber_id is None:
            settled += _settle_of_nobody(payment, unit.cancellation)
        elif payment is not None and not _is_decided(payment):
            settled += _settle_payment(unit, put[payment.id], used)
        else:
            settled.append(_settle_cancellation(unit, terms.clawback, used))
    _post(settled, life=terms.life)
    counters.write(before, used)
    return settled


def _is_decided(payment: Taken) -> bool:
    return payment.state == EventState.DECIDED


def _put(payments: Sequence[Taken], facts: Mapping[int, Facts], terms: Terms) -> dict[int, Put]:
    """Every payment put to the rules of its own moment."""
    found = {}
    versions: Sequence[Version] = ()
    asked: tuple[str, ...] = ()
    for payment in payments:
        at = payment.occurred_at
        in_force = [version for version in terms.versions if version.is_in_force(at)]
        if in_force != versions:
            versions, asked = in_force, tuple(sorted(version.hash for version in in_force))
        seen = facts[payment.id]
        found[payment.id] = Put(seen, asked, _wishes(seen, versions))
    return found


def _places(units: Sequence[Unit], put: Mapping[int, Put]) -> Iterator[Place]:
    """Every counter that deciding these units may look at."""
    for unit in units:
        payment = unit.payment
        if payment is None or payment.subscriber_id is None:
            continue
        mine = partial(places, subscriber_id=payment.subscriber_id, at=payment.occurred_at)
        for version, rule, _ in put[payment.id].wishes if payment.id in put else ():
            yield from mine(rule, version.campaign)
        for given in unit.granted:
            yield from mine(compiled(given.canonical).rule, given.campaign)


# ---- payments --------------------------------------------------------------------------------
def _wishes(facts: Facts, versions: Sequence[Version]) -> list[Wish]:
    """Of the rules that want points for it. Most want nothing of most events."""
    found = []
    for version in versions:
        rule = compiled(version.canonical)
        wants = want(rule, facts)
        if wants.points:
            found.append(Wish(version, rule.rule, wants))
    return found


def _settle_payment(unit: Unit, put: Put, used: dict[Place, Used]) -> Iterator[Settled]:
    payment, cancellation = unit.payment, unit.cancellation
    assert payment is not None
    assert payment.subscriber_id is not None
    is_cancelled = cancellation is not None and _fits(cancellation, payment)
    asked = [Asked(rule, version.campaign, wants) for version, rule, wants in put.wishes]
    granted = (
        {one.rule.id: Grant(0, Reason.CANCELLED) for one in asked}
        if is_cancelled
        else grant(asked, subscriber_id=payment.subscriber_id, at=payment.occurred_at, used=used)
    )
    lines = [_line(payment, wish, granted[wish.rule.id]) for wish in put.wishes]
    note = "" if put.asked else "no rule was in force"
    yield Settled(payment, EventState.DECIDED, note, put.facts, put.asked, lines)
    if cancellation is not None:
        cancellation.subscriber_id = payment.subscriber_id
        yield (
            Settled(cancellation, EventState.DECIDED, "cancelled before it was decided")
            if is_cancelled
            else _misfit(cancellation)
        )


def _settle_of_nobody(payment: Taken, cancellation: Taken | None) -> Iterator[Settled]:
    """Its subscriber was erased. What was decided before moves nothing more; what was not is a
    payment of an unknown number, as if it had come a moment later."""
    if not _is_decided(payment):
        yield Settled(payment, EventState.WAITING, "unknown number")
    if cancellation is not None:
        is_over = _is_decided(payment)
        yield Settled(
            cancellation,
            EventState.DECIDED if is_over else EventState.WAITING,
            erasure.NOTE if is_over else "its payment has not been decided yet",
        )


def _line(payment: Taken, wish: Wish, granted: Grant) -> Line:
    assert payment.subscriber_id is not None
    version, rule, wants = wish
    return Line(
        payment.subscriber_id,
        payment.id,
        version.rule_id,
        version.hash,
        wants.wanted,
        granted.points,
        granted.reason,
        granted.because,
        _promised_at(payment.day, rule.reward.confirm_after_days),
        version.fund,
    )


def _promised_at(day: date, confirm_after_days: int) -> datetime | None:
    """The first moment, in Tashkent, of the day on which promised points become spendable."""
    if not confirm_after_days:
        return None
    return datetime.combine(day + timedelta(days=confirm_after_days), time(), TASHKENT)


def _post(settled: Sequence[Settled], *, life: Life) -> None:
    """Everything granted in one statement, everything promised in another."""
    last_day_of = cache(partial(expires_on, life=life))  # a batch has few days
    accruals: list[ledger.Accrual] = []
    promises: list[ledger.Promise] = []
    for one in settled:
        day = one.event.day
        for line in one.lines:
            if line.granted <= 0:
                continue
            fingerprint = one.event.content_for_ever(line.rule_id)
            key = line.subscriber_id, line.ref, day, line.granted
            if line.promised_at is None:
                last_day = last_day_of(day)
                accruals.append(ledger.Accrual(*key, last_day, line.fund, fingerprint))
            else:
                # Promised points live from the day on which they can be spent.
                last_day = last_day_of(line.promised_at.date())
                promises.append(
                    ledger.Promise(*key, last_day, line.fund, fingerprint, line.promised_at)
                )
    conflicts: tuple[str, ...] = ()
    if accruals:
        conflicts += ledger.post_many(source=Source.ACCRUAL, accruals=accruals).conflicts
    if promises:
        conflicts += ledger.promise_many(source=Source.ACCRUAL, promises=promises).conflicts
    if conflicts:
        raise KeyReused(f"the books know {conflicts[0]} with other content")


# ---- cancellations ---------------------------------------------------------------------------
def _settle_cancellation(unit: Unit, policy: ClawbackPolicy, used: dict[Place, Used]) -> Settled:
    """Take back what a payment decided earlier has brought; its own decisions stay as they are."""
    cancellation, payment = unit.cancellation, unit.payment
    assert cancellation is not None
    if payment is None:
        return Settled(cancellation, EventState.WAITING, "its payment has not been decided yet")
    if not _fits(cancellation, payment):
        return _misfit(cancellation)
    cancellation.subscriber_id = payment.subscriber_id
    lines = [_take_back(one, cancellation, payment, policy) for one in unit.granted]
    assert payment.subscriber_id is not None
    for one in unit.granted:
        give_back(
            compiled(one.canonical).rule,
            one.campaign,
            points=one.points,
            subscriber_id=payment.subscriber_id,
            at=payment.occurred_at,
            used=used,
        )
    note = "" if lines else "its payment had brought no points"
    return Settled(cancellation, EventState.DECIDED, note, lines=lines)


def _fits(cancellation: Taken, payment: Taken) -> bool:
    """A cancellation may be silent about number and amount; what it says must be the payment's."""
    return cancellation.msisdn in ("", payment.msisdn) and cancellation.amount_tiyin in (
        0,
        payment.amount_tiyin,
    )


def _misfit(cancellation: Taken) -> Settled:
    note = "names another number or amount than its payment"
    return Settled(cancellation, EventState.REVIEW, note)


def _take_back(
    granted: Granted, cancellation: Taken, payment: Taken, policy: ClawbackPolicy
) -> Line:
    assert payment.subscriber_id is not None
    subscriber_id, of_ref = payment.subscriber_id, ref(payment.id, granted.rule_id)
    # A promise may have been kept meanwhile: then there is a posting to reverse.
    is_withdrawn = granted.promised_at is not None and ledger.withdraw_promise(
        subscriber_id=subscriber_id,
        source=Source.ACCRUAL,
        ref=of_ref,
        occurred_on=payment.day,
    )
    if not is_withdrawn:
        ledger.reverse(
            subscriber_id=subscriber_id,
            source=Source.ACCRUAL,
            ref=ref(cancellation.id, granted.rule_id),
            day=max(cancellation.day, payment.day),
            of_source=Source.ACCRUAL,
            of_ref=of_ref,
            of_day=payment.day,
            points=None,
            fingerprint=cancellation.content_for_ever(granted.rule_id),
            policy=policy,
        )
    return Line(
        subscriber_id=subscriber_id,
        event_id=cancellation.id,
        rule_id=granted.rule_id,
        rule_hash=granted.rule_hash,
        wanted=-granted.points,
        granted=-granted.points,
        reason=Reason.WITHDRAWN if is_withdrawn else Reason.REVERSED,
    )

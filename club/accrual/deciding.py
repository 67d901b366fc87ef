"""Deciding what was taken: what each rule in force wants, what is granted of it, and what that does
to the books.

What rules want, and which of them count, is worked out for all events first. Then comes what depends
on order, one event after the other: limits, and what cancellations give back.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache, partial
from typing import Any, NamedTuple

from club.accrual import counters, erasure
from club.accrual.grants import ref
from club.accrual.models import EventState
from club.accrual.queries import Version
from club.accrual.rules import occasions
from club.accrual.rules.counting import Place, Used, places
from club.accrual.rules.explain import Reason
from club.accrual.rules.facts import Facts
from club.accrual.rules.granting import (
    Because,
    Candidate,
    Grant,
    award,
    contest_in_order,
    give_back,
    grant,
    is_held_out,
    turn,
)
from club.accrual.rules.model import Rule
from club.accrual.rules.shelves import Shelves, shelved
from club.accrual.rules.to_python import Compiled, compiled
from club.accrual.rules.wanting import want
from club.accrual.segments import asked_for
from club.accrual.taking import Granted, Taken, Unit, facts_of
from club.clock import TASHKENT
from club.ledger import actions as ledger
from club.ledger.errors import KeyReused
from club.ledger.rules import ACCRUALS_PER_CALL_MAX, ClawbackPolicy, Source
from club.programme.rules import Life, expires_on


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for a whole batch."""

    life: Life
    clawback: ClawbackPolicy
    base_tier: str
    versions: Sequence[Version]


class Rulebook(NamedTuple):
    """The rule versions that are asked together, in their order."""

    hashes: tuple[str, ...]
    rules: Sequence[tuple[Version, Compiled]]
    shelves: Shelves
    follows_from_facts: bool
    """No rule waits for an occasion and nobody is held out: who counts depends on the event alone."""


class Wanting(NamedTuple):
    """A rule version that wants points for an event; a Bid with more to it."""

    rule: Rule
    points: int
    version: Version
    compiled: Compiled


class Put(NamedTuple):
    """An event that was put to the rules: what they saw, which were asked, and which want points."""

    facts: Facts
    hashes: tuple[str, ...]
    candidates: Sequence[Candidate]
    is_contested: bool
    """The candidates are those that count."""
    versions: Mapping[str, Version]
    """Of the candidates, by the ids of their rules."""


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
    asked = asked_for(tuple(version.canonical for version in terms.versions))
    facts = facts_of(known, base_tier=terms.base_tier, segments=asked)
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
    edges = sorted({at for v in terms.versions for at in (v.since, v.until) if at is not None})
    # By the place among these: nothing changes in between.
    books: dict[tuple[int, str], Rulebook] = {}
    found = {}
    for payment in payments:
        place = bisect_right(edges, payment.occurred_at), payment.kind
        if place not in books:
            books[place] = rulebook(terms.versions, payment.occurred_at, payment.kind)
        found[payment.id] = put_to(books[place], payment, facts[payment.id])
    return found


def rulebook(versions: Sequence[Version], at: datetime, kind: str) -> Rulebook:
    """What is asked about an event of this kind at that moment."""
    asked = sorted(
        (
            (version, rule)
            for version in versions
            if version.is_in_force(at)
            and kind in (rule := compiled(version.canonical)).rule.trigger
        ),
        key=lambda one: turn(one[1].rule),
    )
    return Rulebook(
        tuple(sorted(version.hash for version, _ in asked)),
        asked,
        shelved(tuple(version.canonical for version, _ in asked)),
        not any(rule.rule.occasion or version.holdout_percent for version, rule in asked),
    )


def put_to(book: Rulebook, payment: Taken, facts: Facts) -> Put:
    """Most rules want nothing of most events; and where the facts alone say which of the others count,
    the counters of the rest need not be looked at."""
    assert payment.subscriber_id is not None
    who, at = payment.subscriber_id, payment.occurred_at
    shelf = book.shelves.of(facts)
    wanting: list[Wanting] = []
    for place, points in zip(shelf.places, shelf.points(*facts), strict=True):
        if points:
            version, one = book.rules[place]
            wanting.append(Wanting(one.rule, points, version, one))
    if book.follows_from_facts:
        wanting, _ = contest_in_order(wanting)
    candidates = [
        Candidate(
            rule,
            want(one, points, facts),
            [*places(rule, version.campaign, subscriber_id=who, at=at)] if rule.limits else (),
            occasions.place_of(rule, subscriber_id=who, at=at) if rule.occasion else None,
            version.holdout_percent > 0
            and is_held_out(version.campaign, who, version.holdout_percent),
        )
        for rule, points, version, one in wanting
    ]
    versions = {one.rule.id: one.version for one in wanting}
    return Put(facts, book.hashes, candidates, book.follows_from_facts, versions)


def _places(units: Sequence[Unit], put: Mapping[int, Put]) -> Iterator[Place]:
    """Every counter that deciding these units may look at."""
    for one in put.values():
        for candidate in one.candidates:
            yield from candidate.places
    for unit in units:
        for granted in unit.granted:
            yield from _counters_of(granted, unit.payment)
            yield from filter(None, [_seen_of(granted, unit.payment)])


def _counters_of(granted: Granted, payment: Taken | None) -> Iterator[Place]:
    """Where a grant of before was counted."""
    if payment is not None and payment.subscriber_id is not None:
        yield from places(
            compiled(granted.canonical).rule,
            granted.campaign,
            subscriber_id=payment.subscriber_id,
            at=payment.occurred_at,
        )


def _seen_of(granted: Granted, payment: Taken | None) -> Place | None:
    """Where an event was counted towards the occasion of a rule."""
    if payment is None or payment.subscriber_id is None:
        return None
    rule = compiled(granted.canonical).rule
    return occasions.place_of(rule, subscriber_id=payment.subscriber_id, at=payment.occurred_at)


# ---- payments --------------------------------------------------------------------------------
def _settle_payment(unit: Unit, put: Put, used: dict[Place, Used]) -> Iterator[Settled]:
    payment, cancellation = unit.payment, unit.cancellation
    assert payment is not None
    is_cancelled = cancellation is not None and _fits(cancellation, payment)
    if is_cancelled:
        granted = [(one, Grant(0, Reason.CANCELLED)) for one in put.candidates]
    else:
        granted = granted_of(put, payment, used)
    lines = [
        _line(payment, put.versions[one.rule.id], one, what)
        for one, what in granted
        if not _is_told_by_facts(one, what)
    ]
    note = "" if put.hashes else "no rule was in force"
    yield Settled(payment, EventState.DECIDED, note, put.facts, put.hashes, lines)
    if cancellation is not None:
        cancellation.subscriber_id = payment.subscriber_id
        yield (
            Settled(cancellation, EventState.DECIDED, "cancelled before it was decided")
            if is_cancelled
            else _misfit(cancellation)
        )


def granted_of(put: Put, payment: Taken, used: dict[Place, Used]) -> list[tuple[Candidate, Grant]]:
    """What the rules that want points are granted; `used` is counted up."""
    if put.is_contested:
        return [(one, grant(one, used=used)) for one in put.candidates]
    amount, at = payment.amount_tiyin, payment.occurred_at
    return award(put.candidates, amount=amount, at=at, used=used)


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


def _is_told_by_facts(one: Candidate, what: Grant) -> bool:
    """Who lost the contest by the facts alone is told again when somebody asks. An occasion that counted
    the event needs its line, to be taken back by."""
    return what.reason in (Reason.OUTSTACKED, Reason.EXCLUDED) and one.seen is None


def _line(payment: Taken, version: Version, one: Candidate, granted: Grant) -> Line:
    assert payment.subscriber_id is not None
    return Line(
        payment.subscriber_id,
        payment.id,
        version.rule_id,
        version.hash,
        one.want.wanted,
        granted.points,
        granted.reason,
        granted.because,
        _promised_at(payment.day, one.rule.reward.confirm_after_days),
        version.fund,
    )


def _promised_at(day: date, confirm_after_days: int) -> datetime | None:
    """The first moment, in Tashkent, of the day on which promised points become spendable."""
    if not confirm_after_days:
        return None
    return datetime.combine(day + timedelta(days=confirm_after_days), time(), TASHKENT)


def _post(settled: Sequence[Settled], *, life: Life) -> None:
    """Everything granted, and everything promised, in as few statements as the books allow."""
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
    for some in _slices(accruals):
        conflicts += ledger.post_many(source=Source.ACCRUAL, accruals=some).conflicts
    for few in _slices(promises):
        conflicts += ledger.promise_many(source=Source.ACCRUAL, promises=few).conflicts
    if conflicts:
        raise KeyReused(f"the books know {conflicts[0]} with other content")


def _slices(whole: list[Any]) -> Iterator[list[Any]]:
    """Fifty rules may want points for each of thousands of events."""
    for first in range(0, len(whole), ACCRUALS_PER_CALL_MAX):
        yield whole[first : first + ACCRUALS_PER_CALL_MAX]


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
    lines = [_take_back(one, cancellation, payment, policy) for one in unit.granted if one.points]
    for one in unit.granted:
        if one.points and one.stands:  # else a clawback has given its room back before
            give_back(_counters_of(one, payment), points=one.points, used=used)
        _unsee(one, payment, used)
    note = "" if lines else "its payment had brought no points"
    return Settled(cancellation, EventState.DECIDED, note, lines=lines)


def _unsee(granted: Granted, payment: Taken, used: dict[Place, Used]) -> None:
    seen = _seen_of(granted, payment)
    if seen is not None and (occasion := compiled(granted.canonical).rule.occasion):
        used[seen] = occasions.take_back(occasion, used[seen], amount=payment.amount_tiyin)


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
    subscriber_id = payment.subscriber_id
    is_withdrawn = False
    for nth, stand in enumerate(granted.stands):
        # A promise may have been kept meanwhile: then there is a posting to reverse.
        is_withdrawn = stand.is_promise and ledger.withdraw_promise(
            subscriber_id=subscriber_id,
            source=Source.ACCRUAL,
            ref=stand.ref,
            occurred_on=stand.day,
        )
        if not is_withdrawn:
            ledger.reverse(
                subscriber_id=subscriber_id,
                source=Source.ACCRUAL,
                ref=ref(cancellation.id, granted.rule_id, str(nth + 1) if nth else ""),
                day=max(cancellation.day, stand.day),
                of_source=Source.ACCRUAL,
                of_ref=stand.ref,
                of_day=stand.day,
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
        granted=-granted.points if granted.stands else 0,
        reason=_why_back(granted, is_withdrawn=is_withdrawn),
    )


def _why_back(granted: Granted, *, is_withdrawn: bool) -> Reason:
    if not granted.stands:
        return Reason.CLAWED
    return Reason.WITHDRAWN if is_withdrawn else Reason.REVERSED

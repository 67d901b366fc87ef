"""Deciding what was taken: what each rule in force wants, and what is granted of it.

What rules want, and which of them count, is worked out for all events first. Then comes what depends
on order, one event after the other: limits, and what cancellations give back.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from club.accrual import counters, erasure
from club.accrual.cancelling import counters_of, fits, misfit, seen_of, settle_cancellation
from club.accrual.models import EventState
from club.accrual.putting import Put, Rulebook, granted_of, put_to, rulebook
from club.accrual.queries import Version
from club.accrual.rules.counting import Place, Used
from club.accrual.rules.explain import Reason
from club.accrual.rules.granting import Candidate, Grant
from club.accrual.segments import asked_for
from club.accrual.settled import Line, Settled
from club.accrual.taking import Taken, Unit, facts_of
from club.clock import TASHKENT
from club.ledger.rules import ClawbackPolicy
from club.programme.rules import Life
from club.tuples import new

DECIDED = EventState.DECIDED
"""A member of an enumeration is looked up in Python; this one for each event."""
LOST = Reason.OUTSTACKED, Reason.EXCLUDED


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for a whole batch."""

    life: Life
    clawback: ClawbackPolicy
    base_tier: str
    versions: Sequence[Version]


class Decided(NamedTuple):
    """A batch whose decisions are made; with what the counters counted before them, and count now."""

    settled: list[Settled]
    before: counters.Tally
    used: Mapping[Place, Used]


def _put_to_rules(units: Sequence[Unit], terms: Terms) -> dict[int, Put]:
    """Every payment that is not decided yet, by its id, put to the rules of its own moment: what depends on
    nothing but the event. Raises whatever is wrong with any of them."""
    undecided = [u.payment for u in units if u.payment and not _is_decided(u.payment)]
    known = [payment for payment in undecided if payment.subscriber_id is not None]
    asked = asked_for(tuple(version.canonical for version in terms.versions))
    facts = facts_of(known, base_tier=terms.base_tier, segments=asked)
    edges = sorted({at for v in terms.versions for at in (v.since, v.until) if at is not None})
    # By the place among these: nothing changes in between.
    books: dict[tuple[int, str], Rulebook] = {}
    found = {}
    for payment in known:
        place = bisect_right(edges, payment.occurred_at), payment.kind
        if place not in books:
            books[place] = rulebook(terms.versions, payment.occurred_at, payment.kind)
        found[payment.id] = put_to(books[place], payment, facts[payment.id])
    return found


def decide(units: Sequence[Unit], terms: Terms) -> Decided:
    """Decide every unit. What a cancellation takes back is moved in the books here, for they say what it
    was; all else is still to be carried out. Raises whatever is wrong with any unit."""
    put = _put_to_rules(units, terms)
    before = counters.used_at(_places(units, put))
    used = dict(before)
    settled: list[Settled] = []
    for unit in units:
        payment = unit.payment
        if payment is not None and payment.subscriber_id is None:
            settled += _settle_of_nobody(payment, unit.cancellation)
        elif payment is not None and not _is_decided(payment):
            settled += _settle_payment(payment, unit.cancellation, put[payment.id], used)
        else:
            settled.append(settle_cancellation(unit, terms.clawback, used))
    return Decided(settled, before, used)


def _is_decided(payment: Taken) -> bool:
    return payment.state == DECIDED


def _places(units: Sequence[Unit], put: Mapping[int, Put]) -> list[Place]:
    """Every counter that deciding these units may look at."""
    candidates = [candidate for one in put.values() for candidate in one.candidates]
    found = [place for candidate in candidates for place in candidate.counters]
    found += [candidate.seen for candidate in candidates if candidate.seen]
    for unit in units:
        for granted in unit.granted:
            found += counters_of(granted, unit.payment)
            found += filter(None, [seen_of(granted, unit.payment)])
    return found


# ---- payments --------------------------------------------------------------------------------
def _settle_payment(
    payment: Taken, cancellation: Taken | None, put: Put, used: dict[Place, Used]
) -> list[Settled]:
    if cancellation is None:
        return [_settled(payment, put, granted_of(put, payment, used))]
    cancellation.subscriber_id = payment.subscriber_id
    if not fits(cancellation, payment):
        return [_settled(payment, put, granted_of(put, payment, used)), misfit(cancellation)]
    granted = [(one, Grant(0, Reason.CANCELLED)) for one in put.candidates]
    told = "cancelled before it was decided"
    return [_settled(payment, put, granted), Settled(cancellation, DECIDED, told)]


def _settled(payment: Taken, put: Put, granted: Sequence[tuple[Candidate, Grant]]) -> Settled:
    asked = put.book.hashes
    note = "" if asked else "no rule was in force"
    lines = _lines(payment, put.book.versions, granted)
    return new(Settled, (payment, DECIDED, note, put.facts, asked, lines))


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


def _lines(
    payment: Taken, versions: Mapping[str, Version], granted: Sequence[tuple[Candidate, Grant]]
) -> list[Line]:
    """Who lost the contest by the facts alone is told again when somebody asks. An occasion that counted
    the event needs its line, to be taken back by."""
    who, event_id = payment.subscriber_id, payment.id
    lines = []
    for (rule, want, _, seen, _), (points, reason, because) in granted:
        if reason in LOST and seen is None:
            continue
        version, days = versions[rule.id], rule.reward.confirm_after_days
        promised_at = _promised_at(payment.day, days) if days else None
        lines.append(
            new(
                Line,
                (
                    who,
                    event_id,
                    version.rule_id,
                    version.hash,
                    want.wanted,
                    points,
                    reason,
                    because,
                    promised_at,
                    version.fund,
                ),
            )
        )
    return lines


def _promised_at(day: date, confirm_after_days: int) -> datetime:
    """The first moment, in Tashkent, of the day on which promised points become spendable."""
    return datetime.combine(day + timedelta(days=confirm_after_days), time(), TASHKENT)

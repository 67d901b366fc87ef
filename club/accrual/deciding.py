"""Deciding what was taken: what each rule in force wants, and what that does to the books."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache, partial
from typing import NamedTuple

from club.accrual import erasure
from club.accrual.grants import ref
from club.accrual.models import EventState, Kind
from club.accrual.queries import Version
from club.accrual.rows import as_json, columns, rows
from club.accrual.rules.explain import Reason
from club.accrual.rules.facts import Facts
from club.accrual.rules.to_python import compiled
from club.accrual.rules.wanting import want
from club.accrual.taking import Granted, Taken, Unit, facts_of
from club.clock import TASHKENT
from club.ledger import actions as ledger
from club.ledger.errors import KeyReused
from club.ledger.rules import ClawbackPolicy, Source
from club.programme.rules import Life, expires_on

NOTE_CHARS_MAX = 300


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for a whole batch."""

    life: Life
    clawback: ClawbackPolicy
    base_tier: str
    versions: Sequence[Version]


class Line(NamedTuple):
    """What one rule version decided about one event; a row of Decision. Made for every rule and
    event, hence a tuple: a frozen dataclass takes three times as long to make."""

    subscriber_id: int
    event_id: int
    rule_id: str
    rule_hash: str
    wanted: int
    granted: int
    reason: Reason
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
    lines: Sequence[Line] = ()


def settle(units: Sequence[Unit], terms: Terms) -> list[Settled]:
    """Decide every unit and move its points. Raises whatever is wrong with any of them."""
    undecided = [u.payment for u in units if u.payment and not _is_decided(u.payment)]
    known = [payment for payment in undecided if payment.subscriber_id is not None]
    facts = facts_of(known, base_tier=terms.base_tier)
    settled: list[Settled] = []
    for unit in units:
        if unit.payment is not None and unit.payment.subscriber_id is None:
            settled += _settle_of_nobody(unit.payment, unit.cancellation)
        elif unit.payment is not None and not _is_decided(unit.payment):
            settled += _settle_payment(
                unit.payment, unit.cancellation, facts[unit.payment.id], terms
            )
        else:
            settled.append(_settle_cancellation(unit, terms.clawback))
    _post(settled, life=terms.life)
    return settled


def _is_decided(payment: Taken) -> bool:
    return payment.state == EventState.DECIDED


# ---- payments --------------------------------------------------------------------------------
def _settle_payment(
    payment: Taken, cancellation: Taken | None, facts: Facts, terms: Terms
) -> Iterator[Settled]:
    is_cancelled = cancellation is not None and _fits(cancellation, payment)
    lines = [
        _line(payment, version, facts, is_cancelled=is_cancelled)
        for version in terms.versions
        if version.is_in_force(payment.occurred_at)
    ]
    note = "" if lines else "no rule was in force"
    yield Settled(payment, EventState.DECIDED, note, facts, lines)
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


def _line(payment: Taken, version: Version, facts: Facts, *, is_cancelled: bool) -> Line:
    assert payment.subscriber_id is not None
    rule = compiled(version.canonical)
    wants = want(rule, facts)
    is_refused = is_cancelled and wants.points > 0
    return Line(
        subscriber_id=payment.subscriber_id,
        event_id=payment.id,
        rule_id=version.rule_id,
        rule_hash=version.hash,
        wanted=wants.wanted,
        granted=0 if is_refused else wants.points,
        reason=Reason.CANCELLED if is_refused else wants.reason,
        promised_at=_promised_at(payment.day, rule.rule.reward.confirm_after_days),
        fund=version.fund,
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
def _settle_cancellation(unit: Unit, policy: ClawbackPolicy) -> Settled:
    """Take back what a payment decided earlier has brought; its own decisions stay as they are."""
    cancellation, payment = unit.cancellation, unit.payment
    assert cancellation is not None
    if payment is None:
        return Settled(cancellation, EventState.WAITING, "its payment has not been decided yet")
    if not _fits(cancellation, payment):
        return _misfit(cancellation)
    cancellation.subscriber_id = payment.subscriber_id
    lines = [_take_back(one, cancellation, payment, policy) for one in unit.granted]
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


# ---- writing ---------------------------------------------------------------------------------
def write(settled: Sequence[Settled], *, now: datetime) -> None:
    """The decisions and the events' outcomes, in one statement each."""
    lines = [line for one in settled for line in one.lines]
    if lines:
        _write_lines(lines, now=now)
    rows(
        """
        insert into accrual_outcome (event_id, state, note, facts, decided_at)
        select o.event_id, o.state, o.note, o.facts::jsonb,
               case when o.state = 'decided' then %(now)b::timestamptz end
          from unnest(%(events)b::bigint[], %(states)b::text[], %(notes)b::text[],
                      %(facts)b::text[]) as o (event_id, state, note, facts)
            on conflict (event_id) do update  -- it waited
               set state = excluded.state, note = excluded.note, facts = excluded.facts,
                   decided_at = excluded.decided_at
        """,
        now=now,
        **columns(
            "events states notes facts",
            [
                (
                    one.event.id,
                    one.state,
                    _legible(one.note),
                    as_json(one.facts._asdict()) if one.facts else None,
                )
                for one in settled
            ],
        ),
    )
    _adopt([one.event for one in settled if one.event.kind == Kind.CANCELLATION])
    erasure.forget([one.event.id for one in settled if one.note == erasure.NOTE])


def _adopt(cancellations: Sequence[Taken]) -> None:
    """A cancellation may be silent about its subscriber until its payment says who it is."""
    if cancellations:
        rows(
            """
            update accrual_event e set subscriber_id = c.subscriber_id
              from unnest(%(events)b::bigint[], %(subscribers)b::bigint[])
                   as c (event_id, subscriber_id)
             where e.id = c.event_id and e.subscriber_id is distinct from c.subscriber_id
            """,
            **columns("events subscribers", [(c.id, c.subscriber_id) for c in cancellations]),
        )


def _write_lines(lines: Sequence[Line], *, now: datetime) -> None:
    rows(
        """
        insert into accrual_decision (subscriber_id, event_id, rule_id, rule_hash, wanted,
               granted, reason, promised_at, decided_at)
        select d.*, %(now)b
          from unnest(%(subscribers)b::bigint[], %(events)b::bigint[], %(rules)b::text[],
                      %(hashes)b::text[], %(wanted)b::bigint[], %(granted)b::bigint[],
                      %(reasons)b::text[], %(promised)b::timestamptz[]) as d
        """,
        now=now,
        **columns(
            "subscribers events rules hashes wanted granted reasons promised",
            [
                (
                    line.subscriber_id,
                    line.event_id,
                    line.rule_id,
                    line.rule_hash,
                    line.wanted,
                    line.granted,
                    line.reason,
                    line.promised_at,
                )
                for line in lines
            ],
        ),
    )


def _legible(note: str) -> str:
    return note.replace("\0", " ").encode(errors="replace").decode()[:NOTE_CHARS_MAX]

"""Turning what happened into points. The inbox takes events in; here they are decided.

A batch is one transaction: its decisions, its postings and its events' new state appear together
or not at all, so a worker may die anywhere and two may run at once.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError, transaction
from procrastinate.contrib.django import app
from procrastinate.types import JSONValue

from club.access import actions as audit
from club.access.models import Staff
from club.accrual import counters, inbox
from club.accrual.clawback.standing import leave_what_stands
from club.accrual.deciding import Terms, decide
from club.accrual.incoming import JOINING_SLACK
from club.accrual.models import EventState
from club.accrual.queries import versions_between
from club.accrual.rows import rows
from club.accrual.settled import Settled
from club.accrual.taking import Unit, take
from club.accrual.writing import carry_out, write
from club.clock import day_of
from club.ledger import actions as ledger
from club.ledger.rules import ClawbackPolicy
from club.programme import queries as programme
from club.savepoints import savepoint
from club.tiers import actions as tiers

log = logging.getLogger(__name__)

BATCH_EVENTS_MAX = 2_000
LONGEST_PERIOD = timedelta(days=31)
"""Of a limit that begins anew."""
NOTICE_AGE_MAX = timedelta(days=2)
"""Nobody is told about older events: a register of old history must not send messages."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What one batch did. `taken` is 0 when nothing was left to take."""

    taken: int = 0
    decided: int = 0
    waiting: int = 0
    review: int = 0
    failed: int = 0
    granted_points: int = 0
    """Granted less taken back."""


@transaction.atomic
def decide_batch(*, now: datetime, limit: int = 1_000) -> Counts:
    """Decide up to `limit` new events, oldest first, each by the rules in force at its own time.

    An event whose decision raises is set aside as failed, with a note, and stops nobody else.
    Call until `taken` is 0. Raises ProgrammeNotConfigured, and what the database itself raises:
    then nothing happened.
    """
    assert 0 < limit <= BATCH_EVENTS_MAX
    units = take(limit=limit)
    if not units:
        return Counts()
    # All accounts at once and in ascending order, before any of them is written: batches and
    # orders wait for each other here and nowhere else.
    subscribers = {unit.subscriber_id for unit in units if unit.subscriber_id is not None}
    ledger.lock_accounts(subscriber_ids=sorted(subscribers))
    leave_what_stands(units)
    settings = programme.current()
    terms = Terms(
        life=programme.life_of(settings),
        clawback=ClawbackPolicy(settings.clawback_policy),
        base_tier=settings.base_tier,
        versions=versions_between(*_span(units)),
    )
    settled = _settle_isolated(units, terms, now=now)
    _announce(settled, now=now)
    return _counted(settled)


@transaction.atomic
def adopt_waiting(*, now: datetime, limit: int = 1_000) -> int:
    """Let up to `limit` waiting events be decided: their subscriber, or their payment, has come.

    Answers how many; call until it is 0.
    """
    adopted = rows(
        """
        with found as (
            select o.event_id, s.id as subscriber_id
              from accrual_outcome o
              join accrual_event e on e.id = o.event_id
              join subscribers_subscriber s
                on s.msisdn = e.msisdn and e.occurred_at >= s.joined_at - %(joining)b::interval
             where o.state = 'waiting' and split_part(e.kind, ':', 1) <> 'cancellation'
             limit %(limit)b
               for update of o skip locked),
        known as (
            update accrual_event e set subscriber_id = found.subscriber_id
              from found where e.id = found.event_id),
        gone as (
            delete from accrual_outcome o using found where o.event_id = found.event_id)
        insert into accrual_queued (event_id) select event_id from found
        returning event_id
        """,
        limit=limit,
        joining=JOINING_SLACK,
    ) + rows(
        """
        with found as (
            select o.event_id
              from accrual_outcome o
              join accrual_event e on e.id = o.event_id
              join accrual_event p on p.source = e.source and p.external_id = e.external_id
                   and p.kind = coalesce(nullif(split_part(e.kind, ':', 2), ''), 'payment')
              join accrual_outcome po on po.event_id = p.id and po.state = 'decided'
             where o.state = 'waiting' and split_part(e.kind, ':', 1) = 'cancellation'
             limit %(limit)b
               for update of o skip locked),
        gone as (
            delete from accrual_outcome o using found where o.event_id = found.event_id)
        insert into accrual_queued (event_id) select event_id from found
        returning event_id
        """,
        limit=limit,
    )
    if adopted:
        inbox.ask_for_decisions()
    return len(adopted)


@transaction.atomic
def retry(*, event_id: int, by: Staff, now: datetime, why: str) -> bool:
    """A person lets a failed event, or one in review, be decided after all.

    False when the event is in no such state; then nothing is written. A cancellation that does
    not fit its payment comes back to review: nobody can make it fit.
    """
    found = rows(
        """
        with found as (
            select e.id,
                   e.subscriber_id is null and split_part(e.kind, ':', 1) <> 'cancellation'
                   as is_unknown
              from accrual_outcome o
              join accrual_event e on e.id = o.event_id
             where o.event_id = %(event_id)b and o.state in ('failed', 'review')
               for update of o),
        waiting as (
            update accrual_outcome o set state = 'waiting', note = ''
              from found where o.event_id = found.id and is_unknown),
        gone as (
            delete from accrual_outcome o using found
             where o.event_id = found.id and not is_unknown),
        queued as (
            insert into accrual_queued (event_id) select id from found where not is_unknown)
        select id from found
        """,
        event_id=event_id,
    )
    if not found:
        return False
    audit.record(
        "event.retried",
        by=by,
        subject_kind="event",
        subject_id=event_id,
        now=now,
        details={"why": why},
    )
    inbox.ask_for_decisions()
    return True


@transaction.atomic
def forget_counters(*, now: datetime, limit: int = 10_000) -> int:
    """Delete up to `limit` counters of periods whose events are too old to be decided by themselves.

    Answers how many; call until it is 0. What a person still lets be decided after that meets
    empty limits. Raises ProgrammeNotConfigured.
    """
    late = timedelta(days=programme.current().late_days_max)
    return counters.forget(before=day_of(now - late - LONGEST_PERIOD), limit=limit)


# ---- one batch -------------------------------------------------------------------------------
def _span(units: Sequence[Unit]) -> tuple[datetime, datetime]:
    moments = [one.occurred_at for u in units for one in (u.payment, u.cancellation) if one]
    return min(moments), max(moments)


def _settle_isolated(units: Sequence[Unit], terms: Terms, *, now: datetime) -> list[Settled]:
    """Settle all together; if that raises, halve until what raises stands alone."""
    try:
        with savepoint():
            decided = decide(units, terms)
            carry_out(decided, life=terms.life, now=now)
            return decided.settled
    except (OperationalError, InterfaceError):
        raise  # the database fails, not an event: nothing happened, the batch comes again
    except Exception as error:
        if len(units) > 1:
            middle = len(units) // 2
            return [
                *_settle_isolated(units[:middle], terms, now=now),
                *_settle_isolated(units[middle:], terms, now=now),
            ]
        failed = list(_failed(units[0], error))
        log.exception("event %s could not be decided", failed[0].event.id)
        write(failed, now=now)
        return failed


def _failed(unit: Unit, error: Exception) -> Iterator[Settled]:
    note = f"{type(error).__name__}: {error}"
    if unit.payment is None or unit.payment.state == EventState.DECIDED:
        assert unit.cancellation is not None
        yield Settled(unit.cancellation, EventState.FAILED, note)
        return
    yield Settled(unit.payment, EventState.FAILED, note)
    if unit.cancellation is not None:
        yield Settled(unit.cancellation, EventState.WAITING, "its payment could not be decided")


def _announce(settled: Sequence[Settled], *, now: datetime) -> None:
    """Ask for what follows a batch: jobs of this transaction, so they come with its commit."""
    # Levels may count payments that brought no points.
    decided = EventState.DECIDED
    moved = {
        one.event.subscriber_id
        for one in settled
        if one.state == decided and one.event.subscriber_id is not None
    }
    if moved:
        tiers.ask_to_reconsider(moved)
    oldest = now - NOTICE_AGE_MAX
    to_tell: list[JSONValue] = [
        one.event.id
        for one in settled
        if one.event.occurred_at > oldest
        and any(line.granted > 0 and line.promised_at is None for line in one.lines)
    ]
    if to_tell:
        app.configure_task("accrual.tell").defer(event_ids=to_tell)


def _counted(settled: Sequence[Settled]) -> Counts:
    states = [one.state for one in settled]
    return Counts(
        taken=len(settled),
        decided=states.count(EventState.DECIDED),
        waiting=states.count(EventState.WAITING),
        review=states.count(EventState.REVIEW),
        failed=states.count(EventState.FAILED),
        granted_points=sum(line.granted for one in settled for line in one.lines),
    )

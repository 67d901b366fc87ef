"""Working off a clawback, slice by slice: each is one transaction that may be cut off anywhere and
begun again. What is taken back stands in the books under the clawback's own keys, so nothing is
taken twice; every line is looked at once more under the lock of its account.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import NamedTuple, TypeVar

from django.db import transaction
from procrastinate.contrib.django import app
from procrastinate.types import JSONValue

from club.accrual import counters
from club.accrual.clawback.selecting import is_takable, key_of
from club.accrual.clawback.standing import (
    IS_CANCELLED,
    LATEST_COLUMNS,
    Grant,
    Latest,
    clawed_ref,
    latest,
    restored_ref,
    stands,
)
from club.accrual.models import Clawback, Clawed
from club.accrual.rows import columns, rows
from club.accrual.rules.counting import Place, Used, places
from club.accrual.rules.granting import give_back
from club.accrual.rules.to_python import compiled
from club.accrual.taking import Stand
from club.clock import day_of
from club.ledger import actions as ledger
from club.ledger import queries as books
from club.ledger.errors import KeyReused
from club.ledger.rules import (
    ACCRUALS_PER_CALL_MAX,
    ClawbackPolicy,
    Source,
    fingerprint_of,
    grace_until,
)
from club.programme import queries as programme

SLICE_LINES_MAX = 1_000
State = Clawed.State
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Line:
    """A line whose turn it is, with what is true of its grant now."""

    subscriber_id: int
    event_id: int
    rule_id: str
    taken_points: int
    is_promise: bool
    parts: int
    granted: Grant
    promised_at: datetime | None
    occurred_at: datetime
    canonical: str
    campaign: str
    is_known: bool
    """Its subscriber was not erased."""
    is_cancelled: bool
    before: Latest
    """What an earlier clawback had done about it."""

    def counters(self) -> list[Place]:
        return places(
            compiled(self.canonical).rule,
            self.campaign,
            subscriber_id=self.subscriber_id,
            at=self.occurred_at,
        )


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a line."""

    line: Line
    state: Clawed.State
    note: str = ""
    taken_points: int = 0
    restored_points: int = 0
    is_promise: bool = False
    parts: int = 0


@transaction.atomic
def work(*, clawback_id: int, now: datetime, limit: int = 500) -> int:
    """Take back, or give back, some `limit` lines; answers how many. Call until it is 0.

    Raises what the books raise when they cannot be written: then nothing of the slice happened.
    """
    assert 0 < limit <= SLICE_LINES_MAX
    clawback = Clawback.objects.select_for_update().get(pk=clawback_id)
    match clawback.state:
        case Clawback.State.TAKING:
            found = _turn(clawback, State.OPEN, limit)
            done = _take(clawback, found)
        case Clawback.State.RESTORING:
            found = _turn(clawback, State.TAKEN, limit)
            done = _restore(clawback, found)
        case _:
            return 0
    _write(clawback, done)
    if not found:
        is_taking = clawback.state == Clawback.State.TAKING
        clawback.state = Clawback.State.TAKEN if is_taking else Clawback.State.RESTORED
        clawback.ended_at = now
    clawback.save()
    if done:
        subscriber_ids: list[JSONValue] = [*sorted({one.line.subscriber_id for one in done})]
        app.configure_task("tiers.reconsider").defer(subscriber_ids=subscriber_ids)
    return len(done)


def _turn(clawback: Clawback, state: str, limit: int) -> list[Line]:
    """The next lines, some `limit` of them: all of each account, which are locked before anything else
    is read."""
    keys = rows(
        """
        with open as (
            select subscriber_id from accrual_clawed
             where clawback_id = %(clawback_id)b and state = %(state)b
             order by subscriber_id limit %(limit)b)
        select subscriber_id, event_id, rule_id from accrual_clawed
         where clawback_id = %(clawback_id)b and state = %(state)b
           and subscriber_id <= (select max(subscriber_id) from open)  -- nobody's lines are parted
         order by subscriber_id, event_id, rule_id
        """,
        clawback_id=clawback.pk,
        state=str(state),
        limit=limit,
    )
    if not keys:
        return []
    ledger.lock_accounts(subscriber_ids=sorted({subscriber_id for subscriber_id, *_ in keys}))
    found = rows(
        f"""
        select d.subscriber_id, d.event_id, d.rule_id, c.taken_points, c.is_promise, c.parts,
               d.promised_at, e.occurred_at, v.canonical, v.campaign_id, s.id is not null,
               {IS_CANCELLED}, {LATEST_COLUMNS}
          from unnest(%(subscribers)b::bigint[], %(events)b::bigint[], %(rules)b::text[])
               as k (subscriber_id, event_id, rule_id)
          join accrual_decision d using (subscriber_id, event_id, rule_id)
          join accrual_clawed c on c.subscriber_id = d.subscriber_id and c.event_id = d.event_id
               and c.rule_id = d.rule_id and c.clawback_id = %(clawback_id)b
          join accrual_event e on e.id = d.event_id
          join accrual_ruleversion v on v.hash = d.rule_hash
          left join subscribers_subscriber s on s.id = d.subscriber_id
          {latest(before="clawback_id")}
         order by d.subscriber_id, d.event_id, d.rule_id
        """,  # noqa: S608  of our own pieces
        clawback_id=clawback.pk,
        **columns("subscribers events rules", keys),
    )
    return [_line(row) for row in found]


def _line(row: tuple) -> Line:  # type: ignore[type-arg]  # as selected
    subscriber_id, event_id, rule_id, taken, is_promise, parts, promised_at, occurred_at, *more = (
        row
    )
    canonical, campaign, is_known, is_cancelled, *touched = more
    grant = Grant(event_id, rule_id, day_of(occurred_at), promised_at is not None)
    return Line(
        subscriber_id, event_id, rule_id, taken, is_promise, parts, grant, promised_at,
        occurred_at, canonical, campaign, is_known, is_cancelled, Latest(*touched),
    )  # fmt: skip


# ---- taking ------------------------------------------------------------------------------------
def _take(clawback: Clawback, found: Sequence[Line]) -> list[Done]:
    standing = {line: stands(line.granted, line.before) for line in found}
    booked = books.bookings(
        source=Source.ACCRUAL,
        keys=[key_of(line.subscriber_id, one) for line, some in standing.items() for one in some],
    )
    done = []
    for line, some in standing.items():
        left = [
            (stand, booking)
            for stand in some
            if (booking := booked.get(key_of(line.subscriber_id, stand)))
            and is_takable(booking, clawback.taken_on)
        ]
        if not line.is_known:
            done.append(Done(line, State.SPARED, "erased"))
        elif line.is_cancelled:
            done.append(Done(line, State.SPARED, "cancelled"))
        elif not left:
            done.append(Done(line, State.SPARED, "nothing left"))
        else:
            done.append(_taken(clawback, line, left))
    _count(done)
    return done


def _taken(clawback: Clawback, line: Line, left: Sequence[tuple[Stand, books.Booking]]) -> Done:
    if any(booking.is_promised for _, booking in left):
        withdrawn = [
            booking.left_points
            for stand, booking in left
            if ledger.withdraw_promise(
                subscriber_id=line.subscriber_id,
                source=Source.ACCRUAL,
                ref=stand.ref,
                occurred_on=stand.day,
            )
        ]
        if not withdrawn:  # it went to another number with its owner, and was kept there
            return Done(line, State.SPARED, "moved")
        return Done(line, State.TAKEN, "", sum(withdrawn), is_promise=True, parts=len(withdrawn))
    for nth, (stand, _) in enumerate(left, start=1):
        ledger.reverse(
            subscriber_id=line.subscriber_id,
            source=Source.ACCRUAL,
            ref=clawed_ref(line.granted, clawback.pk, nth),
            day=max(clawback.taken_on, stand.day),
            of_source=Source.ACCRUAL,
            of_ref=stand.ref,
            of_day=stand.day,
            points=None,
            fingerprint=fingerprint_of("clawback", clawback.pk, line.event_id, line.rule_id),
            policy=ClawbackPolicy(clawback.policy),
        )
    points = sum(booking.left_points for _, booking in left)
    return Done(line, State.TAKEN, "", points, parts=len(left))


# ---- giving back -------------------------------------------------------------------------------
def _restore(clawback: Clawback, found: Sequence[Line]) -> list[Done]:
    """The lots that were taken come back with their days and funds, and what became arrears as points
    of the grant's own lot, which repay them. What is past its day comes back as a refund would."""
    assert clawback.restored_on is not None, "it is set when restoring begins"
    grace_on = grace_until(clawback.restored_on, grace_days=programme.current().return_grace_days)
    done: list[Done] = []
    owed: list[ledger.Accrual] = []
    accruals: list[ledger.Accrual] = []
    promises: list[ledger.Promise] = []
    for line, lost in zip(found, _lost(clawback, found), strict=True):
        if not line.is_known or line.is_cancelled:
            note = "cancelled" if line.is_known else "erased"
            done.append(Done(line, State.GONE, note, line.taken_points, 0, line.is_promise))
            continue
        good = partial(_good, on=clawback.restored_on, grace_on=grace_on)
        debts, lots = good(lost.owed), good(lost.lots)
        mine = list(_accruals(clawback, line, [*debts, *lots]))
        if line.is_promise:
            assert line.promised_at is not None, "a promise has its moment"
            promises += [ledger.Promise(*one, line.promised_at) for one in mine]
        else:
            owed += mine[: len(debts)]
            accruals += mine[len(debts) :]
        points = sum(one.points for one in mine)
        done.append(
            Done(line, State.RESTORED, "", line.taken_points, points, line.is_promise, len(mine))
        )
    # What was owed comes first, and repays: else a debtor's other lots would pay for it.
    for some in (*_batched(owed), *_batched(accruals)):
        _all_new(ledger.post_many(source=Source.ACCRUAL, accruals=some))
    for few in _batched(promises):
        _all_new(ledger.promise_many(source=Source.ACCRUAL, promises=few))
    _count(done)
    return done


def _accruals(
    clawback: Clawback, line: Line, lots: Iterable[books.Lot]
) -> Iterator[ledger.Accrual]:
    assert clawback.restored_on is not None
    day = max(clawback.restored_on, line.granted.day)
    for nth, lot in enumerate(lots, start=1):
        yield ledger.Accrual(
            line.subscriber_id,
            restored_ref(line.granted, clawback.pk, nth),
            day,
            lot.points,
            lot.expires_on,
            lot.fund,
            fingerprint_of("restored", clawback.pk, line.event_id, line.rule_id, nth),
        )


class Lost(NamedTuple):
    """What a line has lost: out of lots that were there, and as a debt in the grant's own lot."""

    lots: list[books.Lot]
    owed: list[books.Lot]


def _lost(clawback: Clawback, found: Sequence[Line]) -> Iterator[Lost]:
    """As the books have it of what took each line."""
    keys = [
        [
            key_of(line.subscriber_id, stand)
            for stand in (
                stands(line.granted, line.before) if line.is_promise else _took(clawback, line)
            )
        ]
        for line in found
    ]
    taken = books.bookings(source=Source.ACCRUAL, keys=[key for some in keys for key in some])
    reversed_ = [one.reverses for one in taken.values() if one.reverses is not None]
    originals = books.bookings(source=Source.ACCRUAL, keys=reversed_)
    for some in keys:
        lost = Lost([], [])
        for booking in (taken[key] for key in some):
            if booking.reverses is None:  # a promise, withdrawn
                lost.lots.append(_lot(booking, booking.points))
                continue
            lost.lots.extend(booking.lots)
            owed_points = -booking.points - sum(lot.points for lot in booking.lots)
            if owed_points:
                lost.owed.append(_lot(originals[booking.reverses], owed_points))
        yield lost


def _lot(booking: books.Booking, points: int) -> books.Lot:
    assert booking.expires_on is not None, "a credit knows its last day"
    return books.Lot(booking.expires_on, booking.fund, points)


def _took(clawback: Clawback, line: Line) -> Iterator[Stand]:
    """The postings by which the clawback took a line."""
    for nth in range(1, line.parts + 1):
        ref = clawed_ref(line.granted, clawback.pk, nth)
        yield Stand(ref, max(clawback.taken_on, line.granted.day), is_promise=False)


def _good(lots: Iterable[books.Lot], *, on: date, grace_on: date | None) -> list[books.Lot]:
    """The lots by their days; those past theirs get some days of grace, or lapse where there is none."""
    points: Counter[tuple[date, int]] = Counter()
    for lot in lots:
        last_day = lot.expires_on if lot.expires_on >= on else grace_on
        if last_day is not None:
            points[last_day, lot.fund] += lot.points
    return [books.Lot(*bucket, whole) for bucket, whole in sorted(points.items())]


def _batched(whole: list[T]) -> Iterator[list[T]]:
    for first in range(0, len(whole), ACCRUALS_PER_CALL_MAX):
        yield whole[first : first + ACCRUALS_PER_CALL_MAX]


def _all_new(posted: ledger.Posted) -> None:
    if posted.conflicts:
        raise KeyReused(f"the books know {posted.conflicts[0]} with other content")


# ---- both --------------------------------------------------------------------------------------
def _count(done: Sequence[Done]) -> None:
    """The limits' room is there again for what was taken, and gone again for what came back; in the
    period of the event, as with a cancellation."""
    moved = [one for one in done if one.state in (State.TAKEN, State.RESTORED)]
    before = counters.used_at(place for one in moved for place in one.line.counters())
    used = dict(before)
    for one in moved:
        if one.state == State.TAKEN:
            give_back(one.line.counters(), points=one.taken_points, used=used)
        elif one.restored_points:
            for place in {*one.line.counters()}:
                points, times = used[place]
                used[place] = Used(points + one.restored_points, times + 1)
    counters.write(before, used)


def _write(clawback: Clawback, done: Sequence[Done]) -> None:
    """The lines, and the sums of the whole."""
    if not done:
        return
    rows(
        """
        update accrual_clawed c
           set state = k.state, note = k.note, taken_points = k.taken, restored_points = k.restored,
               is_promise = k.is_promise = 1, parts = k.parts
          from unnest(%(subscribers)b::bigint[], %(events)b::bigint[], %(rules)b::text[],
                      %(states)b::text[], %(notes)b::text[], %(taken)b::bigint[],
                      %(restored)b::bigint[], %(promises)b::smallint[], %(parts)b::smallint[])
               as k (subscriber_id, event_id, rule_id, state, note, taken, restored, is_promise, parts)
         where c.clawback_id = %(clawback_id)b and c.subscriber_id = k.subscriber_id
           and c.event_id = k.event_id and c.rule_id = k.rule_id
        """,
        clawback_id=clawback.pk,
        **columns(
            "subscribers events rules states notes taken restored promises parts",
            [
                (
                    one.line.subscriber_id,
                    one.line.event_id,
                    one.line.rule_id,
                    one.state.value,
                    one.note,
                    one.taken_points,
                    one.restored_points,
                    int(one.is_promise),
                    one.parts,
                )
                for one in done
            ],
        ),
    )
    clawback.lines_done += len(done)
    if clawback.state == Clawback.State.TAKING:
        clawback.taken_points += sum(one.taken_points for one in done)
    else:
        clawback.restored_points += sum(one.restored_points for one in done)

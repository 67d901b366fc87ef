"""Giving back what a clawback took: the same lots, and a debt as points that repay it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import partial
from typing import NamedTuple, TypeVar

from club.accrual.clawback.selecting import key_of
from club.accrual.clawback.slices import Done, Line
from club.accrual.clawback.standing import clawed_ref, restored_ref, stands
from club.accrual.models import Clawback, Clawed
from club.accrual.taking import Stand
from club.ledger import actions as ledger
from club.ledger import queries as books
from club.ledger.errors import KeyReused
from club.ledger.rules import ACCRUALS_PER_CALL_MAX, Source, fingerprint_of, grace_until
from club.programme import queries as programme

State = Clawed.State
T = TypeVar("T")


def restore(clawback: Clawback, found: Sequence[Line]) -> list[Done]:
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

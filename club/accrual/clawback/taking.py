"""Taking the grants of a slice back, each under the clawback's own key."""

from collections.abc import Sequence

from club.accrual.clawback.selecting import is_takable, key_of
from club.accrual.clawback.slices import Done, Line
from club.accrual.clawback.standing import clawed_ref, stands
from club.accrual.models import Clawback, Clawed
from club.accrual.taking import Stand
from club.ledger import actions as ledger
from club.ledger import queries as books
from club.ledger.rules import ClawbackPolicy, Source, fingerprint_of

State = Clawed.State


def take(clawback: Clawback, found: Sequence[Line]) -> list[Done]:
    """What of each line still stands is reversed, or withdrawn where it was only promised."""
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

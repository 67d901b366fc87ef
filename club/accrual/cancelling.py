"""Cancellations: what a payment decided earlier has brought is taken back, and its room in limits with it."""

from collections.abc import Iterator

from club.accrual.grants import ref
from club.accrual.models import EventState
from club.accrual.rules import occasions
from club.accrual.rules.counting import Place, Used, places
from club.accrual.rules.explain import Reason
from club.accrual.rules.granting import give_back
from club.accrual.rules.to_python import compiled
from club.accrual.settled import Line, Settled
from club.accrual.taking import Granted, Taken, Unit
from club.ledger import actions as ledger
from club.ledger.rules import ClawbackPolicy, Source


def counters_of(granted: Granted, payment: Taken | None) -> Iterator[Place]:
    """Where a grant of before was counted."""
    if payment is not None and payment.subscriber_id is not None:
        yield from places(
            compiled(granted.canonical).rule,
            granted.campaign,
            subscriber_id=payment.subscriber_id,
            at=payment.occurred_at,
        )


def seen_of(granted: Granted, payment: Taken | None) -> Place | None:
    """Where an event was counted towards the occasion of a rule."""
    if payment is None or payment.subscriber_id is None:
        return None
    rule = compiled(granted.canonical).rule
    return occasions.place_of(rule, subscriber_id=payment.subscriber_id, at=payment.occurred_at)


def settle_cancellation(unit: Unit, policy: ClawbackPolicy, used: dict[Place, Used]) -> Settled:
    """Take back what a payment decided earlier has brought; its own decisions stay as they are."""
    cancellation, payment = unit.cancellation, unit.payment
    assert cancellation is not None
    if payment is None:
        return Settled(cancellation, EventState.WAITING, "its payment has not been decided yet")
    if not fits(cancellation, payment):
        return misfit(cancellation)
    cancellation.subscriber_id = payment.subscriber_id
    lines = [_take_back(one, cancellation, payment, policy) for one in unit.granted if one.points]
    for one in unit.granted:
        if one.points and one.stands:  # else a clawback has given its room back before
            give_back(counters_of(one, payment), points=one.points, used=used)
        _unsee(one, payment, used)
    note = "" if lines else "its payment had brought no points"
    return Settled(cancellation, EventState.DECIDED, note, lines=lines)


def _unsee(granted: Granted, payment: Taken, used: dict[Place, Used]) -> None:
    seen = seen_of(granted, payment)
    if seen is not None and (occasion := compiled(granted.canonical).rule.occasion):
        used[seen] = occasions.take_back(occasion, used[seen], amount=payment.amount_tiyin)


def fits(cancellation: Taken, payment: Taken) -> bool:
    """A cancellation may be silent about number and amount; what it says must be the payment's."""
    return cancellation.msisdn in ("", payment.msisdn) and cancellation.amount_tiyin in (
        0,
        payment.amount_tiyin,
    )


def misfit(cancellation: Taken) -> Settled:
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
                fingerprint=cancellation.content_for_ever,
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

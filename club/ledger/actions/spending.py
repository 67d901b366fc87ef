"""Spending: at once, or set aside for an order and captured when it is delivered."""

from datetime import date, datetime, timedelta
from uuid import UUID

from club.ledger.actions.calling import booked, call
from club.ledger.errors import BadAmount, BadPosting, told_in_words
from club.ledger.rules import HOLD_LIFETIME_MAX, Booked


def spend(
    *,
    subscriber_id: int,
    source: int,
    ref: str,
    day: date,
    points: int,
    fingerprint: bytes,
    fund: int | None = None,
) -> Booked:
    """Spends points good on `day`, first to expire first; of one `fund` only, if it is given.

    What is owed stays: arrears lower what can be spent, whatever the fund.
    Raises NotEnoughPoints (with available_points, of that fund), WrongFund (there is no such fund),
    KeyReused, BadAmount, BadPosting.
    """
    with told_in_words():
        return booked(
            "select * from ledger.spend(%s::bigint, %s::smallint, %s, %s, %s::bigint, %s::integer, %s)",
            [subscriber_id, int(source), ref, day, points, fund, fingerprint],
        )


def hold(
    *,
    subscriber_id: int,
    hold_id: UUID,
    day: date,
    points: int,
    now: datetime,
    lifetime: timedelta,
    fingerprint: bytes,
    fund: int | None = None,
) -> Booked:
    """Sets points aside, out of their lots at once: neither expiry nor a clawback reaches them.

    `hold_id` is the idempotency key. The hold ends by `capture` or `release`, or is swept once
    `lifetime` (at most 40 days) has passed; `extend_hold` puts that off. Of one `fund` only, if it
    is given. Raises NotEnoughPoints (with available_points), WrongFund, KeyReused, BadPosting.
    """
    if not timedelta(0) < lifetime <= HOLD_LIFETIME_MAX:
        raise BadPosting("a hold lives between a moment and 40 days")
    with told_in_words():
        return booked(
            "select * from ledger.hold_points(%s::bigint, %s, %s, %s::bigint, %s::integer, %s, %s)",
            [subscriber_id, hold_id, day, points, fund, now + lifetime, fingerprint],
        )


def capture(
    *,
    subscriber_id: int,
    hold_id: UUID,
    day: date,
    points: int | None = None,
    grace_until: date | None = None,
) -> Booked:
    """Spends what a hold set aside: `points` of it (None: all); the rest goes back to its lots.

    A lot that expired meanwhile takes its points back with its own date (so the next expiry run
    has them), or until `grace_until`. The posting's key is (LEDGER, rules.hold_ref(hold_id), day).
    Raises NoSuchHold, AlreadyClosed (released, or captured with another amount), BadPosting.
    """
    if points is not None and points < 1:
        raise BadAmount("a capture takes at least one point; release gives all back")
    with told_in_words():
        return booked(
            "select * from ledger.close_hold(%s::bigint, %s, %s, %s::bigint, %s::date)",
            [subscriber_id, hold_id, day, points, grace_until],
        )


def release(
    *, subscriber_id: int, hold_id: UUID, day: date, grace_until: date | None = None
) -> Booked:
    """Gives back what a hold set aside, to the lots it came from; grace as in `capture`.

    Raises NoSuchHold, AlreadyClosed (it was captured).
    """
    with told_in_words():
        return booked(
            "select * from ledger.close_hold(%s::bigint, %s, %s, 0, %s::date)",
            [subscriber_id, hold_id, day, grace_until],
        )


def extend_hold(*, subscriber_id: int, hold_id: UUID, until: datetime) -> bool:
    """Keeps an open hold from the sweep until `until` (never shortens it).

    For an order whose outcome is unknown. False when the hold is closed or does not exist.
    """
    with told_in_words():
        (is_open,) = call(
            "select ledger.extend_hold(%s::bigint, %s, %s)", [subscriber_id, hold_id, until]
        )
    return bool(is_open)


def release_expired_holds(*, now: datetime, day: date, limit: int) -> int:
    """Releases up to `limit` open holds whose time is up; answers how many."""
    with told_in_words():
        (released,) = call(
            "select ledger.release_expired_holds(%s, %s, %s::integer)", [now, day, limit]
        )
    return int(released)

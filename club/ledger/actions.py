"""The one door through which points move. Each verb is one call of one function in `sql/`.

Every verb is idempotent by its key and works inside the caller's transaction; alone it is a
transaction of its own. Refusals are the errors of `club.ledger.errors` and leave nothing behind,
not even a broken transaction. Whole points; days are business days in Asia/Tashkent.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from django.db import connection

from club.arrays import literal
from club.ledger.errors import BadPosting, told_in_words
from club.ledger.rules import (
    ACCRUALS_PER_CALL_MAX,
    HOLD_LIFETIME_MAX,
    Accrual,
    Booked,
    Posted,
    Promise,
    Source,
)

__all__ = ["Accrual", "Booked", "Posted", "Promise", "Source"]


# ---- earning ---------------------------------------------------------------------------------


def post_many(*, source: int, accruals: Sequence[Accrual]) -> Posted:
    """Posts up to 5,000 accruals of one source, each exactly once however often it is given.

    A debtor's accruals repay the arrears first. Accounts are locked in ascending order.
    Raises BadPosting: an amount outside 1 .. 10^12, a ref over 200 bytes, a day the books have no
    month for, or more than 5,000 accruals; nothing of the batch is posted then.
    """
    columns = _columns_of(accruals, like=Accrual)
    with told_in_words():
        if len(accruals) == 1:
            return _post_one(source, accruals[0])
        fresh, replayed, conflicts = _call_apart(
            "select fresh, replayed, conflicts from ledger.post_many("
            "%b::smallint, %b::bigint[], %b::text[], %b::date[], %b::bigint[], %b::date[],"
            " %b::integer[], %b::bytea[])",
            [int(source), *columns],
        )
    return Posted(fresh, replayed, tuple(conflicts))


def promise_many(*, source: int, promises: Sequence[Promise]) -> Posted:
    """Notes up to 5,000 accruals that become spendable at their `promised_at`.

    Until then they are pending points: shown, not spendable, and `withdraw_promise` cancels them.
    A key that was promised or posted before is a replay, or a conflict when its content differs.
    Raises BadPosting as `post_many` does.
    """
    columns = _columns_of(promises, like=Promise)
    with told_in_words():
        fresh, replayed, conflicts = _call_apart(
            "select fresh, replayed, conflicts from ledger.promise_many("
            "%b::smallint, %b::bigint[], %b::text[], %b::date[], %b::bigint[], %b::date[],"
            " %b::integer[], %b::bytea[], %b::timestamptz[])",
            [int(source), *columns],
        )
    return Posted(fresh, replayed, tuple(conflicts))


def keep_promises(*, now: datetime, limit: int) -> int:
    """Posts up to `limit` promises whose moment has come; answers how many. Call until it is 0."""
    with told_in_words():
        (kept,) = _call("select ledger.keep_promises(%s, %s)", [now, limit])
    return int(kept)


def withdraw_promise(*, subscriber_id: int, source: int, ref: str, occurred_on: date) -> bool:
    """Cancels a promise. False when it was kept meanwhile: reverse its posting instead.

    Withdrawing twice is harmless. Raises NoSuchPosting when nothing was promised under this key.
    """
    with told_in_words():
        (is_withdrawn,) = _call(
            "select ledger.withdraw_promise(%s, %s::smallint, %s, %s)",
            [subscriber_id, int(source), ref, occurred_on],
        )
    return bool(is_withdrawn)


def lock_accounts(*, subscriber_ids: Sequence[int]) -> None:
    """Holds these accounts until the transaction ends, in ascending order, making missing ones.

    For a batch that must look (at limits, at budgets) before it grants.
    """
    with told_in_words():
        _call_apart("select ledger.lock_accounts(%b::bigint[])", [literal(subscriber_ids)])


# ---- spending --------------------------------------------------------------------------------


def spend(
    *,
    subscriber_id: int,
    source: int,
    ref: str,
    day: date,
    points: int,
    fingerprint: bytes,
) -> Booked:
    """Spends points good on `day`, first to expire first.

    Raises NotEnoughPoints (with available_points), KeyReused, BadPosting.
    """
    with told_in_words():
        return _booked(
            "select * from ledger.spend(%s, %s::smallint, %s, %s, %s::bigint, %s)",
            [subscriber_id, int(source), ref, day, points, fingerprint],
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
) -> Booked:
    """Sets points aside, out of their lots at once: neither expiry nor a clawback reaches them.

    `hold_id` is the idempotency key. The hold ends by `capture` or `release`, or is swept once
    `lifetime` (at most 40 days) has passed; `extend_hold` puts that off.
    Raises NotEnoughPoints (with available_points), KeyReused, BadPosting.
    """
    if not timedelta(0) < lifetime <= HOLD_LIFETIME_MAX:
        raise BadPosting("a hold lives between a moment and 40 days")
    with told_in_words():
        return _booked(
            "select * from ledger.hold_points(%s, %s, %s, %s::bigint, %s, %s)",
            [subscriber_id, hold_id, day, points, now + lifetime, fingerprint],
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
        raise BadPosting("a capture takes at least one point; release gives all back")
    with told_in_words():
        return _booked(
            "select * from ledger.capture(%s, %s, %s, %s::bigint, %s::date)",
            [subscriber_id, hold_id, day, points, grace_until],
        )


def release(
    *, subscriber_id: int, hold_id: UUID, day: date, grace_until: date | None = None
) -> Booked:
    """Gives back what a hold set aside, to the lots it came from; grace as in `capture`.

    Raises NoSuchHold, AlreadyClosed (it was captured).
    """
    with told_in_words():
        return _booked(
            "select * from ledger.release(%s, %s, %s, %s::date)",
            [subscriber_id, hold_id, day, grace_until],
        )


def extend_hold(*, subscriber_id: int, hold_id: UUID, until: datetime) -> bool:
    """Keeps an open hold from the sweep until `until` (never shortens it).

    For an order whose outcome is unknown. False when the hold is closed or does not exist.
    """
    with told_in_words():
        (is_open,) = _call("select ledger.extend_hold(%s, %s, %s)", [subscriber_id, hold_id, until])
    return bool(is_open)


def release_expired_holds(*, now: datetime, day: date, limit: int) -> int:
    """Releases up to `limit` open holds whose time is up; answers how many."""
    with told_in_words():
        (released,) = _call("select ledger.release_expired_holds(%s, %s, %s)", [now, day, limit])
    return int(released)


# ---- undoing, expiring -----------------------------------------------------------------------


def reverse(
    *,
    subscriber_id: int,
    source: int,
    ref: str,
    day: date,
    of_source: int,
    of_ref: str,
    of_day: date,
    points: int | None,
    fingerprint: bytes,
    grace_until: date | None = None,
) -> Booked:
    """Reverses a posting, wholly (`points` None: what is left of it) or in part, repeatedly.

    A debit goes back to the lots it came from, last taken first; lots that expired meanwhile as in
    `capture`. A credit is clawed back from its own lot, then from the others, first to expire
    first; what was spent already becomes arrears, which later points repay.
    Raises NoSuchPosting, KeyReused, BadPosting (more than is left; a reversal of a reversal).
    """
    with told_in_words():
        return _booked(
            "select * from ledger.reverse_posting("
            "%s, %s::smallint, %s, %s, %s::smallint, %s, %s, %s::bigint, %s, %s::date)",
            [
                subscriber_id, int(source), ref, day,
                int(of_source), of_ref, of_day, points, fingerprint, grace_until,
            ],
        )  # fmt: skip


def expire_due(*, day: date, limit: int) -> int:
    """Expires the lots of up to `limit` subscribers whose points were good until before `day`.

    Answers how many lots. One transaction a call, so that no lock lasts: call until it is 0.
    """
    with told_in_words():
        (expired,) = _call("select ledger.expire_due(%s, %s)", [day, limit])
    return int(expired)


def make_months(*, first: date, months: int) -> int:
    """Makes the journal's missing partitions for `months` months from that of `first` on."""
    with told_in_words():
        (made,) = _call("select ledger.make_months(%s, %s)", [first, months])
    return int(made)


# ---- calling ---------------------------------------------------------------------------------


def _post_one(source: int, accrual: Accrual) -> Posted:
    """The same as a batch of one, by the verb that is made for one: half the work."""
    is_fresh, is_conflict = _call(
        "select * from ledger.accrue(%s, %s::smallint, %s, %s, %s::bigint, %s, %s::integer, %s)",
        [
            accrual.subscriber_id, int(source), accrual.ref, accrual.occurred_on,
            accrual.points, accrual.expires_on, accrual.fund, accrual.fingerprint,
        ],
    )  # fmt: skip
    return Posted(
        fresh=int(is_fresh),
        replayed=int(not is_fresh and not is_conflict),
        conflicts=(accrual.ref,) if is_conflict else (),
    )


def _columns_of(
    accruals: Sequence[Accrual] | Sequence[Promise], *, like: type[Accrual] | type[Promise]
) -> list[str]:
    """Their fields, in the order in which the verbs take them."""
    if len(accruals) > ACCRUALS_PER_CALL_MAX:
        raise BadPosting(f"at most {ACCRUALS_PER_CALL_MAX} accruals in one call")
    columns = zip(*accruals, strict=True) if accruals else [()] * len(like._fields)
    return [literal(column) for column in columns]


def _call(sql: str, parameters: Sequence[Any]) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return tuple(cursor.fetchone())


def _call_apart(sql: str, parameters: Sequence[Any]) -> tuple[Any, ...]:
    """As `_call`, with the parameters sent apart: quoted into the statement, arrays of thousands
    would cost more than the statement itself."""
    connection.ensure_connection()
    connection.validate_no_broken_transaction()
    with (
        connection.wrap_database_errors,
        psycopg.Cursor(connection.connection) as cursor,
    ):
        row = cursor.execute(sql, parameters).fetchone()
    assert row is not None, "a function without a set answers one row"
    return tuple(row)


def _booked(sql: str, parameters: Sequence[Any]) -> Booked:
    is_fresh, available_points = _call(sql, parameters)
    return Booked(bool(is_fresh), int(available_points))

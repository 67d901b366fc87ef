"""Earning: now, or pending until a promised moment."""

from collections.abc import Sequence
from datetime import date, datetime

from club.arrays import literal
from club.ledger.actions.calling import call, call_apart
from club.ledger.errors import TooMany, told_in_words
from club.ledger.rules import ACCRUALS_PER_CALL_MAX, Accrual, Kind, Posted, Promise


def post_many(*, source: int, accruals: Sequence[Accrual], kind: Kind = Kind.ACCRUAL) -> Posted:
    """Posts up to 5,000 accruals of one source, each exactly once however often it is given.

    A debtor's accruals repay the arrears first. Accounts are locked in ascending order.
    `kind` is ACCRUAL, or OPENING for balances brought over from the system before.
    Raises BadPosting: an amount outside 1 .. 10^12, a ref over 200 bytes, a day the books have no
    month for, no last day, or more than 5,000 accruals; WrongFund: a fund below zero, for the
    others are not looked up. Nothing of the batch is posted then.
    """
    with told_in_words():
        columns = _columns_of(accruals, like=Accrual)
        if len(accruals) == 1 and kind == Kind.ACCRUAL:
            return _post_one(source, accruals[0])
        fresh, replayed, conflicts = call_apart(
            "select fresh, replayed, conflicts from ledger.post_many("
            "%b::smallint, %b::bigint[], %b::text[], %b::date[], %b::bigint[], %b::date[],"
            " %b::integer[], %b::bytea[], %b::smallint)",
            [int(source), *columns, int(kind)],
        )
    return Posted(fresh, replayed, tuple(conflicts))


def promise_many(*, source: int, promises: Sequence[Promise]) -> Posted:
    """Notes up to 5,000 accruals that become spendable at their `promised_at`.

    Until then they are pending points: shown, not spendable, and `withdraw_promise` cancels them.
    A key that was promised or posted before is a replay, or a conflict when its content differs.
    Raises as `post_many` does.
    """
    with told_in_words():
        columns = _columns_of(promises, like=Promise)
        fresh, replayed, conflicts = call_apart(
            "select fresh, replayed, conflicts from ledger.promise_many("
            "%b::smallint, %b::bigint[], %b::text[], %b::date[], %b::bigint[], %b::date[],"
            " %b::integer[], %b::bytea[], %b::timestamptz[])",
            [int(source), *columns],
        )
    return Posted(fresh, replayed, tuple(conflicts))


def keep_promises(*, now: datetime, limit: int) -> int:
    """Posts up to `limit` promises whose moment has come; answers how many. Call until it is 0."""
    with told_in_words():
        (kept,) = call("select ledger.keep_promises(%s, %s::integer)", [now, limit])
    return int(kept)


def withdraw_promise(*, subscriber_id: int, source: int, ref: str, occurred_on: date) -> bool:
    """Cancels a promise. False when it was kept meanwhile: reverse its posting instead.

    Withdrawing twice is harmless. Raises NoSuchPosting when nothing was promised under this key.
    """
    with told_in_words():
        (is_withdrawn,) = call(
            "select ledger.withdraw_promise(%s::bigint, %s::smallint, %s, %s)",
            [subscriber_id, int(source), ref, occurred_on],
        )
    return bool(is_withdrawn)


def lock_accounts(*, subscriber_ids: Sequence[int]) -> None:
    """Holds these accounts until the transaction ends, in ascending order, making missing ones.

    For a batch that must look (at limits, at budgets) before it grants.
    """
    with told_in_words():
        call_apart("select ledger.lock_accounts(%b::bigint[])", [literal(subscriber_ids)])


def _post_one(source: int, accrual: Accrual) -> Posted:
    """The same as a batch of one, by the verb that is made for one: half the work."""
    is_fresh, is_conflict = call(
        "select * from ledger.accrue(%s::bigint, %s::smallint, %s, %s, %s::bigint, %s, %s::integer, %s)",
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
        raise TooMany(f"at most {ACCRUALS_PER_CALL_MAX} accruals in one call")
    columns = zip(*accruals, strict=True) if accruals else [()] * len(like._fields)
    return [literal(column) for column in columns]

"""From one person to another: transfers and gifts, their undoing, and the freeze after a SIM swap."""

from datetime import date, datetime

from club.ledger.actions.calling import booked, call
from club.ledger.errors import BadPosting, told_in_words
from club.ledger.rules import Booked, TransferPolicy
from club.subscribers import queries as subscribers


def transfer(
    *,
    subscriber_id: int,
    to_subscriber_id: int,
    source: int,
    ref: str,
    day: date,
    points: int,
    policy: TransferPolicy,
    now: datetime,
    fingerprint: bytes,
    reason: str | None = None,
    actor: str | None = None,
) -> Booked:
    """Sends points good on `day`, first to expire first; they keep their dates and funds.

    The fee comes on top, from the sender alone; the first few of a month may be free of it. A receiver in arrears repays them first with the
    very points that come; a frozen receiver may receive. `reason` is a code for the statement,
    as "gift". Answers what the sender has left.
    Raises TransfersFrozen, TransferLimitReached, NotEnoughPoints (the fee is in asked_points),
    PointsTooYoung, UnknownSubscriber (the receiver), KeyReused, BadPosting (to oneself, to a pot).
    """
    with told_in_words():
        return booked(
            "select * from ledger.transfer(%s::bigint, %s::bigint, %s, %s::smallint, %s, %s, %s,"
            " %s::bigint, %s::bigint, %s, %s::bigint, %s::integer, %s::bigint, %s::integer, %s,"
            " %s, %s, %s)",
            [
                subscriber_id, to_subscriber_id, subscribers.is_member(to_subscriber_id),
                int(source), ref, day, now, points, policy.fee_points(points),
                policy.free_times_per_month, *policy.limits(), fingerprint, reason, actor,
            ],
        )  # fmt: skip


def reverse_transfer(
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
    with_fee: bool = False,
    receiver_may_owe: bool = False,
    grace_until: date | None = None,
    actor: str | None = None,
) -> Booked:
    """Takes a transfer back on both sides, wholly (`points` None: what is left) or in part.

    `subscriber_id` is the sender's, the key `of_…` the transfer's. The sender gets back the lots
    that were sent, last sent first, expired ones as in `reverse`; with `with_fee` all that is left
    of the fee, too. The receiver gives those same lots as far as they are there, then others; what
    is still missing becomes arrears with `receiver_may_owe`, else nothing moves.
    Raises NotEnoughPoints (the receiver's), NoSuchPosting, NotReversible (not a transfer between
    two people), MoreThanLeft, KeyReused, BadPosting.
    """
    with told_in_words():
        return booked(
            "select * from ledger.reverse_transfer(%s::bigint, %s::smallint, %s, %s, %s::smallint, %s, %s,"
            " %s::bigint, %s, %s, %s, %s::date, %s)",
            [
                subscriber_id, int(source), ref, day, int(of_source), of_ref, of_day,
                points, with_fee, receiver_may_owe, fingerprint, grace_until, actor,
            ],
        )  # fmt: skip


def freeze(*, subscriber_id: int, until: datetime, reason: str) -> datetime:
    """Nobody sends points from this account before `until`; answers until when it is frozen.

    For whoever hears of a SIM swap or a change of owner. A second freeze never shortens the first.
    Spending one's own points goes on, spending a family pot's does not. `reason` is a code:
    sim_swap, owner_changed, staff. Harmless when repeated. Raises BadPosting.
    """
    if not reason:
        raise BadPosting("a freeze has a reason")
    with told_in_words():
        (frozen_until,) = call(
            "select ledger.freeze_transfers(%s::bigint, %s, %s)", [subscriber_id, until, reason]
        )
    assert isinstance(frozen_until, datetime)
    return frozen_until


def unfreeze(*, subscriber_id: int) -> bool:
    """Ends a freeze before its time. False when there was none."""
    with told_in_words():
        (was_frozen,) = call("select ledger.unfreeze_transfers(%s::bigint)", [subscriber_id])
    return bool(was_frozen)

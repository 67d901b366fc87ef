"""Family pots: points that several people own together. The pot's id serves wherever the books ask
for a subscriber: balance, lots, statement, capture, release, reverse."""

from datetime import date, datetime, timedelta
from uuid import UUID

from club.ledger.actions.calling import booked, call
from club.ledger.errors import BadPosting, told_in_words
from club.ledger.rules import (
    HOLD_LIFETIME_MAX,
    POT_MEMBERS_MAX,
    Booked,
    PotSpender,
    TransferPolicy,
    pot_id_of,
)
from club.subscribers import queries as subscribers


def open_pot(*, key: UUID, owner_id: int, spent_by: PotSpender) -> int:
    """Opens a family pot; answers its id, the same one for the same key.

    Whoever owns or joins a pot is in no other one. Raises AlreadyInPot, KeyReused, BadPosting.
    """
    pot_id = pot_id_of(key)
    with told_in_words():
        call("select ledger.open_pot(%s, %s::bigint, %s::smallint)", [pot_id, owner_id, spent_by])
    return pot_id


def invite_to_pot(
    *, pot_id: int, by: int, subscriber_id: int, now: datetime, until: datetime
) -> None:
    """The owner's word that somebody may join before `until`; a second one replaces the first.

    Members and open invitations are ten at most. Inviting a member is harmless.
    Raises NotInPot (not the owner), NoSuchPot, UnknownSubscriber, TooMany.
    """
    with told_in_words():
        call(
            "select ledger.invite_to_pot(%s::bigint, %s::bigint, %s::bigint, %s, %s, %s, %s)",
            [
                pot_id, by, subscriber_id, subscribers.is_member(subscriber_id),
                now, until, POT_MEMBERS_MAX,
            ],
        )  # fmt: skip


def join_pot(*, pot_id: int, subscriber_id: int, now: datetime) -> bool:
    """Takes the seat one was invited to. False when it is taken already.

    Raises NotInPot (no invitation, or too late), AlreadyInPot (another one), NoSuchPot.
    """
    with told_in_words():
        (is_fresh,) = call(
            "select ledger.join_pot(%s::bigint, %s::bigint, %s)", [pot_id, subscriber_id, now]
        )
    return bool(is_fresh)


def pay_into_pot(
    *,
    pot_id: int,
    subscriber_id: int,
    source: int,
    ref: str,
    day: date,
    points: int,
    policy: TransferPolicy,
    now: datetime,
    fingerprint: bytes,
) -> Booked:
    """Moves a member's points into the pot, with their dates and funds; the stake grows by them.

    It is sending, on the terms of `policy`, and counts against the limits of transfers.
    Raises as `transfer` does, and NotInPot, NoSuchPot. Answers what the member has left.
    """
    with told_in_words():
        return booked(
            "select * from ledger.pay_into_pot(%s::bigint, %s::bigint, %s::smallint, %s, %s, %s,"
            " %s::bigint, %s::bigint, %s::bigint, %s::integer, %s::bigint, %s::integer, %s, %s)",
            [
                pot_id, subscriber_id, int(source), ref, day, now, points,
                policy.fee_points(points), *policy.limits(), fingerprint,
            ],
        )  # fmt: skip


def spend_from_pot(
    *,
    pot_id: int,
    by: int,
    source: int,
    ref: str,
    day: date,
    points: int,
    now: datetime,
    fingerprint: bytes,
) -> Booked:
    """Spends the pot's points as `spend` does; the line of its statement says who it was.

    Answers what the pot has left. Raises NotInPot (not a member, or only the owner may),
    TransfersFrozen, NoSuchPot, NotEnoughPoints, KeyReused, BadPosting.
    """
    with told_in_words():
        return booked(
            "select * from ledger.spend_from_pot("
            "%s::bigint, %s::bigint, %s::smallint, %s, %s, %s, %s::bigint, %s)",
            [pot_id, by, int(source), ref, day, now, points, fingerprint],
        )


def hold_from_pot(
    *,
    pot_id: int,
    by: int,
    hold_id: UUID,
    day: date,
    points: int,
    now: datetime,
    lifetime: timedelta,
    fingerprint: bytes,
) -> Booked:
    """Sets the pot's points aside as `hold` does; capture and release it with the pot's id.

    Raises as `spend_from_pot` does.
    """
    if not timedelta(0) < lifetime <= HOLD_LIFETIME_MAX:
        raise BadPosting("a hold lives between a moment and 40 days")
    with told_in_words():
        return booked(
            "select * from ledger.hold_from_pot("
            "%s::bigint, %s::bigint, %s, %s, %s, %s::bigint, %s, %s)",
            [pot_id, by, hold_id, day, now, points, now + lifetime, fingerprint],
        )


def leave_pot(*, pot_id: int, subscriber_id: int, by: int, day: date) -> Booked:
    """Ends a seat, by the member or the owner; the member's part of the pot comes home.

    The part of what is free in the pot on `day`, by the stakes, rounded down, of each lot alike;
    what is on hold stays. An owner who leaves closes the pot. Repeated, it changes nothing.
    Answers what the member has. Raises NotInPot, NoSuchPot, OpenHolds (the owner).
    """
    with told_in_words():
        return booked(
            "select * from ledger.leave_pot(%s::bigint, %s::bigint, %s::bigint, %s)",
            [pot_id, subscriber_id, by, day],
        )


def close_pot(*, pot_id: int, by: int, day: date) -> bool:
    """Sends everybody their part, and the owner the rest. False when it was closed before.

    What comes back to the pot later, by a reversal, follows to the owner.
    Raises NotInPot (not the owner), NoSuchPot, OpenHolds.
    """
    with told_in_words():
        (is_fresh,) = call("select ledger.close_pot(%s::bigint, %s::bigint, %s)", [pot_id, by, day])
    return bool(is_fresh)

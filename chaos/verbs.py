"""One deed of a diary, done: a call of the ledger by the deed's own key, whatever the number of tries."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from chaos.cast import BUDGET, Cast
from chaos.diary import Deed, Outcome
from club.ledger import actions as ledger
from club.ledger.rules import (
    AdjustmentReason,
    Booked,
    PotSpender,
    Source,
    TransferPolicy,
    fingerprint_of,
)

POLICY = TransferPolicy(fee_fixed_points=1)
HELD_SHORTLY, HELD_LONG = timedelta(seconds=1), timedelta(days=10)
ACTOR = "chaos"

Verb = Callable[[Deed, Cast], Outcome]


def earn(deed: Deed, cast: Cast) -> Outcome:
    posted = ledger.post_many(
        source=Source.ACCRUAL,
        accruals=[
            ledger.Accrual(
                who, deed["ref"], date.fromisoformat(deed["on"]), n,
                date.fromisoformat(deed["until"]), 0, fingerprint_of(n),
            )
            for who, n in deed["rows"]
        ],
    )  # fmt: skip
    return {"fresh": posted.fresh > 0, "conflicts": list(posted.conflicts)}


def promise(deed: Deed, cast: Cast) -> Outcome:
    posted = ledger.promise_many(
        source=Source.ACCRUAL,
        promises=[
            ledger.Promise(
                who, deed["ref"], cast.day, n, cast.good_until, 0, fingerprint_of(n),
                datetime.fromtimestamp(deed["at"], UTC),
            )
            for who, n in deed["rows"]
        ],
    )  # fmt: skip
    return {"fresh": posted.fresh > 0, "conflicts": list(posted.conflicts)}


def withdraw(deed: Deed, cast: Cast) -> Outcome:
    is_withdrawn = ledger.withdraw_promise(
        subscriber_id=deed["who"], source=Source.ACCRUAL, ref=deed["of"], occurred_on=cast.day
    )
    return {"is_withdrawn": is_withdrawn}


def spend(deed: Deed, cast: Cast) -> Outcome:
    return _told(
        ledger.spend(
            subscriber_id=deed["who"], source=Source.ORDER, ref=deed["ref"], day=cast.day,
            points=deed["points"], fingerprint=_content(deed),
        )
    )  # fmt: skip


def hold(deed: Deed, cast: Cast) -> Outcome:
    return _told(
        ledger.hold(
            subscriber_id=deed["who"], hold_id=UUID(deed["hold"]), day=cast.day,
            points=deed["points"], now=datetime.now(UTC),
            lifetime=HELD_SHORTLY if deed["is_short"] else HELD_LONG, fingerprint=_content(deed),
        )
    )  # fmt: skip


def capture(deed: Deed, cast: Cast) -> Outcome:
    return _told(
        ledger.capture(
            subscriber_id=deed["who"],
            hold_id=UUID(deed["hold"]),
            day=cast.day,
            points=deed["points"],
        )
    )


def release(deed: Deed, cast: Cast) -> Outcome:
    return _told(
        ledger.release(subscriber_id=deed["who"], hold_id=UUID(deed["hold"]), day=cast.day)
    )


def pin(deed: Deed, cast: Cast) -> Outcome:
    hold_id = UUID(deed["hold"])
    return {"is_open": ledger.pin_hold(subscriber_id=deed["who"], hold_id=hold_id)}


def unpin(deed: Deed, cast: Cast) -> Outcome:
    is_unpinned = ledger.unpin_hold(
        subscriber_id=deed["who"], hold_id=UUID(deed["hold"]),
        until=datetime.now(UTC) + HELD_SHORTLY,
    )  # fmt: skip
    return {"is_unpinned": is_unpinned}


def extend_hold(deed: Deed, cast: Cast) -> Outcome:
    is_open = ledger.extend_hold(
        subscriber_id=deed["who"], hold_id=UUID(deed["hold"]), until=datetime.now(UTC) + HELD_LONG
    )
    return {"is_open": is_open}


def reverse(deed: Deed, cast: Cast) -> Outcome:
    return _told(
        ledger.reverse(
            subscriber_id=deed["who"], source=Source.STAFF, ref=deed["ref"], day=cast.day,
            of_source=deed["of_source"], of_ref=deed["of"], of_day=cast.day,
            points=deed["points"], fingerprint=_content(deed), actor=ACTOR,
        )
    )  # fmt: skip


def transfer(deed: Deed, cast: Cast) -> Outcome:
    return _told(
        ledger.transfer(
            subscriber_id=deed["who"], to_subscriber_id=deed["to"], source=Source.PARTNER,
            ref=deed["ref"], day=cast.day, points=deed["points"], policy=POLICY,
            now=datetime.now(UTC), fingerprint=_content(deed),
        )
    )  # fmt: skip


def reverse_transfer(deed: Deed, cast: Cast) -> Outcome:
    return _told(
        ledger.reverse_transfer(
            subscriber_id=deed["who"], source=Source.STAFF, ref=deed["ref"], day=cast.day,
            of_source=Source.PARTNER, of_ref=deed["of"], of_day=cast.day, points=deed["points"],
            fingerprint=_content(deed), with_fee=True, receiver_may_owe=True, actor=ACTOR,
        )
    )  # fmt: skip


def adjust(deed: Deed, cast: Cast) -> Outcome:
    return _told(
        ledger.adjust(
            subscriber_id=deed["who"], source=Source.STAFF, ref=deed["ref"], day=cast.day,
            points=deed["points"], reason=AdjustmentReason.AGREEMENT, actor=ACTOR,
            fingerprint=_content(deed), expires_on=cast.good_until,
        )
    )  # fmt: skip


def goodwill(deed: Deed, cast: Cast) -> Outcome:
    return _told(
        ledger.goodwill(
            subscriber_id=deed["who"], source=Source.STAFF, ref=deed["ref"], day=cast.day,
            points=deed["points"], budget=BUDGET, expires_on=cast.good_until, actor=ACTOR,
            fingerprint=_content(deed),
        )
    )  # fmt: skip


def extend(deed: Deed, cast: Cast) -> Outcome:
    extended = ledger.extend(
        subscriber_id=deed["who"], source=Source.STAFF, ref=deed["ref"], day=cast.day,
        ending_from=cast.day, ending_until=cast.good_until,
        to=cast.good_until + timedelta(days=1), reason="chaos", actor=ACTOR,
        fingerprint=_content(deed),
    )  # fmt: skip
    return {"fresh": extended.is_fresh, "points": extended.extended_points}


def freeze(deed: Deed, cast: Cast) -> Outcome:
    until = datetime.now(UTC) + timedelta(days=3)
    ledger.freeze(subscriber_id=deed["who"], until=until, reason="staff")
    return {}


def unfreeze(deed: Deed, cast: Cast) -> Outcome:
    ledger.unfreeze(subscriber_id=deed["who"])
    return {}


def merge(deed: Deed, cast: Cast) -> Outcome:
    return _told(
        ledger.merge(
            from_subscriber_id=deed["who"], to_subscriber_id=deed["to"], source=Source.STAFF,
            ref=deed["ref"], day=cast.day, actor=ACTOR,
        )
    )  # fmt: skip


def forfeit(deed: Deed, cast: Cast) -> Outcome:
    return _told(
        ledger.forfeit(
            subscriber_id=deed["who"], source=Source.STAFF, ref=deed["ref"], day=cast.day,
            actor=ACTOR, reason="left",
        )
    )  # fmt: skip


# ---- a family's pot


def open_pot(deed: Deed, cast: Cast) -> Outcome:
    key = UUID(deed["key"])
    pot_id = ledger.open_pot(key=key, owner_id=deed["who"], spent_by=PotSpender.EVERYBODY)
    return {"pot": pot_id}


def seat(deed: Deed, cast: Cast) -> Outcome:
    now = datetime.now(UTC)
    ledger.invite_to_pot(
        pot_id=deed["pot"], by=deed["by"], subscriber_id=deed["who"], now=now,
        until=now + timedelta(days=1),
    )  # fmt: skip
    return {"fresh": ledger.join_pot(pot_id=deed["pot"], subscriber_id=deed["who"], now=now)}


def pay_in(deed: Deed, cast: Cast) -> Outcome:
    return _told(
        ledger.pay_into_pot(
            pot_id=deed["to"], subscriber_id=deed["who"], source=Source.PARTNER, ref=deed["ref"],
            day=cast.day, points=deed["points"], policy=POLICY, now=datetime.now(UTC),
            fingerprint=_content(deed),
        )
    )  # fmt: skip


def spend_from_pot(deed: Deed, cast: Cast) -> Outcome:
    return _told(
        ledger.spend_from_pot(
            pot_id=deed["who"], by=deed["by"], source=Source.ORDER, ref=deed["ref"], day=cast.day,
            points=deed["points"], now=datetime.now(UTC), fingerprint=_content(deed),
        )
    )  # fmt: skip


def hold_from_pot(deed: Deed, cast: Cast) -> Outcome:
    return _told(
        ledger.hold_from_pot(
            pot_id=deed["who"], by=deed["by"], hold_id=UUID(deed["hold"]), day=cast.day,
            points=deed["points"], now=datetime.now(UTC),
            lifetime=HELD_LONG, fingerprint=_content(deed),
        )
    )  # fmt: skip


def leave_pot(deed: Deed, cast: Cast) -> Outcome:
    return _told(
        ledger.leave_pot(
            pot_id=deed["pot"], subscriber_id=deed["who"], by=deed["who"], day=cast.day
        )
    )


def close_pot(deed: Deed, cast: Cast) -> Outcome:
    return {"fresh": ledger.close_pot(pot_id=deed["pot"], by=deed["who"], day=cast.day)}


def _told(booked: Booked) -> Outcome:
    return {"fresh": booked.is_fresh}


def _content(deed: Deed) -> bytes:
    return fingerprint_of(deed.get("ref", deed.get("hold")), deed["points"])


VERBS: dict[str, Verb] = {
    verb.__name__: verb
    for verb in (
        earn, promise, withdraw, spend, hold, capture, release, pin, unpin, extend_hold, reverse,
        transfer, reverse_transfer, adjust, goodwill, extend, freeze, unfreeze, merge, forfeit,
        open_pot, seat, pay_in, spend_from_pot, hold_from_pot, leave_pot, close_pot,
    )
}  # fmt: skip

"""Every verb of the books with arguments that are good, in a world where it succeeds."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from club.ledger import actions as ledger
from club.ledger.rules import (
    AdjustmentReason,
    PotSpender,
    Source,
    TransferPolicy,
    fingerprint_of,
)
from tests.ledger import people
from tests.ledger.people import DAY, LATER, NEXT_WEEK, NOW, SOON

HOLD, NEW_HOLD = UUID(int=71), UUID(int=72)
CONTENT, OTHER_CONTENT = fingerprint_of("good"), fingerprint_of("other")
POINTS = 1_000
SPENT = 40
FREELY = TransferPolicy()

Arguments = dict[str, Any]
Verb = Callable[..., object]


@dataclass(frozen=True)
class World:
    """Aziza has points, has earned, spent, held, promised and sent some; she owns a pot, where Bek is
    a member and Charos is invited. Dilnoz was somebody's number before."""

    aziza: int
    bek: int
    charos: int
    former: int
    pot: int


def made() -> World:
    aziza, bek, charos, former = (people.somebody() for _ in range(4))
    ledger.make_fund(fund=1, code="bank", name="Bank")
    ledger.make_budget(code="gifts", fund=1, points=500, valid_from=DAY, valid_until=SOON)
    world = World(aziza, bek, charos, former, 0)
    accrue(**_accrual(world) | {"ref": "earned", "points": POINTS})
    accrue(**_accrual(world) | {"subscriber_id": former})
    ledger.spend(**_keyed(world, "spent", points=SPENT))
    ledger.hold(**_held(world) | {"subscriber_id": aziza, "hold_id": HOLD})
    promise(**_promised(world) | {"ref": "promised"})
    ledger.transfer(**_sent(world) | {"ref": "sent"})
    pot = people.pot_of(aziza, bek)
    people.pays_in(pot, aziza, 100)
    people.pays_in(pot, bek, 5)
    people.invites(pot, charos, by=aziza)
    return World(aziza, bek, charos, former, pot)


def accrue(*, source: int, **fields: Any) -> ledger.Posted:
    """One alone goes by a verb of its own."""
    return ledger.post_many(source=source, accruals=[ledger.Accrual(**fields)])


def accrue_many(*, source: int, beside: int, **fields: Any) -> ledger.Posted:
    """The last of a batch whose others are good."""
    good = ledger.Accrual(beside, "beside", DAY, 10, SOON, 0, CONTENT)
    return ledger.post_many(source=source, accruals=[good, ledger.Accrual(**fields)])


def promise(*, source: int, **fields: Any) -> ledger.Posted:
    return ledger.promise_many(source=source, promises=[ledger.Promise(**fields)])


def _accrual(world: World) -> Arguments:
    return {
        "source": Source.ACCRUAL, "subscriber_id": world.aziza, "ref": "new", "occurred_on": DAY,
        "points": 10, "expires_on": SOON, "fund": 0, "fingerprint": CONTENT,
    }  # fmt: skip


def _promised(world: World) -> Arguments:
    return {**_accrual(world), "promised_at": NOW}


def _keyed(world: World, ref: str = "new", **more: Any) -> Arguments:
    return {
        "subscriber_id": world.aziza, "source": Source.STAFF, "ref": ref, "day": DAY,
        "fingerprint": CONTENT, **more,
    }  # fmt: skip


def _sent(world: World) -> Arguments:
    return _keyed(world, points=10, to_subscriber_id=world.bek, policy=FREELY, now=NOW)


def _reversal(world: World, of_source: int, of_ref: str) -> Arguments:
    return _keyed(
        world, of_source=of_source, of_ref=of_ref, of_day=DAY, points=5, grace_until=LATER,
        actor="anna",
    )  # fmt: skip


def _held(world: World) -> Arguments:
    return {
        "subscriber_id": world.aziza, "hold_id": NEW_HOLD, "day": DAY, "points": 10, "now": NOW,
        "lifetime": timedelta(minutes=15), "fingerprint": CONTENT,
    }  # fmt: skip


def _from_pot(world: World, arguments: Arguments) -> Arguments:
    del arguments["subscriber_id"]
    return {**arguments, "pot_id": world.pot, "by": world.bek, "now": NOW}


def _of_hold(world: World, **more: Any) -> Arguments:
    return {"subscriber_id": world.aziza, "hold_id": HOLD, **more}


GOOD: dict[str, tuple[Verb, Callable[[World], Arguments]]] = {
    "accrue": (accrue, _accrual),
    "accrue_many": (accrue_many, lambda w: {**_accrual(w), "beside": w.bek}),
    "post_file": (
        ledger.post_file,
        lambda w: {
            "blocks": [
                b"ref,subscriber_id,points,occurred_on,expires_on,fund\n",
                f"new,{w.aziza},10,{DAY},{SOON},operator\n".encode(),
            ],
            "source": Source.IMPORT, "prefix": "bank:", "workers": 1,
        },
    ),
    "promise_many": (promise, _promised),
    "keep_promises": (ledger.keep_promises, lambda w: {"now": NOW, "limit": 10}),
    "withdraw_promise": (
        ledger.withdraw_promise,
        lambda w: {
            "subscriber_id": w.aziza, "source": Source.ACCRUAL, "ref": "promised",
            "occurred_on": DAY,
        },
    ),
    "lock_accounts": (ledger.lock_accounts, lambda w: {"subscriber_ids": [w.aziza, w.bek]}),
    "spend": (ledger.spend, lambda w: _keyed(w, points=10, fund=0)),
    "hold": (ledger.hold, lambda w: {**_held(w), "fund": 0}),
    "capture": (ledger.capture, lambda w: _of_hold(w, day=DAY, points=5, grace_until=LATER)),
    "release": (ledger.release, lambda w: _of_hold(w, day=DAY, grace_until=LATER)),
    "extend_hold": (ledger.extend_hold, lambda w: _of_hold(w, until=NEXT_WEEK)),
    "pin_hold": (ledger.pin_hold, _of_hold),
    "unpin_hold": (ledger.unpin_hold, lambda w: _of_hold(w, until=NEXT_WEEK)),
    "release_expired_holds": (
        ledger.release_expired_holds,
        lambda w: {"now": NEXT_WEEK, "day": DAY, "limit": 10},
    ),
    "reverse": (ledger.reverse, lambda w: _reversal(w, Source.STAFF, "spent")),
    "transfer": (ledger.transfer, lambda w: {**_sent(w), "reason": "gift", "actor": "anna"}),
    "reverse_transfer": (ledger.reverse_transfer, lambda w: _reversal(w, Source.STAFF, "sent")),
    "freeze": (
        ledger.freeze,
        lambda w: {"subscriber_id": w.aziza, "until": NEXT_WEEK, "reason": "staff"},
    ),
    "unfreeze": (ledger.unfreeze, lambda w: {"subscriber_id": w.aziza}),
    "adjust": (
        ledger.adjust,
        lambda w: _keyed(
            w, points=10, fund=0, expires_on=SOON, reason=AdjustmentReason.AGREEMENT, actor="anna"
        ),
    ),
    "goodwill": (
        ledger.goodwill,
        lambda w: _keyed(w, points=10, budget="gifts", expires_on=SOON, actor="anna"),
    ),
    "make_fund": (ledger.make_fund, lambda w: {"fund": 7, "code": "shop", "name": "Shop"}),
    "make_budget": (
        ledger.make_budget,
        lambda w: {
            "code": "new", "fund": 1, "points": 10, "valid_from": DAY, "valid_until": SOON
        },
    ),
    "extend": (
        ledger.extend,
        lambda w: _keyed(
            w, ending_from=DAY, ending_until=SOON, to=LATER, reason="staff", actor="anna", fund=0
        ),
    ),
    "extend_many": (
        ledger.extend_many,
        lambda w: {
            "source": Source.STAFF, "ref": "new", "day": DAY, "ending_on": SOON, "to": LATER,
            "reason": "staff", "actor": "anna", "limit": 10, "fund": 0, "after": None,
        },
    ),
    "expire_due": (ledger.expire_due, lambda w: {"day": LATER, "limit": 10, "after": None}),
    "expire_inactive": (
        ledger.expire_inactive,
        lambda w: {"day": DAY, "active_since": LATER, "after": None, "limit": 10},
    ),
    "count_day": (ledger.count_day, lambda w: {}),
    "prove_what_is_new": (ledger.prove_what_is_new, lambda w: {}),
    "make_months": (ledger.make_months, lambda w: {"first": LATER.replace(2041), "months": 1}),
    "follow_successors": (ledger.follow_successors, lambda w: {"day": DAY, "limit": 10}),
    "merge": (
        ledger.merge,
        lambda w: {
            "from_subscriber_id": w.former, "to_subscriber_id": w.charos, "source": Source.STAFF,
            "ref": "new", "day": DAY, "actor": "anna",
        },
    ),
    "forfeit": (
        ledger.forfeit,
        lambda w: {
            "subscriber_id": w.former, "source": Source.STAFF, "ref": "new", "day": DAY,
            "actor": "anna", "reason": "left",
        },
    ),
    "open_pot": (
        ledger.open_pot,
        lambda w: {"key": UUID(int=99), "owner_id": w.charos, "spent_by": PotSpender.OWNER},
    ),
    "invite_to_pot": (
        ledger.invite_to_pot,
        lambda w: {
            "pot_id": w.pot, "by": w.aziza, "subscriber_id": w.former, "now": NOW,
            "until": NEXT_WEEK,
        },
    ),
    "join_pot": (
        ledger.join_pot, lambda w: {"pot_id": w.pot, "subscriber_id": w.charos, "now": NOW}
    ),
    "pay_into_pot": (
        ledger.pay_into_pot,
        lambda w: _keyed(w, pot_id=w.pot, points=10, policy=FREELY, now=NOW),
    ),
    "spend_from_pot": (
        ledger.spend_from_pot, lambda w: _from_pot(w, _keyed(w, points=10))
    ),
    "hold_from_pot": (ledger.hold_from_pot, lambda w: _from_pot(w, _held(w))),
    "leave_pot": (
        ledger.leave_pot,
        lambda w: {"pot_id": w.pot, "subscriber_id": w.bek, "by": w.bek, "day": DAY},
    ),
    "close_pot": (ledger.close_pot, lambda w: {"pot_id": w.pot, "by": w.aziza, "day": DAY}),
}  # fmt: skip

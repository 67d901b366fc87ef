"""What a subscriber had at a past instant, told with figures that were worked out by hand."""

from datetime import UTC, date, datetime, timedelta

import pytest

from club.ledger import actions as ledger
from club.ledger import queries
from club.ledger.errors import MomentInFuture
from club.ledger.queries import Balance, Lot
from club.ledger.rules import ClawbackPolicy, Source, fingerprint_of
from tests.ledger import people
from tests.ledger.desk import (
    AZIZA,
    DAY,
    HOLD,
    LATER,
    SOON,
    earns,
    held,
    refunds,
    spends,
    takes_back,
)
from tests.ledger.moments import at, happened

pytestmark = pytest.mark.django_db


def then(moment: datetime, *, who: int = AZIZA, day: date | None = None) -> Balance:
    return queries.balance_at(subscriber_id=who, at=moment, day=day)


def points(moment: datetime, *, who: int = AZIZA) -> int:
    return then(moment, who=who).spendable_points


def lots(moment: datetime, *, who: int = AZIZA) -> list[tuple[date, int, int]]:
    found = queries.lots_at(subscriber_id=who, at=moment)
    return [(lot.expires_on, lot.fund, lot.points) for lot in found]


def balanced(spendable: int, held: int = 0, pending: int = 0, arrears: int = 0) -> tuple[int, ...]:
    return spendable, held, pending, arrears


def figures(moment: datetime, *, who: int = AZIZA) -> tuple[int, ...]:
    found = then(moment, who=who)
    return (
        found.spendable_points,
        found.held_points,
        found.pending_points,
        found.arrears_points,
    )


def test_earnings_and_a_spend_are_there_from_their_moments_on() -> None:
    earns("a", 100, expires_on=SOON)
    happened(at(9))
    earns("b", 50, expires_on=LATER, fund=3)
    happened(at(10))
    spends(110)
    happened(at(11))

    assert then(at(8, 59)) == Balance(0, 0, 0, 0, None, 0)
    assert then(at(9)) == Balance(100, 0, 0, 0, SOON, 100)
    assert then(at(10, 30)) == Balance(150, 0, 0, 0, SOON, 100)
    assert then(at(11)) == Balance(40, 0, 0, 0, LATER, 40)
    assert lots(at(10, 30)) == [(SOON, 0, 100), (LATER, 3, 50)]
    assert lots(at(11)) == [(LATER, 3, 40)]


def test_a_payment_told_late_is_there_from_the_moment_it_was_told() -> None:
    earns("of August", 100, on=date(2026, 8, 3))
    happened(at(9))

    assert points(at(8)) == 0
    assert points(at(9)) == 100


def test_a_hold_captured_in_part_was_held_whole_until_then() -> None:
    earns("a", 100)
    happened(at(9))
    held(60)
    happened(at(10))
    ledger.capture(subscriber_id=AZIZA, hold_id=HOLD, day=DAY, points=25)
    happened(at(11))

    assert figures(at(9)) == balanced(100)
    assert figures(at(10, 59)) == balanced(40, held=60)
    assert figures(at(11)) == balanced(75)


def test_a_released_hold_gives_its_lots_back_from_that_moment_on() -> None:
    earns("a", 30, expires_on=SOON)
    earns("b", 30, expires_on=LATER)
    happened(at(9))
    held(40)
    happened(at(10))
    ledger.release(subscriber_id=AZIZA, hold_id=HOLD, day=DAY)
    happened(at(11))

    assert lots(at(10)) == [(LATER, 0, 20)]
    assert lots(at(11)) == [(SOON, 0, 30), (LATER, 0, 30)]


def test_a_promise_was_pending_until_it_was_kept_or_withdrawn() -> None:
    for ref, n in (("kept", 30), ("withdrawn", 7)):
        promise = ledger.Promise(
            AZIZA, ref, DAY, n, SOON, 0, fingerprint_of(ref),
            at(12) if ref == "kept" else at(20),
        )  # fmt: skip
        ledger.promise_many(source=Source.ACCRUAL, promises=[promise])
    happened(at(9))
    ledger.keep_promises(now=at(12), limit=10)
    happened(at(12))
    ledger.withdraw_promise(
        subscriber_id=AZIZA, source=Source.ACCRUAL, ref="withdrawn", occurred_on=DAY
    )
    happened(at(13))

    assert figures(at(8)) == balanced(0)
    assert figures(at(9)) == balanced(0, pending=37)
    assert figures(at(12)) == balanced(30, pending=7)
    assert figures(at(13)) == balanced(30)


def test_arrears_rise_with_a_clawback_and_fall_with_the_next_earning() -> None:
    earns("a", 50)
    earns("b", 20, expires_on=LATER)
    happened(at(9))
    spends(40)
    happened(at(10))
    takes_back("cancelled", "a", policy=ClawbackPolicy.ARREARS)
    happened(at(11))
    earns("c", 25)
    happened(at(12))
    earns("d", 100)
    happened(at(13))

    assert figures(at(10)) == balanced(30)
    assert figures(at(11)) == balanced(0, arrears=40)  # 20 spared, 40 owed
    assert figures(at(12)) == balanced(5, arrears=15)  # 25 repaid: 20 spared, 15 owed
    assert figures(at(13)) == balanced(105)


def test_points_past_their_day_are_not_spendable_though_nobody_swept_them_yet() -> None:
    earns("a", 100, expires_on=DAY)
    happened(at(9))
    ledger.expire_due(day=DAY + timedelta(days=1), limit=10)
    happened(at(0, 5, day=23))

    assert points(at(23, 59)) == 100
    assert points(at(0, 1, day=23)) == 0
    assert lots(at(0, 1, day=23)) == []
    assert then(at(0, 1, day=23), day=DAY).spendable_points == 100
    assert then(at(0, 5, day=23), day=DAY).spendable_points == 0


def test_a_refund_of_expired_points_was_there_with_its_grace() -> None:
    earns("a", 100, expires_on=DAY)
    happened(at(9))
    spends(60)
    happened(at(10))
    ledger.expire_due(day=DAY + timedelta(days=1), limit=10)
    happened(at(0, 5, day=23))
    refunds("r", 25, day=DAY + timedelta(days=1), grace_until=DAY + timedelta(days=7))
    happened(at(10, day=23))

    assert points(at(9, day=23)) == 0
    assert lots(at(10, day=23)) == [(DAY + timedelta(days=7), 0, 25)]


def test_extended_points_had_their_old_day_before() -> None:
    earns("a", 100, expires_on=SOON)
    happened(at(9))
    ledger.extend(
        subscriber_id=AZIZA, source=Source.STAFF, ref="x", day=DAY, ending_from=DAY,
        ending_until=SOON, to=LATER, reason="fault", actor="a", fingerprint=fingerprint_of("x"),
    )  # fmt: skip
    happened(at(10))

    assert then(at(9, 30)) == Balance(100, 0, 0, 0, SOON, 100)
    assert then(at(10)) == Balance(100, 0, 0, 0, LATER, 100)


def test_both_sides_of_a_transfer_change_at_its_moment() -> None:
    me, you = people.somebody(), people.somebody()
    people.earns(me, 100, fund=2)
    happened(at(9))
    people.sends(me, you, 30)
    happened(at(10))

    assert (points(at(9, 59), who=me), points(at(9, 59), who=you)) == (100, 0)
    assert (points(at(10), who=me), points(at(10), who=you)) == (70, 30)
    assert lots(at(10), who=you) == [(SOON, 2, 30)]


def test_a_changed_number_has_its_past_and_the_new_one_what_came() -> None:
    former, new = people.somebody(), people.somebody()
    people.earns(former, 40, fund=1)
    promise = ledger.Promise(former, "p", DAY, 9, SOON, 0, fingerprint_of("p"), at(20))
    ledger.promise_many(source=Source.ACCRUAL, promises=[promise])
    happened(at(9))
    ledger.merge(
        from_subscriber_id=former, to_subscriber_id=new, source=Source.STAFF, ref="m", day=DAY
    )
    happened(at(10))

    assert figures(at(9), who=former) == balanced(40, pending=9)
    assert figures(at(9), who=new) == balanced(0)
    assert figures(at(10), who=former) == balanced(0)
    assert figures(at(10), who=new) == balanced(40, pending=9)


def test_a_debt_that_went_to_the_new_number_was_the_former_one_s_until_then() -> None:
    former, new = people.somebody(), people.somebody()
    people.owes(former, 25)
    people.earns(new, 10)
    happened(at(9))
    ledger.merge(
        from_subscriber_id=former, to_subscriber_id=new, source=Source.STAFF, ref="m", day=DAY
    )
    happened(at(10))

    assert figures(at(9), who=former) == balanced(0, arrears=25)
    assert figures(at(10), who=former) == balanced(0)
    assert figures(at(10), who=new) == balanced(0, arrears=15)


def test_a_family_pot_has_a_past_as_everybody_has() -> None:
    owner = people.somebody()
    people.earns(owner, 100)
    pot = people.pot_of(owner)
    happened(at(9))
    people.pays_in(pot, owner, 80)
    happened(at(10))
    people.spends_from(pot, owner, 50)
    happened(at(11))
    ledger.close_pot(pot_id=pot, by=owner, day=DAY)
    happened(at(12))

    assert [points(at(hour), who=pot) for hour in (9, 10, 11, 12)] == [0, 80, 30, 0]
    assert [points(at(hour), who=owner) for hour in (9, 10, 11, 12)] == [100, 20, 20, 50]


def test_whoever_left_had_points_until_then() -> None:
    earns("a", 100)
    happened(at(9))
    ledger.forfeit(
        subscriber_id=AZIZA, source=Source.STAFF, ref="f", day=DAY, actor=None, reason="left"
    )
    happened(at(10))

    assert (points(at(9)), points(at(10))) == (100, 0)


def test_the_future_is_not_told() -> None:
    with pytest.raises(MomentInFuture) as told:
        then(datetime.now(UTC) + timedelta(hours=1))

    assert told.value.code == "moment_in_future"


def test_who_never_had_anything_had_zero_points() -> None:
    assert then(at(9), who=5) == Balance(0, 0, 0, 0, None, 0)
    assert queries.lots_at(subscriber_id=5, at=at(9)) == []


def test_the_lots_carry_their_funds() -> None:
    earns("a", 10, fund=4)
    happened(at(9))

    assert queries.lots_at(subscriber_id=AZIZA, at=at(9)) == [Lot(SOON, 4, 10)]

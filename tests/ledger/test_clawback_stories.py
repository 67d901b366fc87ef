"""Points that are taken back: from where, what is owed then, and how it is paid."""

from datetime import date, timedelta

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from club.ledger import actions as ledger
from club.ledger import queries
from club.ledger.errors import BadAmount, KeyReused, MoreThanLeft, NoSuchPosting, NotEnoughPoints
from club.ledger.queries import Lot
from club.ledger.rules import ClawbackPolicy, Kind, Source, fingerprint_of
from tests.ledger.desk import (
    AZIZA,
    DAY,
    LATER,
    SOON,
    balance,
    earns,
    held,
    lines,
    lots,
    newcomer,
    spends,
    takes_back,
)

pytestmark = pytest.mark.django_db
SPARING = ClawbackPolicy.ARREARS


def test_a_cancelled_earning_is_taken_from_its_own_lot_first() -> None:
    earns("old", 50)
    earns("cancelled", 100, expires_on=LATER)

    takes_back("c", "cancelled", 60)

    assert lots() == [Lot(SOON, 0, 50), Lot(LATER, 0, 40)]
    assert lines(Kind.CLAWBACK) == [(-60, (Lot(LATER, 0, 60),))]
    assert queries.prove() == []


def test_what_its_own_lot_lacks_comes_from_the_others_and_then_is_owed() -> None:
    earns("cancelled", 100)
    earns("other", 30, expires_on=LATER)
    spends(90)  # all of them from the first lot

    takes_back("c", "cancelled")

    assert lots() == []
    assert (balance().spendable_points, balance().arrears_points) == (0, 60)
    assert lines(Kind.CLAWBACK) == [(-100, (Lot(SOON, 0, 10), Lot(LATER, 0, 30)))]
    assert queries.prove() == []


def test_by_the_sparing_policy_the_other_lots_stay_and_the_rest_is_owed() -> None:
    earns("cancelled", 100)
    earns("other", 130, expires_on=LATER)
    spends(90)

    takes_back("c", "cancelled", policy=SPARING)

    assert lots() == [Lot(LATER, 0, 130)]
    assert (balance().spendable_points, balance().arrears_points) == (40, 90)
    assert queries.prove() == []


def test_who_owes_spends_no_more_than_what_is_left_after_it() -> None:
    earns("cancelled", 100)
    earns("other", 130, expires_on=LATER)
    spends(100)
    takes_back("c", "cancelled", policy=SPARING)

    with pytest.raises(NotEnoughPoints) as told:
        spends(31, ref="too much")
    assert told.value.values == {"available_points": 30, "asked_points": 31}
    with pytest.raises(NotEnoughPoints):
        held(31)

    assert spends(30, ref="just enough") == ledger.Booked(is_fresh=True, available_points=0)
    assert (lots(), balance().arrears_points) == ([Lot(LATER, 0, 100)], 100)
    assert queries.prove() == []


def test_points_that_expired_unswept_do_not_count_against_what_is_owed() -> None:
    earns("cancelled", 50, expires_on=LATER)
    spends(50)
    earns("expires", 100)
    earns("good", 60, expires_on=LATER)
    takes_back("c", "cancelled", policy=ClawbackPolicy.OTHER_LOTS, points=20)
    earns("again", 40, expires_on=LATER)
    takes_back("c2", "again", policy=SPARING)
    after = SOON + timedelta(days=1)

    assert queries.balance(subscriber_id=AZIZA, day=after).spendable_points == 40
    with pytest.raises(NotEnoughPoints):
        spends(41, day=after)
    assert queries.prove() == []


def test_the_next_earnings_repay_out_of_their_own_points_and_the_statement_shows_both_sides() -> (
    None
):
    earns("cancelled", 100)
    earns("spared", 25, fund=9)
    spends(100)
    takes_back("c", "cancelled", policy=SPARING)

    earns("first", 60, expires_on=LATER)
    earns("second", 60, expires_on=LATER, fund=3)

    assert lots() == [Lot(SOON, 9, 25), Lot(LATER, 3, 20)]
    assert balance().arrears_points == 0
    assert sorted(points for points, _ in lines(Kind.ACCRUAL)) == [25, 60, 60, 100]
    assert set(lines(Kind.REPAYMENT)) == {(0, (Lot(LATER, 0, 60),)), (0, (Lot(LATER, 3, 40),))}
    assert queries.prove() == []


def test_a_batch_repays_with_what_of_it_expires_first() -> None:
    earns("cancelled", 100)
    spends(100)
    takes_back("c", "cancelled", 70)
    batch = [
        ledger.Accrual(AZIZA, ref, DAY, 50, expires_on, 0, fingerprint_of(ref))
        for ref, expires_on in (("late", LATER), ("soon", SOON))
    ]

    ledger.post_many(source=Source.ACCRUAL, accruals=batch)

    assert lots() == [Lot(LATER, 0, 30)]
    assert lines(Kind.REPAYMENT) == [(0, (Lot(SOON, 0, 50), Lot(LATER, 0, 20)))]
    assert queries.prove() == []


def test_an_earning_is_taken_back_in_parts_up_to_its_amount() -> None:
    earns("cancelled", 100)

    for n in range(3):
        takes_back(f"c{n}", "cancelled", 30)
    takes_back("c2", "cancelled", 30)  # repeated
    with pytest.raises(MoreThanLeft) as told:
        takes_back("c3", "cancelled", 11)
    assert told.value.values == {"left_points": 10, "asked_points": 11}
    takes_back("c3", "cancelled")

    assert balance().spendable_points == 0
    with pytest.raises(MoreThanLeft) as told:
        takes_back("c4", "cancelled")
    assert told.value.values == {"left_points": 0, "asked_points": 0}
    assert queries.prove() == []


def test_a_bad_clawback_has_its_code_and_moves_nothing() -> None:
    earns("cancelled", 100)
    takes_back("c", "cancelled", 10)

    with pytest.raises(NoSuchPosting) as missing:
        takes_back("x", "unknown")
    with pytest.raises(KeyReused) as reused:
        takes_back("c", "cancelled", 10, content=fingerprint_of("other"))
    for points in (0, -1, 2**63):
        with pytest.raises(BadAmount) as told:
            takes_back("x", "cancelled", points)
        assert told.value.code == "bad_amount"

    assert (missing.value.code, reused.value.code) == ("no_such_posting", "idempotency_key_reused")
    assert balance().spendable_points == 90
    assert queries.prove() == []


def test_who_leaves_pays_what_is_owed_out_of_the_spared_lots_first() -> None:
    earns("cancelled", 100)
    earns("spared", 130, fund=9)
    spends(90)
    takes_back("c", "cancelled", policy=SPARING)

    ledger.forfeit(
        subscriber_id=AZIZA, source=Source.STAFF, ref="left", day=DAY, actor=None, reason="left"
    )

    assert lines(Kind.FORFEIT) == [(-40, (Lot(SOON, 9, 40),))]
    assert balance() == queries.Balance(0, 0, 0, 0, None, 0)
    assert queries.prove() == []


@given(data=st.data(), sparing=st.booleans())
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_is_taken_back_in_whatever_parts_the_same_is_owed_in_the_end(
    data: st.DataObject, sparing: bool
) -> None:
    who = newcomer()
    amounts = data.draw(st.lists(st.integers(1, 90), min_size=1, max_size=3))
    for n, points in enumerate(amounts):
        earns(f"e{n}", points, expires_on=DAY + timedelta(days=n + 1), who=who)
    spent = data.draw(st.integers(0, sum(amounts)))
    if spent:
        spends(spent, who=who)
    rest, part = amounts[0], 0
    while rest:
        n = data.draw(st.integers(1, rest))
        policy = ClawbackPolicy.ARREARS if sparing else ClawbackPolicy.OTHER_LOTS
        takes_back(f"c{part}", "e0", n, policy=policy, who=who)
        rest, part = rest - n, part + 1

    left = sum(amounts[1:]) - spent
    found = queries.balance(subscriber_id=who, day=DAY)
    assert found.spendable_points == max(0, left)
    total = sum(lot.points for lot in queries.lots(subscriber_id=who, day=date.min))
    assert total - found.arrears_points == left
    assert sparing or not (total and found.arrears_points)
    assert queries.prove() == []

"""Spending from one purse only, and what whoever owes may still spend."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection

from club.ledger import actions as ledger
from club.ledger import queries
from club.ledger.errors import BadAmount, NotEnoughPoints, WrongFund
from club.ledger.rules import Source, fingerprint_of

pytestmark = pytest.mark.django_db
DAY, NOW = date(2026, 11, 22), datetime(2026, 11, 22, 9, tzinfo=UTC)
SOON, LATER = date(2026, 12, 31), date(2027, 6, 30)
WHO, OPERATOR, BANK = 78, 0, 4
CONTENT = fingerprint_of("purchase")


@pytest.fixture(autouse=True)
def a_bank_that_pays_too():
    with connection.cursor() as cursor:
        cursor.execute("insert into ledger.fund values (%s, 'bank', 'A bank')", [BANK])


@pytest.fixture
def purses():
    """100 of the operator until December and 40 until June; 30 of the bank until June."""
    posted = ledger.post_many(
        source=Source.ACCRUAL,
        accruals=[
            ledger.Accrual(WHO, ref, DAY, points, until, fund, fingerprint_of(ref))
            for ref, points, until, fund in [
                ("a", 100, SOON, OPERATOR),
                ("b", 40, LATER, OPERATOR),
                ("c", 30, LATER, BANK),
            ]
        ],
    )
    assert posted.fresh == 3


def spend(points, *, fund=None, ref="s"):
    return ledger.spend(
        subscriber_id=WHO, source=Source.ORDER, ref=ref, day=DAY, points=points,
        fund=fund, fingerprint=CONTENT,
    )  # fmt: skip


def hold(points, *, fund=None):
    return ledger.hold(
        subscriber_id=WHO, hold_id=UUID(int=9), day=DAY, points=points, fund=fund, now=NOW,
        lifetime=timedelta(minutes=15), fingerprint=CONTENT,
    )  # fmt: skip


def left():
    lots = queries.lots(subscriber_id=WHO, day=DAY)
    return [(lot.expires_on, lot.fund, lot.points) for lot in lots]


def owe(points):
    """Arrears beside points that are left, as a policy may leave them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "update ledger.account set arrears = arrears + %s, posted = posted - %s"
            " where subscriber_id = %s",
            [points, points, WHO],
        )


@pytest.mark.usefixtures("purses")
def test_a_partners_points_are_spent_without_touching_the_operators():
    assert spend(20, fund=BANK).available_points == 150

    assert left() == [(SOON, OPERATOR, 100), (LATER, OPERATOR, 40), (LATER, BANK, 10)]
    assert queries.prove() == []


@pytest.mark.usefixtures("purses")
def test_within_one_fund_the_first_to_expire_goes_first():
    spend(120, fund=OPERATOR)

    assert left() == [(LATER, OPERATOR, 20), (LATER, BANK, 30)]
    assert not spend(120, fund=OPERATOR).is_fresh


@pytest.mark.usefixtures("purses")
@pytest.mark.parametrize("take", [spend, hold])
def test_what_one_fund_lacks_another_does_not_pay(take):
    with pytest.raises(NotEnoughPoints) as refused:
        take(31, fund=BANK)

    assert refused.value.values == {"available_points": 30, "asked_points": 31}
    assert queries.balance(subscriber_id=WHO, day=DAY).spendable_points == 170
    assert queries.prove() == []


@pytest.mark.usefixtures("purses")
@pytest.mark.parametrize("take", [spend, hold])
def test_a_fund_that_does_not_exist_is_told_apart_from_an_empty_one(take):
    with pytest.raises(WrongFund) as refused:
        take(1, fund=99)

    assert refused.value.values == {"fund": 99}


@pytest.mark.usefixtures("purses")
def test_an_order_may_be_held_from_one_fund_and_goes_back_to_it():
    assert hold(30, fund=BANK).available_points == 140
    assert (LATER, BANK, 30) not in left()

    ledger.release(subscriber_id=WHO, hold_id=UUID(int=9), day=DAY)

    assert (LATER, BANK, 30) in left()
    assert queries.prove() == []


@pytest.mark.usefixtures("purses")
@pytest.mark.parametrize("take", [spend, hold])
def test_what_is_owed_cannot_be_spent(take):
    owe(150)

    with pytest.raises(NotEnoughPoints) as refused:
        take(21)
    assert refused.value.values["available_points"] == 20
    assert take(20).available_points == 0


@pytest.mark.usefixtures("purses")
def test_a_debtors_fund_counts_only_above_what_is_owed():
    owe(150)

    with pytest.raises(NotEnoughPoints) as refused:
        spend(21, fund=BANK)
    assert refused.value.values["available_points"] == 20
    assert spend(20, fund=BANK).available_points == 0


@pytest.mark.parametrize("points", [0, -1, 10**12 + 1, 2**63 - 1, 2**63, -(2**63) - 1])
@pytest.mark.parametrize("take", [spend, hold])
def test_an_amount_that_is_none_is_refused_before_anything_happens(take, points):
    with pytest.raises(BadAmount):
        take(points)


@pytest.mark.parametrize("take", [spend, hold])
def test_a_stranger_has_nothing_to_spend(take):
    with pytest.raises(NotEnoughPoints) as refused:
        take(1)
    assert refused.value.values["available_points"] == 0


@pytest.mark.usefixtures("purses")
def test_spending_is_a_sign_of_life():
    spend(1)
    with connection.cursor() as cursor:
        cursor.execute("select active_on from ledger.account where subscriber_id = %s", [WHO])
        assert cursor.fetchone() == (DAY,)

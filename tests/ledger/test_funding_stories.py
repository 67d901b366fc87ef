"""Who funded what was spent: the figures a partner is settled by, worked out by hand."""

from datetime import date, timedelta

import pytest

from club.ledger import actions as ledger
from club.ledger import queries
from club.ledger.errors import WrongFund
from club.ledger.queries import Funding
from club.ledger.rules import Contra, Kind, Source, fingerprint_of, hold_ref
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
OPERATOR, COFFEE, CINEMA = 0, 7, 9


@pytest.fixture(autouse=True)
def partners() -> None:
    ledger.make_fund(fund=COFFEE, code="coffee", name="A coffee shop")
    ledger.make_fund(fund=CINEMA, code="cinema", name="A cinema")


def november(day: int) -> date:
    return date(2026, 11, day)


def of(fund: int, first: int, last: int) -> Funding:
    (found,) = queries.funding(first=november(first), last=november(last), fund=fund)
    return found


def lines(first: int, last: int, *, who: int = AZIZA) -> list[tuple[Kind, int, int]]:
    found = queries.funded_lines(subscriber_id=who, first=november(first), last=november(last))
    return [(line.kind, line.fund, line.points) for line in found]


def test_each_fund_pays_for_its_own_lots_of_a_spend() -> None:
    earns("a", 40, fund=COFFEE, expires_on=SOON)
    earns("b", 60, fund=CINEMA, expires_on=LATER)
    happened(at(9, day=18))
    spends(70)
    happened(at(9, day=19))

    assert (of(COFFEE, 18, 18).issued_points, of(COFFEE, 18, 18).spent_points) == (40, 0)
    assert (of(COFFEE, 19, 19).issued_points, of(COFFEE, 19, 19).spent_points) == (0, 40)
    assert (of(CINEMA, 18, 19).issued_points, of(CINEMA, 18, 19).spent_points) == (60, 30)
    assert of(OPERATOR, 18, 19).parts == ()
    assert lines(18, 19) == [
        (Kind.SPEND, COFFEE, -40),
        (Kind.SPEND, CINEMA, -30),
        (Kind.ACCRUAL, CINEMA, 60),
        (Kind.ACCRUAL, COFFEE, 40),
    ]


def test_a_refund_is_the_fund_s_whose_points_came_back() -> None:
    earns("a", 40, fund=COFFEE, expires_on=SOON)
    earns("b", 60, fund=CINEMA, expires_on=LATER)
    spends(70)
    happened(at(9, day=18))
    refunds("r", 35)  # the cinema's 30, the last taken, and 5 of the coffee shop's
    happened(at(9, day=19))

    assert (of(CINEMA, 18, 19).spent_points, of(CINEMA, 18, 19).returned_points) == (30, 30)
    assert (of(COFFEE, 18, 19).spent_points, of(COFFEE, 18, 19).returned_points) == (40, 5)
    assert lines(19, 19) == [(Kind.RETURN, COFFEE, 5), (Kind.RETURN, CINEMA, 30)]


def test_points_that_expired_before_their_refund_come_back_with_grace_to_their_fund() -> None:
    earns("a", 40, fund=COFFEE, expires_on=DAY)
    spends(40)
    happened(at(9, day=18))
    tomorrow = DAY + timedelta(days=1)
    refunds("with grace", 10, day=tomorrow, grace_until=tomorrow)
    refunds("without", 10, day=tomorrow)
    happened(at(9, day=19))

    found = of(COFFEE, 19, 19)
    assert (found.returned_points, found.expired_points) == (20, 10)
    assert queries.prove() == []


def test_an_order_captured_in_part_is_paid_by_the_lots_that_it_kept() -> None:
    earns("a", 40, fund=COFFEE, expires_on=SOON)
    earns("b", 60, fund=CINEMA, expires_on=LATER)
    held(70)
    happened(at(9, day=18))
    ledger.capture(subscriber_id=AZIZA, hold_id=HOLD, day=DAY, points=50)
    happened(at(9, day=19))
    refunds("r", 20, of=hold_ref(HOLD))
    happened(at(9, day=20))

    assert of(COFFEE, 18, 18).spent_points == 0
    assert (of(COFFEE, 19, 19).spent_points, of(CINEMA, 19, 19).spent_points) == (40, 10)
    assert (of(COFFEE, 20, 20).returned_points, of(CINEMA, 20, 20).returned_points) == (10, 10)


def test_what_was_cancelled_and_whose_lots_paid_for_it_are_two_figures() -> None:
    earns("coffee", 50, fund=COFFEE, expires_on=SOON)
    earns("film", 15, fund=CINEMA, expires_on=LATER)
    spends(40)
    happened(at(9, day=18))
    takes_back("cancelled", "coffee")  # 10 of its own, 15 of the cinema's, 25 are owed
    happened(at(9, day=19))
    earns("more", 100, expires_on=LATER)
    happened(at(9, day=20))

    coffee, cinema, operator = (of(fund, 18, 20) for fund in (COFFEE, CINEMA, OPERATOR))
    assert (coffee.issued_points, coffee.cancelled_points, coffee.clawed_back_points) == (
        50,
        50,
        10,
    )
    assert (cinema.issued_points, cinema.cancelled_points, cinema.clawed_back_points) == (15, 0, 15)
    assert (operator.cancelled_points, operator.clawed_back_points) == (0, 25)
    assert coffee.spent_points == 40
    assert queries.prove() == []


def test_a_gift_that_is_spent_is_paid_by_the_fund_that_gave_it_first() -> None:
    me, you = people.somebody(), people.somebody()
    people.earns(me, 30, fund=COFFEE)
    people.sends(me, you, 30)
    happened(at(9, day=18))
    people.spends(you, 20)
    happened(at(9, day=19))

    assert of(COFFEE, 19, 19).spent_points == 20
    assert lines(18, 19, who=you) == [
        (Kind.SPEND, COFFEE, -20),
        (Kind.TRANSFER_IN, COFFEE, 30),
    ]


def test_a_family_pot_spends_the_points_of_those_who_funded_them() -> None:
    owner = people.somebody()
    people.earns(owner, 30, fund=COFFEE)
    pot = people.pot_of(owner)
    people.pays_in(pot, owner, 30)
    happened(at(9, day=18))
    people.spends_from(pot, owner, 25)
    happened(at(9, day=19))

    assert of(COFFEE, 18, 19).spent_points == 25
    assert lines(19, 19, who=pot) == [(Kind.SPEND, COFFEE, -25)]


def test_a_late_payment_is_settled_in_the_period_in_which_it_came() -> None:
    earns("of the 3rd", 40, fund=COFFEE, on=november(3))
    happened(at(9, day=18))

    assert of(COFFEE, 1, 17).issued_points == 0
    assert of(COFFEE, 18, 18).issued_points == 40
    (line,) = queries.funded_lines(subscriber_id=AZIZA, first=november(18), last=november(18))
    assert (line.posted_at, line.occurred_on) == (at(9, day=18), november(3))


def test_a_day_begins_and_ends_at_midnight_in_tashkent() -> None:
    earns("first", 1, fund=COFFEE)
    happened(at(0, 0, day=18))
    earns("last", 2, fund=COFFEE)
    happened(at(23, 59, day=18))
    earns("next", 4, fund=COFFEE)
    happened(at(0, 0, day=19))

    assert of(COFFEE, 18, 18).issued_points == 3
    assert lines(18, 18) == [(Kind.ACCRUAL, COFFEE, 2), (Kind.ACCRUAL, COFFEE, 1)]


def test_the_parts_say_which_source_did_what() -> None:
    earns("a", 40, fund=COFFEE)
    spends(10)
    ledger.spend(
        subscriber_id=AZIZA, source=Source.PARTNER, ref="p", day=DAY, points=5,
        fingerprint=fingerprint_of("p"),
    )  # fmt: skip
    happened(at(9, day=18))

    parts = [(p.contra, p.kind, p.source, p.points) for p in of(COFFEE, 18, 18).parts]

    assert parts == [
        (Contra.ISSUED, Kind.ACCRUAL, Source.ACCRUAL, 40),
        (Contra.REDEEMED, Kind.SPEND, Source.ORDER, -10),
        (Contra.REDEEMED, Kind.SPEND, Source.PARTNER, -5),
    ]


def test_all_funds_that_moved_are_listed_and_one_that_is_none_is_told() -> None:
    earns("a", 40, fund=COFFEE)
    happened(at(9, day=18))

    moved = queries.funding(first=november(18), last=november(18))

    assert [(one.fund, one.code, one.name) for one in moved] == [
        (COFFEE, "coffee", "A coffee shop")
    ]
    assert queries.funding(first=november(19), last=november(19)) == []
    with pytest.raises(WrongFund):
        queries.funding(first=november(18), last=november(18), fund=5)

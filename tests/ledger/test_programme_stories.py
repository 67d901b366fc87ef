"""The programme's accounts by fund and by day of posting, with figures that were worked out by hand;
the same whether a day was counted or is added up when somebody asks."""

from datetime import UTC, date, datetime, time, timedelta

import psycopg
import pytest

from club.clock import TASHKENT, day_of
from club.ledger import actions as ledger
from club.ledger import queries, tasks
from club.ledger.errors import TooMany
from club.ledger.queries import Account
from club.ledger.rules import Kind, Source, TransferPolicy, fingerprint_of
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
from tests.ledger.plain import refusal, rows, run

pytestmark = pytest.mark.django_db
OPERATOR, COFFEE = 0, 7


@pytest.fixture(params=["live", "counted"])
def is_counted(request: pytest.FixtureRequest) -> bool:
    """Every figure has to be the same before a day is counted and after."""
    ledger.make_fund(fund=COFFEE, code="coffee", name="A coffee shop")
    return request.param == "counted"


def count(is_counted: bool = True) -> None:
    """The days of these stories; those until today would take longer with every year."""
    while is_counted and ledger.count_day() != november(21):
        pass


def november(day: int) -> date:
    return date(2026, 11, day)


def accounts(first: int, last: int) -> dict[int, Account]:
    found = queries.programme_accounts(first=november(first), last=november(last))
    return {one.fund: one.account for one in found}


def outstanding(last: int) -> dict[int, int]:
    return {fund: one.outstanding_points for fund, one in accounts(last, last).items()}


def a_week_at_the_coffee_shop() -> None:
    earns("topped up", 100, expires_on=SOON)
    earns("coffee", 60, expires_on=LATER, fund=COFFEE)
    happened(at(10, day=18))
    spends(130)  # 100 of the operator's, then 30 of the coffee shop's
    happened(at(10, day=19))
    refunds("r", 40)  # the last taken first: 30 of the coffee shop's, then 10
    happened(at(23, 59, day=20))
    ledger.expire_due(day=date(2027, 1, 1), limit=10)  # the operator's 10
    happened(at(0, 0, day=21))


def test_a_spend_and_its_refund_are_split_by_the_funds_of_the_lots(is_counted: bool) -> None:
    a_week_at_the_coffee_shop()
    count(is_counted)

    assert accounts(18, 18) == {
        OPERATOR: Account(opening_points=0, issued_points=100),
        COFFEE: Account(opening_points=0, issued_points=60),
    }
    assert accounts(19, 19) == {
        OPERATOR: Account(opening_points=100, redeemed_points=100),
        COFFEE: Account(opening_points=60, redeemed_points=30),
    }
    assert accounts(19, 20) == {
        OPERATOR: Account(opening_points=100, redeemed_points=90),
        COFFEE: Account(opening_points=60, redeemed_points=0),
    }
    assert accounts(21, 30) == {
        OPERATOR: Account(opening_points=10, expired_points=10),
        COFFEE: Account(opening_points=60),
    }
    assert outstanding(20) == {OPERATOR: 10, COFFEE: 60}
    assert queries.prove() == []


def test_days_follow_each_other_with_what_is_owed(is_counted: bool) -> None:
    a_week_at_the_coffee_shop()
    count(is_counted)

    days = queries.programme_days(first=november(17), last=november(22))
    of_coffee = queries.programme_days(first=november(19), last=november(20), fund=COFFEE)

    assert [day.account.outstanding_points for day in days] == [0, 160, 30, 70, 60, 60]
    assert [day.account.opening_points for day in days] == [0, 0, 160, 30, 70, 60]
    assert [day.account.redeemed_points for day in days] == [0, 0, 130, -40, 0, 0]
    assert [day.account.redeemed_points for day in of_coffee] == [30, -30]
    assert of_coffee[0].account.opening_points == 60
    assert [day.is_counted for day in days] == [is_counted] * 5 + [False]


def test_some_days_counted_and_the_rest_live_are_one(is_counted: bool) -> None:
    a_week_at_the_coffee_shop()
    if is_counted:
        assert ledger.count_day() == november(18)
        assert ledger.count_day() == november(19)

    assert outstanding(20) == {OPERATOR: 10, COFFEE: 60}
    assert queries.totals().redeemed_points == 90
    assert queries.outstanding_points() == 60


def test_a_hold_is_owed_until_it_is_captured_in_part(is_counted: bool) -> None:
    earns("topped up", 40, expires_on=SOON)
    earns("coffee", 40, expires_on=LATER, fund=COFFEE)
    happened(at(9, day=18))
    held(60)
    happened(at(10, day=19))
    ledger.capture(subscriber_id=AZIZA, hold_id=HOLD, day=DAY, points=45)
    happened(at(11, day=20))
    count(is_counted)

    assert outstanding(19) == {OPERATOR: 40, COFFEE: 40}
    assert accounts(20, 20) == {
        OPERATOR: Account(opening_points=40, redeemed_points=40),
        COFFEE: Account(opening_points=40, redeemed_points=5),
    }
    assert queries.prove() == []


def test_a_debt_is_the_operator_s_until_other_points_repay_it(is_counted: bool) -> None:
    earns("coffee", 50, fund=COFFEE)
    earns("topped up", 20, expires_on=LATER)
    spends(40)
    happened(at(9, day=18))
    takes_back("cancelled", "coffee")  # 10 of its own, 20 of the operator's, 20 are owed
    happened(at(9, day=19))
    earns("more", 100, fund=COFFEE)  # 20 of them repay
    happened(at(9, day=20))
    count(is_counted)

    assert accounts(19, 19) == {
        OPERATOR: Account(opening_points=20, issued_points=-40),
        COFFEE: Account(opening_points=10, issued_points=-10),
    }
    assert accounts(20, 20) == {
        OPERATOR: Account(opening_points=-20, repaid_points=20),
        COFFEE: Account(opening_points=0, issued_points=100, repaid_points=-20),
    }
    assert queries.prove() == []


def test_a_transfer_keeps_the_funds_and_a_fee_is_the_lots_own(is_counted: bool) -> None:
    me, you = people.somebody(), people.somebody()
    people.earns(me, 100, fund=COFFEE)
    happened(at(9, day=18))
    people.sends(me, you, 30, policy=TransferPolicy(fee_fixed_points=5))
    happened(at(9, day=19))
    count(is_counted)

    assert accounts(19, 19) == {COFFEE: Account(opening_points=100, fees_points=5)}
    assert queries.prove() == []


def test_a_transfer_taken_back_moves_points_from_fund_to_fund(is_counted: bool) -> None:
    me, you = people.somebody(), people.somebody()
    people.earns(me, 30, fund=COFFEE)
    people.earns(you, 50, expires_on=LATER)
    people.sends(me, you, 30, ref="gift")
    people.spends(you, 30)  # the very ones that came
    happened(at(9, day=18))
    people.takes_back(me, "gift")
    happened(at(9, day=19))
    count(is_counted)

    assert accounts(19, 19) == {
        OPERATOR: Account(opening_points=50, transferred_points=-30),
        COFFEE: Account(opening_points=0, transferred_points=30),
    }
    assert queries.prove() == []


def test_merges_pots_and_extensions_change_nothing_that_is_owed(is_counted: bool) -> None:
    former, new = people.somebody(), people.somebody()
    people.earns(former, 100, fund=COFFEE)
    people.owes(new, 25)
    pot = people.pot_of(former)
    happened(at(9, day=18))
    people.pays_in(pot, former, 40)
    ledger.extend(
        subscriber_id=pot, source=Source.STAFF, ref="x", day=DAY, ending_from=DAY, ending_until=SOON,
        to=LATER, reason="fault", actor="a", fingerprint=fingerprint_of("x"),
    )  # fmt: skip
    ledger.merge(
        from_subscriber_id=former, to_subscriber_id=new, source=Source.STAFF, ref="m", day=DAY
    )
    happened(at(9, day=19))
    count(is_counted)

    assert accounts(19, 19) == {
        OPERATOR: Account(opening_points=-25, repaid_points=25),
        COFFEE: Account(opening_points=100, repaid_points=-25),
    }
    assert queries.prove() == []


def test_opening_balances_goodwill_and_who_leaves_have_their_places(is_counted: bool) -> None:
    brought = ledger.Accrual(AZIZA, "old", DAY, 70, SOON, COFFEE, fingerprint_of(70))
    ledger.post_many(source=Source.IMPORT, accruals=[brought], kind=Kind.OPENING)
    ledger.make_budget(code="sorry", fund=COFFEE, points=100, valid_from=DAY, valid_until=DAY)
    ledger.goodwill(
        subscriber_id=AZIZA, source=Source.STAFF, ref="g", day=DAY, points=15, budget="sorry",
        expires_on=SOON, actor="a", fingerprint=fingerprint_of("g"),
    )  # fmt: skip
    happened(at(9, day=18))
    ledger.forfeit(
        subscriber_id=AZIZA, source=Source.STAFF, ref="f", day=DAY, actor=None, reason="left"
    )
    happened(at(9, day=19))
    count(is_counted)

    assert accounts(18, 19) == {
        COFFEE: Account(opening_points=0, brought_points=70, adjusted_points=15, expired_points=85)
    }
    assert queries.prove() == []


# ---- counting


def test_days_are_counted_once_and_in_order_until_the_last_closed_one() -> None:
    today = day_of(datetime.now(UTC))
    earns("a", 10)
    happened(datetime.combine(today - timedelta(days=5), time(9), TASHKENT))
    earns("b", 20)
    happened(datetime.combine(today - timedelta(days=3), time(9), TASHKENT))

    counted = [ledger.count_day() for _ in range(4)]
    totals = rows(
        "select day, contra, fund, source, kind, points, postings from ledger.programme_total order by day"
    )

    assert counted == [today - timedelta(days=n) for n in (5, 4, 3, 2)]
    assert queries.counted_until() == today - timedelta(days=2)
    assert ledger.count_day() in (today - timedelta(days=1), None)  # none in the first minute
    assert ledger.count_day() is None
    assert totals == [
        (today - timedelta(days=5), 10, 0, 1, 1, -10, 1),
        (today - timedelta(days=3), 10, 0, 1, 1, -20, 1),
    ]


def test_a_day_into_which_somebody_may_still_post_is_not_counted(database_url: str) -> None:
    earns("a", 10)
    happened(at(9, day=18))
    run(
        "alter function ledger.unfinished_before owner to club_app"
    )  # which sees nobody's beginning

    with psycopg.connect(database_url) as somebody:
        somebody.execute("select 1")
        assert ledger.count_day() is None
        assert queries.counted_until() is None

    assert ledger.count_day() == november(18)


def test_the_hourly_job_counts_all_days_that_are_closed() -> None:
    now = datetime.now(UTC)
    earns("a", 10)
    happened(now - timedelta(days=4))

    tasks.count_days(int(now.timestamp()))
    tasks.count_days(int(now.timestamp()))

    counted = queries.counted_until()
    assert counted is not None
    assert counted >= day_of(now) - timedelta(days=2)
    assert queries.totals().issued_points == 10


def test_what_happened_earlier_and_is_told_late_changes_no_counted_day() -> None:
    earns("in time", 10, on=november(18))
    happened(at(9, day=18))
    count()
    earns("late", 20, on=november(18))

    assert outstanding(18) == {OPERATOR: 10}
    assert queries.totals().issued_points == 30
    assert queries.prove() == []


def test_books_without_postings_have_no_day_to_count() -> None:
    assert ledger.count_day() is None
    assert queries.counted_until() is None
    assert accounts(18, 18) == {}
    assert queries.outstanding_points() == 0


def test_the_application_counts_and_writes_no_total_itself() -> None:
    earns("a", 10)
    happened(at(9, day=18))
    run("set role club_app")
    try:
        assert ledger.count_day() == november(18)
        assert outstanding(18) == {OPERATOR: 10}
        assert refusal("update ledger.programme_total set points = 0") == "42501"
        assert refusal("delete from ledger.programme_day") == "42501"
    finally:
        run("reset role")


def test_a_day_is_not_counted_in_a_snapshot_from_before_its_end(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as db, db.transaction():
        db.execute("set transaction isolation level repeatable read")
        with pytest.raises(psycopg.Error) as told:
            db.execute("select ledger.count_day()")

    assert told.value.sqlstate == "LG422"


def test_years_beyond_the_limit_are_asked_for_in_parts() -> None:
    with pytest.raises(TooMany):
        queries.programme_days(first=date(2020, 1, 1), last=november(18))


@pytest.mark.parametrize(
    ("forgery", "law", "place"),
    [
        ("update ledger.programme_total set points = points + 1 where fund = 7",
         "a counted day is the sum of its postings",
         "2026-11-18 account 10 fund 7 source 1 kind 1"),
        ("delete from ledger.programme_total where fund = 7",
         "a counted day is the sum of its postings",
         "2026-11-18 account 10 fund 7 source 1 kind 1"),
        ("update ledger.account set lot_keys = array[ledger.lot_key('2026-12-31', 0),"
         " ledger.lot_key('2027-06-30', 0)]",
         "a fund's accounts are its lots, holds and debts", "fund 7"),
    ],
)  # fmt: skip
def test_a_forged_account_is_named(forgery: str, law: str, place: str) -> None:
    earns("a", 10)
    earns("b", 20, fund=COFFEE, expires_on=LATER)
    happened(at(9, day=18))
    count()
    assert queries.prove() == []

    assert run(forgery) == 1

    found = [(breach.law, breach.subscriber_id, breach.place) for breach in queries.prove()]
    assert (law, None, place) in found


def test_a_posting_that_slipped_into_a_counted_day_is_named() -> None:
    earns("a", 10)
    happened(at(9, day=18))
    count()
    earns("b", 5)
    happened(at(10, day=18))

    assert [(breach.law, breach.expected, breach.found) for breach in queries.prove()] == [
        ("a counted day is the sum of its postings", -15, -10),
        ("a fund's accounts are its lots, holds and debts", 15, 10),
    ]

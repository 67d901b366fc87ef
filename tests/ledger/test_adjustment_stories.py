"""Points that staff give and take by hand, and the budgets that pay for presents."""

from datetime import date, timedelta
from typing import Any

import hypothesis.strategies as st
import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings

from club.ledger import actions as ledger
from club.ledger import queries
from club.ledger.errors import (
    BadAmount,
    BadPosting,
    BudgetSpent,
    DayOutsideBooks,
    KeyReused,
    LedgerError,
    MoreThanLeft,
    NoSuchBudget,
    NotEnoughPoints,
    WrongFund,
)
from club.ledger.queries import Budget, Lot
from club.ledger.rules import AdjustmentReason, Kind, Source, fingerprint_of
from tests.ledger.desk import (
    AZIZA,
    DAY,
    LATER,
    SOON,
    balance,
    earns,
    history,
    lines,
    lots,
    newcomer,
    spends,
    takes_back,
    told,
)

pytestmark = pytest.mark.django_db
AUTUMN = "autumn"
PARTNER = 12


def adjusts(points: int, *, ref: str = "adj", who: int = AZIZA, **changes: Any) -> ledger.Booked:
    terms: dict[str, Any] = {
        "source": Source.STAFF,
        "day": DAY,
        "reason": AdjustmentReason.MISSING_POINTS,
        "actor": "dilnoza",
        "fingerprint": fingerprint_of(points, changes.get("fund")),
        "expires_on": LATER if points > 0 else None,
    }
    return ledger.adjust(subscriber_id=who, ref=ref, points=points, **(terms | changes))


def gives(points: int, *, ref: str = "gift", who: int = AZIZA, **changes: Any) -> ledger.Booked:
    terms: dict[str, Any] = {
        "source": Source.STAFF,
        "day": DAY,
        "budget": AUTUMN,
        "expires_on": LATER,
        "actor": "dilnoza",
        "fingerprint": fingerprint_of(points),
    }
    return ledger.goodwill(subscriber_id=who, ref=ref, points=points, **(terms | changes))


def budget(points: int, **changes: Any) -> int:
    terms: dict[str, Any] = {"code": AUTUMN, "fund": 0, "valid_from": DAY, "valid_until": SOON}
    return ledger.make_budget(points=points, **(terms | changes))


def left() -> int:
    (one,) = queries.budgets()
    return one.left_points


def test_staff_give_points_with_a_reason_and_their_name() -> None:
    assert adjusts(50) == ledger.Booked(is_fresh=True, available_points=50)
    assert adjusts(50) == ledger.Booked(is_fresh=False, available_points=50)

    assert lots() == [Lot(LATER, 0, 50)]
    assert told(Kind.ADJUSTMENT) == [(50, "missing_points", "dilnoza")]
    assert queries.totals().adjusted_points == 50
    assert queries.prove() == []


def test_staff_take_points_first_to_expire_first_but_never_more_than_there_is() -> None:
    earns("a", 30)
    earns("b", 30, expires_on=LATER)

    assert adjusts(-40, reason=AdjustmentReason.POINTS_TWICE).available_points == 20
    with pytest.raises(NotEnoughPoints) as refused:
        adjusts(-21, ref="again")

    assert refused.value.values == {"available_points": 20, "asked_points": 21}
    assert lines(Kind.ADJUSTMENT) == [(-40, (Lot(SOON, 0, 30), Lot(LATER, 0, 10)))]
    assert told(Kind.ADJUSTMENT) == [(-40, "points_twice", "dilnoza")]
    assert queries.prove() == []


def test_points_are_taken_from_one_fund_where_it_is_named() -> None:
    ledger.make_fund(fund=PARTNER, code="korzinka", name="Korzinka")
    earns("a", 30)
    earns("b", 30, expires_on=LATER, fund=PARTNER)

    adjusts(-10, fund=PARTNER)
    with pytest.raises(NotEnoughPoints) as refused:
        adjusts(-21, ref="again", fund=PARTNER)

    assert refused.value.values == {"available_points": 20, "asked_points": 21}
    assert lots() == [Lot(SOON, 0, 30), Lot(LATER, PARTNER, 20)]
    assert queries.prove() == []


def test_who_owes_pays_with_what_staff_give() -> None:
    earns("cancelled", 100)
    spends(100)
    takes_back("c", "cancelled", 60)
    budget(1_000)

    adjusts(20)
    gives(50)

    assert (balance().arrears_points, lots()) == (0, [Lot(LATER, 0, 10)])
    assert sorted(points for points, _ in lines(Kind.REPAYMENT)) == [0, 0]
    assert queries.prove() == []


def test_an_adjustment_is_reversed_like_anything_else() -> None:
    adjusts(50)
    adjusts(-20, ref="less")

    takes_back("undo less", "less", of_source=Source.STAFF)
    takes_back("undo", "adj", 30, of_source=Source.STAFF)

    assert lots() == [Lot(LATER, 0, 20)]
    assert queries.totals().adjusted_points == 20
    assert queries.prove() == []


@pytest.mark.parametrize(
    ("points", "changes", "error", "code"),
    [
        (0, {}, BadAmount, "bad_amount"),
        (10**12 + 1, {}, BadAmount, "bad_amount"),
        (-(10**12) - 1, {}, BadAmount, "bad_amount"),
        (2**63, {}, BadAmount, "bad_amount"),
        (-(2**63), {}, BadAmount, "bad_amount"),
        (5, {"fund": 404}, WrongFund, "wrong_fund"),
        (-5, {"fund": 404}, WrongFund, "wrong_fund"),
        (5, {"expires_on": DAY - timedelta(days=1)}, BadPosting, "bad_posting"),
        (5, {"expires_on": None}, BadPosting, "bad_posting"),
        (5, {"reason": "because"}, BadPosting, "bad_posting"),
        (5, {"actor": ""}, BadPosting, "bad_posting"),
        (5, {"ref": ""}, BadPosting, "bad_posting"),
        (5, {"ref": "x" * 201}, BadPosting, "bad_posting"),
        (5, {"fingerprint": b"short"}, BadPosting, "bad_posting"),
        (5, {"day": date(1999, 1, 1)}, DayOutsideBooks, "day_outside_books"),
        (-1, {"who": 404}, NotEnoughPoints, "not_enough_points"),
    ],
)
def test_a_bad_adjustment_has_its_code_and_moves_nothing(
    points: int, changes: dict[str, Any], error: type[LedgerError], code: str
) -> None:
    earns("a", 30)

    with pytest.raises(error) as refused:
        adjusts(points, **changes)

    assert refused.value.code == code
    assert (balance().spendable_points, len(history())) == (30, 1)
    assert queries.prove() == []


def test_a_key_stands_for_one_adjustment() -> None:
    adjusts(50)
    budget(100)
    with pytest.raises(KeyReused):
        adjusts(51)
    with pytest.raises(KeyReused):
        gives(51, ref="adj")
    assert (balance().spendable_points, left()) == (50, 100)


def test_a_budget_gives_up_to_its_points_and_says_what_is_left() -> None:
    ledger.make_fund(fund=PARTNER, code="korzinka", name="Korzinka")
    assert budget(100, fund=PARTNER) == 100

    gives(70)
    gives(70)  # repeated
    with pytest.raises(BudgetSpent) as refused:
        gives(31, ref="second")
    gives(30, ref="second")

    assert refused.value.values == {"budget": AUTUMN, "left_points": 30}
    assert lots() == [Lot(LATER, PARTNER, 100)]
    assert set(told(Kind.ADJUSTMENT)) == {
        (70, "goodwill:autumn", "dilnoza"),
        (30, "goodwill:autumn", "dilnoza"),
    }
    assert queries.budgets() == [Budget(AUTUMN, PARTNER, 100, 100, DAY, SOON)]
    assert queries.prove() == []


@pytest.mark.parametrize("day", [DAY - timedelta(days=1), SOON + timedelta(days=1)])
def test_a_budget_gives_nothing_outside_its_days(day: date) -> None:
    budget(100)
    with pytest.raises(BudgetSpent) as refused:
        gives(1, day=day)
    assert refused.value.values == {"budget": AUTUMN, "left_points": 0}
    assert (left(), history()) == (100, [])


def test_an_unknown_budget_gives_nothing() -> None:
    with pytest.raises(NoSuchBudget) as refused:
        gives(1, budget="spring")
    assert refused.value.values == {"budget": "spring"}
    assert history() == []


def test_a_refused_present_takes_nothing_from_the_budget() -> None:
    budget(100)
    for changes in ({"expires_on": DAY - timedelta(days=1)}, {"day": DAY, "ref": "x" * 201}):
        with pytest.raises(BadPosting):
            gives(5, **changes)
    for points in (0, -5, 2**63):
        with pytest.raises(BadAmount):
            gives(points)
    assert (left(), history()) == (100, [])


def test_a_reversed_present_gives_the_budget_back_what_was_reversed_even_where_it_is_owed() -> None:
    budget(100)
    gives(80)
    spends(60)

    takes_back("r1", "gift", 10, of_source=Source.STAFF)
    assert left() == 30
    takes_back("r2", "gift", of_source=Source.STAFF)

    assert (left(), balance().arrears_points) == (100, 60)
    with pytest.raises(MoreThanLeft):
        takes_back("r3", "gift", 1, of_source=Source.STAFF)
    assert left() == 100
    assert queries.prove() == []


def test_a_budget_is_altered_but_never_below_what_it_gave_nor_to_another_payer() -> None:
    ledger.make_fund(fund=PARTNER, code="korzinka", name="Korzinka")
    budget(100)
    assert budget(200, fund=PARTNER) == 200
    gives(150)

    assert budget(150, fund=PARTNER, valid_until=LATER) == 0
    for points, fund in ((149, PARTNER), (300, 0)):
        with pytest.raises(BadPosting):
            budget(points, fund=fund)

    assert queries.budgets() == [Budget(AUTUMN, PARTNER, 150, 150, DAY, LATER)]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"points": 0}, BadAmount),
        ({"points": 2**63}, BadAmount),
        ({"fund": 404}, WrongFund),
        ({"code": ""}, BadPosting),
        ({"valid_until": DAY - timedelta(days=1)}, BadPosting),
    ],
)
def test_a_bad_budget_is_not_made(changes: dict[str, Any], error: type[LedgerError]) -> None:
    with pytest.raises(error):
        budget(**({"points": 10} | changes))
    assert queries.budgets() == []


def test_a_fund_has_one_number_and_one_code() -> None:
    ledger.make_fund(fund=PARTNER, code="korzinka", name="Korzinka")
    ledger.make_fund(fund=PARTNER, code="korzinka", name="Korzinka supermarkets")

    with pytest.raises(KeyReused) as refused:
        ledger.make_fund(fund=13, code="korzinka", name="Another")
    for number, code in ((-1, "minus"), (14, "")):
        with pytest.raises(BadPosting):
            ledger.make_fund(fund=number, code=code, name="x")

    assert refused.value.values == {"key": "korzinka"}
    assert [(one.fund, one.name) for one in queries.funds()] == [
        (0, "The operator"),
        (PARTNER, "Korzinka supermarkets"),
    ]


def test_to_receive_counts_as_activity_and_to_lose_does_not() -> None:
    earns("a", 10, on=DAY - timedelta(days=300))
    adjusts(-1)
    assert active_on() == DAY - timedelta(days=300)
    adjusts(5, ref="more")
    assert active_on() == DAY


def active_on() -> date:
    with connection.cursor() as cursor:
        cursor.execute("select active_on from ledger.account where subscriber_id = %s", [AZIZA])
        found: date = cursor.fetchone()[0]
        return found


@given(steps=st.lists(st.tuples(st.booleans(), st.integers(-60, 60)), max_size=12))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_is_adjusted_the_books_say_what_was_given_less_what_was_taken(
    steps: list[tuple[bool, int]],
) -> None:
    who = newcomer()
    code = f"budget {who}"
    ledger.make_budget(code=code, fund=0, points=100, valid_from=DAY, valid_until=DAY)
    points, given_away = 0, 0
    for n, (is_goodwill, change) in enumerate(steps):
        is_right = change > 0 and given_away + change <= 100 if is_goodwill else change
        try:
            if is_goodwill:
                gives(change, ref=f"{n}", who=who, budget=code)
                given_away += change
            else:
                adjusts(change, ref=f"{n}", who=who)
            assert is_right
            points += change
        except (BadAmount, BudgetSpent, NotEnoughPoints):
            assert not is_right or points + change < 0

    assert balance(who=who).spendable_points == points
    assert next(b for b in queries.budgets() if b.code == code).spent_points == given_away
    assert queries.prove() == []

"""How long points live: by their date, by the period they fall in, or as long as the owner is active."""

from datetime import date, timedelta

import hypothesis.strategies as st
import pytest
from hypothesis import given

from club.clock import months_later
from club.ledger import actions as ledger
from club.ledger import queries
from club.ledger.expiry_rules import (
    NEVER,
    ExpiryPolicy,
    active_since,
    expires_on,
    inactive_after,
)
from club.ledger.queries import Expiry, Lot
from club.ledger.rules import Kind
from tests.ledger.desk import DAY, LATER, SOON, balance, earns, held, lots, spends, told

DAYS = st.dates(date(2020, 1, 1), date(2060, 12, 31))
MONTHS = st.integers(0, 60)
DATED = st.sampled_from([policy for policy in ExpiryPolicy if policy is not ExpiryPolicy.ACTIVITY])


@pytest.mark.parametrize(
    ("policy", "earned_on", "life_months", "last"),
    [
        ("rolling", date(2026, 1, 31), 1, date(2026, 2, 28)),
        ("rolling", date(2027, 8, 31), 6, date(2028, 2, 29)),
        ("rolling", date(2028, 2, 29), 12, date(2029, 2, 28)),
        ("rolling", date(2026, 5, 5), 0, date(2026, 5, 5)),
        ("month_end", date(2026, 1, 1), 1, date(2026, 2, 28)),
        ("month_end", date(2026, 12, 31), 12, date(2027, 12, 31)),
        ("quarter_end", date(2026, 1, 1), 0, date(2026, 3, 31)),
        ("quarter_end", date(2026, 3, 31), 0, date(2026, 3, 31)),
        ("quarter_end", date(2026, 11, 30), 3, date(2027, 3, 31)),
        ("quarter_end", date(2026, 12, 31), 6, date(2027, 6, 30)),
        ("year_end", date(2026, 1, 1), 0, date(2026, 12, 31)),
        ("year_end", date(2026, 12, 31), 0, date(2026, 12, 31)),
        ("year_end", date(2026, 12, 31), 12, date(2027, 12, 31)),
        ("activity", date(2026, 1, 1), 12, NEVER),
    ],
)
def test_each_policy_has_its_last_day(
    policy: str, earned_on: date, life_months: int, last: date
) -> None:
    found = expires_on(earned_on, policy=ExpiryPolicy(policy), life_months=life_months)
    assert found == last


@given(policy=DATED, earned_on=DAYS, months=MONTHS)
def test_points_live_at_least_their_months_and_later_ones_never_end_earlier(
    policy: ExpiryPolicy, earned_on: date, months: int
) -> None:
    last = expires_on(earned_on, policy=policy, life_months=months)
    next_day = earned_on + timedelta(days=1)

    assert last >= months_later(earned_on, months)
    assert expires_on(next_day, policy=policy, life_months=months) >= last
    assert last - months_later(earned_on, months) < timedelta(days=366)


@given(policy=DATED, earned_on=DAYS, months=MONTHS)
def test_a_fixed_day_is_the_end_of_its_period(
    policy: ExpiryPolicy, earned_on: date, months: int
) -> None:
    last = expires_on(earned_on, policy=policy, life_months=months)
    begins = last + timedelta(days=1)
    months_of_beginning = {
        ExpiryPolicy.MONTH_END: range(1, 13),
        ExpiryPolicy.QUARTER_END: (1, 4, 7, 10),
        ExpiryPolicy.YEAR_END: (1,),
    }.get(policy)
    assert months_of_beginning is None or (begins.day == 1 and begins.month in months_of_beginning)


@given(day=DAYS, active_on=DAYS, months=st.integers(1, 36))
def test_an_owner_is_inactive_exactly_when_the_last_good_day_is_over(
    day: date, active_on: date, months: int
) -> None:
    is_over = inactive_after(active_on, inactive_months=months) < day
    assert is_over == (active_on < active_since(day, inactive_months=months))


# ---- the sweep of the inactive ---------------------------------------------------------------


def sweep(day: date, *, months: int = 6, limit: int = 2) -> int:
    """All chunks of one run; answers how many lots it expired."""
    lots, after = 0, None
    while True:
        swept = ledger.expire_inactive(
            day=day,
            active_since=active_since(day, inactive_months=months),
            after=after,
            limit=limit,
        )
        lots += swept.taken
        after = swept.last_subscriber_id
        if after is None:
            return lots


@pytest.mark.django_db
def test_points_live_as_long_as_their_owner_earns_or_spends() -> None:
    for who in (1, 2, 3):
        earns("a", 100, who=who, expires_on=NEVER)
    spends(10, ref="later", who=2, day=DAY + timedelta(days=60))
    earns("b", 5, who=3, on=DAY + timedelta(days=60), expires_on=NEVER)
    last = inactive_after(DAY, inactive_months=6)

    assert sweep(last) == 0
    assert sweep(last + timedelta(days=1)) == 1

    assert lots(who=1) == []
    assert told(Kind.EXPIRY, who=1) == [(-100, "inactive", None)]
    assert [balance(last, who=who).spendable_points for who in (2, 3)] == [90, 105]
    assert queries.totals().expired_points == 100
    assert queries.prove() == []


@pytest.mark.django_db
def test_a_run_goes_through_everybody_in_chunks_and_may_begin_again() -> None:
    for who in (-4, 1, 2, 3, 4, 5):
        earns("a", 10, who=who)
        earns("b", 20, who=who, expires_on=LATER, fund=3)
    after = DAY + timedelta(days=35)
    threshold = active_since(after, inactive_months=1)

    first = ledger.expire_inactive(day=after, active_since=threshold, after=None, limit=2)
    assert first == ledger.Swept(taken=4, last_subscriber_id=1)
    assert sweep(after, months=1) == 8
    assert sweep(after, months=1) == 0

    assert queries.totals().lots_points == 0
    assert queries.prove() == []


@pytest.mark.django_db
def test_what_is_past_its_own_day_is_left_to_the_other_sweep_and_a_hold_to_its_order() -> None:
    earns("a", 30)
    earns("b", 20, expires_on=LATER)
    held(10)
    after = SOON + timedelta(days=40)

    assert sweep(after, months=1) == 1
    assert lots() == [Lot(SOON, 0, 20)]
    ledger.expire_due(day=after, limit=10)

    assert set(told(Kind.EXPIRY)) == {(-20, "inactive", None), (-20, None, None)}
    assert balance(after).held_points == 10
    assert queries.prove() == []


# ---- the calendar ----------------------------------------------------------------------------


def calendar(day: date = DAY, *, inactive_months: int | None = None, who: int = 77) -> list[Expiry]:
    return queries.expiry_calendar(subscriber_id=who, day=day, inactive_months=inactive_months)


@pytest.mark.django_db
def test_the_calendar_tells_what_expires_when() -> None:
    earns("a", 30)
    earns("b", 20, fund=3)
    earns("c", 10, expires_on=LATER)
    earns("never", 7, expires_on=NEVER)
    spends(5)

    assert calendar() == [Expiry(SOON, 45), Expiry(LATER, 10)]
    assert calendar(SOON + timedelta(days=1)) == [Expiry(LATER, 10)]
    assert calendar(who=404) == []


@pytest.mark.django_db
def test_where_only_activity_keeps_points_the_calendar_has_the_day_on_which_it_would_be_too_late() -> (
    None
):
    earns("a", 30)
    earns("never", 7, expires_on=NEVER)
    too_late = inactive_after(DAY, inactive_months=6)

    assert calendar(inactive_months=6) == [Expiry(SOON, 30), Expiry(too_late, 7)]
    assert calendar(inactive_months=1) == [Expiry(date(2026, 12, 22), 37)]
    assert calendar(too_late + timedelta(days=9), inactive_months=6) == [
        Expiry(too_late + timedelta(days=9), 7)
    ]


@pytest.mark.django_db
def test_points_without_a_last_day_have_no_next_expiry() -> None:
    earns("never", 7, expires_on=NEVER)
    assert (balance().spendable_points, balance().next_expiry_on) == (7, None)

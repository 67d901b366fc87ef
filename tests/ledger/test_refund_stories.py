"""Spends that are undone: where the points go, and what becomes of those that expired meanwhile."""

from datetime import date, timedelta

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from club.ledger import actions as ledger
from club.ledger import queries
from club.ledger.errors import BadPosting, MoreThanLeft, NotReversible
from club.ledger.queries import Lot
from club.ledger.rules import Kind, Source, grace_until, hold_ref
from tests.ledger.desk import (
    AZIZA,
    DAY,
    HOLD,
    LATER,
    SOON,
    balance,
    earns,
    held,
    lines,
    lots,
    newcomer,
    refunds,
    spends,
    takes_back,
    told,
)
from tests.ledger.people import sends, somebody

pytestmark = pytest.mark.django_db
AFTER = SOON + timedelta(days=5)
GRACE = grace_until(AFTER, grace_days=7)


def test_a_spend_is_refunded_in_parts_last_taken_first_with_its_dates() -> None:
    earns("a", 20)
    earns("b", 20, expires_on=LATER, fund=3)
    spends(30)

    refunds("r1", 15)
    assert lots() == [Lot(SOON, 0, 5), Lot(LATER, 3, 20)]
    refunds("r2")

    assert lots() == [Lot(SOON, 0, 20), Lot(LATER, 3, 20)]
    assert told(Kind.RETURN) == [(15, None, None), (15, None, None)]
    with pytest.raises(MoreThanLeft) as none_left:
        refunds("r3", 1)
    assert none_left.value.values == {"left_points": 0, "asked_points": 1}
    assert queries.prove() == []


def test_a_captured_order_is_refunded_like_a_spend() -> None:
    earns("a", 100)
    held(60)
    ledger.capture(subscriber_id=AZIZA, hold_id=HOLD, day=DAY, points=50)

    refunds("r1", 20, of=hold_ref(HOLD))
    refunds("r2", of=hold_ref(HOLD))

    assert balance().spendable_points == 100
    assert queries.prove() == []


def test_what_expired_meanwhile_lives_for_the_days_of_grace_and_the_reason_says_so() -> None:
    earns("a", 20)
    earns("b", 20, expires_on=LATER)
    spends(40)

    refunds("r", day=AFTER, grace_until=GRACE)

    assert lots() == [Lot(date(2027, 1, 12), 0, 20), Lot(LATER, 0, 20)]
    assert told(Kind.RETURN) == [(40, "grace", None)]
    assert balance(AFTER).next_expiry_on == date(2027, 1, 12)
    assert queries.prove() == []


def test_without_days_of_grace_it_lapses_at_once_and_the_reason_says_so() -> None:
    earns("a", 20)
    earns("b", 20, expires_on=LATER)
    spends(40)

    booked = refunds("r", day=AFTER, grace_until=grace_until(AFTER, grace_days=0))

    assert booked == ledger.Booked(is_fresh=True, available_points=20)
    assert lots() == [Lot(LATER, 0, 20)]
    assert told(Kind.RETURN) == [(40, "lapsed", None)]
    assert told(Kind.EXPIRY) == [(-20, "lapsed", None)]
    assert queries.totals().expired_points == 20
    assert refunds("r", day=AFTER).is_fresh is False
    assert len(lines(Kind.EXPIRY)) == 1
    assert queries.prove() == []


def test_a_grace_that_is_over_already_is_none() -> None:
    earns("a", 20)
    spends(20)

    refunds("r", day=AFTER, grace_until=AFTER - timedelta(days=1))

    assert (lots(), told(Kind.RETURN)) == ([], [(20, "lapsed", None)])
    assert queries.prove() == []


def test_a_refund_of_good_points_has_no_need_of_grace() -> None:
    earns("a", 20)
    spends(20)

    refunds("r", day=SOON, grace_until=LATER)

    assert (lots(), told(Kind.RETURN)) == ([Lot(SOON, 0, 20)], [(20, None, None)])


def test_who_owes_repays_with_what_comes_back_even_where_it_expired() -> None:
    earns("cancelled", 100)
    spends(60)
    spends(40, ref="s2")
    takes_back("c", "cancelled", 30)

    refunds("r", 60, day=AFTER)

    assert (lots(), balance().arrears_points) == ([], 0)
    assert lines(Kind.REPAYMENT) == [(0, (Lot(SOON, 0, 30),))]
    assert told(Kind.EXPIRY) == [(-30, "lapsed", None)]
    assert queries.prove() == []


def test_only_what_moved_points_by_itself_is_reversed() -> None:
    earns("a", 100)
    spends(10)
    refunds("r", 5)
    takes_back("c", "a", 20)
    sends(AZIZA, somebody(), 5, source=Source.STAFF, ref="t")

    for ref, kind in (("r", Kind.RETURN), ("c", Kind.CLAWBACK), ("t", Kind.TRANSFER_OUT)):
        with pytest.raises(NotReversible) as refused:
            takes_back("x", ref, of_source=Source.STAFF)
        assert refused.value.values == {"kind": kind}

    assert balance().spendable_points == 70
    assert queries.prove() == []


def test_a_refund_is_not_dated_before_its_spend() -> None:
    earns("a", 20)
    spends(20)
    with pytest.raises(BadPosting) as refused:
        refunds("r", day=DAY - timedelta(days=1))
    assert refused.value.code == "bad_posting"
    assert balance().spendable_points == 0


@given(data=st.data())
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_spend_refunded_in_any_parts_leaves_the_lots_as_they_were(data: st.DataObject) -> None:
    who = newcomer()
    amounts = data.draw(st.lists(st.integers(1, 90), min_size=1, max_size=4))
    for n, points in enumerate(amounts):
        earns(f"e{n}", points, expires_on=DAY + timedelta(days=n // 2), fund=n, who=who)
    before = lots(who=who)
    rest = data.draw(st.integers(1, sum(amounts)))
    spends(rest, who=who)

    part = 0
    while rest:
        n = data.draw(st.integers(1, rest))
        refunds(f"r{part}", n, who=who)
        rest, part = rest - n, part + 1

    assert lots(who=who) == before
    assert queries.prove() == []

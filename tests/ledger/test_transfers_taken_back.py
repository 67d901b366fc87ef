"""A transfer is undone on both sides, and nothing is made or lost by it."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from club.ledger import actions as ledger
from club.ledger import queries
from club.ledger.errors import (
    BadAmount,
    BadPosting,
    LedgerError,
    MoreThanLeft,
    NoSuchPosting,
    NotEnoughPoints,
    NotReversible,
)
from club.ledger.rules import Kind, Source, TransferPolicy, fingerprint_of
from tests.ledger.people import (
    DAY,
    LATER,
    SOON,
    arrears,
    earns,
    lines,
    lots,
    owes,
    points,
    sends,
    somebody,
    spends,
    takes_back,
)

pytestmark = pytest.mark.django_db


def test_a_transfer_is_taken_back_on_both_sides_with_its_lots() -> None:
    aziza, bek = somebody(), somebody()
    earns(aziza, 60, expires_on=SOON, fund=7)
    earns(aziza, 50, expires_on=LATER)
    earns(bek, 5, expires_on=SOON)
    sends(aziza, bek, 80, ref="t")

    assert takes_back(aziza, "t", points=30, ref="b1").is_fresh
    assert lots(bek) == [(SOON, 0, 5), (SOON, 7, 50)]
    assert takes_back(aziza, "t", ref="b2").available_points == 110

    assert lots(aziza) == [(SOON, 7, 60), (LATER, 0, 50)]
    assert lots(bek) == [(SOON, 0, 5)]
    assert takes_back(aziza, "t", ref="b2").is_fresh is False
    with pytest.raises(MoreThanLeft) as beyond:
        takes_back(aziza, "t", points=1, ref="b3")
    assert beyond.value.values == {"left_points": 0, "asked_points": 1}
    assert queries.prove() == []


def test_what_the_receiver_spent_comes_from_other_points_or_nothing_moves() -> None:
    aziza, bek = somebody(), somebody()
    earns(aziza, 100)
    sends(aziza, bek, 100, ref="t")
    earns(bek, 20, expires_on=LATER)
    spends(bek, 90)

    with pytest.raises(NotEnoughPoints) as short:
        takes_back(aziza, "t")
    assert short.value.values == {"available_points": 30, "asked_points": 100}
    assert (points(aziza), points(bek)) == (0, 30)

    takes_back(aziza, "t", receiver_may_owe=True)
    assert (points(aziza), points(bek), arrears(bek)) == (100, 0, 70)
    assert queries.prove() == []


def test_the_fee_comes_back_only_where_it_is_asked_for_and_once() -> None:
    aziza, bek = somebody(), somebody()
    earns(aziza, 100)
    policy = TransferPolicy(fee_fixed_points=5)
    sends(aziza, bek, 40, ref="t", policy=policy)

    assert takes_back(aziza, "t", points=10, ref="b1").available_points == 65
    assert takes_back(aziza, "t", points=10, ref="b2", with_fee=True).available_points == 80
    assert takes_back(aziza, "t", ref="b3", with_fee=True).available_points == 100
    assert queries.prove() == []


def test_lots_that_expired_meanwhile_come_back_for_the_days_of_grace() -> None:
    aziza, bek = somebody(), somebody()
    earns(aziza, 100, expires_on=SOON)
    sends(aziza, bek, 100, ref="t")
    new_year = SOON + timedelta(days=1)

    takes_back(aziza, "t", day=new_year, grace_until=new_year + timedelta(days=7))

    assert lots(aziza, day=new_year) == [(new_year + timedelta(days=7), 0, 100)]
    assert points(bek, day=new_year) == 0
    assert queries.prove() == []


def test_what_comes_back_to_a_debtor_repays_first() -> None:
    aziza, bek = somebody(), somebody()
    earns(aziza, 50)
    sends(aziza, bek, 50, ref="t")
    owes(aziza, 20)

    takes_back(aziza, "t")

    assert (points(aziza), arrears(aziza)) == (30, 0)
    assert queries.prove() == []


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"points": 0}, BadAmount),
        ({"points": -3}, BadAmount),
        ({"points": 2**63}, BadAmount),
        ({"points": 101}, MoreThanLeft),
        ({"of_ref": "never"}, NoSuchPosting),
        ({"of_ref": "spent", "of_source": Source.ORDER}, NotReversible),
        ({"day": DAY - timedelta(days=1)}, BadPosting),
    ],
)
def test_only_a_transfer_is_taken_back_and_never_more_than_it(
    changes: dict[str, Any], error: type[LedgerError]
) -> None:
    aziza, bek = somebody(), somebody()
    earns(aziza, 120)
    sends(aziza, bek, 100, ref="t")
    ledger.spend(
        subscriber_id=aziza, source=Source.ORDER, ref="spent", day=DAY, points=1,
        fingerprint=fingerprint_of("spent"),
    )  # fmt: skip

    with pytest.raises(error) as refused:
        takes_back(aziza, "t", **changes)

    assert refused.value.code == error.code
    assert (points(aziza), points(bek)) == (19, 100)
    assert queries.prove() == []


def test_one_leg_alone_is_never_reversed() -> None:
    aziza, bek = somebody(), somebody()
    earns(aziza, 100)
    sends(aziza, bek, 100, ref="t")

    for leg in (lines(aziza)[0], lines(bek)[0]):
        with pytest.raises(NotReversible):
            ledger.reverse(
                subscriber_id=aziza if leg.kind is Kind.TRANSFER_OUT else bek, source=Source.STAFF,
                ref="r", day=DAY, of_source=leg.source, of_ref=leg.ref, of_day=DAY, points=None,
                fingerprint=fingerprint_of("r"),
            )  # fmt: skip

    assert (points(aziza), points(bek)) == (0, 100)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    moves=st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(1, 80), st.booleans()),
        max_size=12,
    ),
    fee=st.integers(0, 3),
)
def test_nothing_is_made_or_lost_whatever_is_sent_and_taken_back(
    moves: list[tuple[int, int, int, bool]], fee: int
) -> None:
    people = [somebody() for _ in range(3)]
    for i, who in enumerate(people):
        earns(who, 50 + i, expires_on=(SOON, LATER)[i % 2], fund=i)
    begun = sum(map(points, people))
    policy = TransferPolicy(fee_fixed_points=fee)
    sent: list[tuple[int, str]] = []
    for i, (out, to, n, is_undoing) in enumerate(moves):
        try:
            if is_undoing and sent:
                who, ref = sent[n % len(sent)]
                takes_back(who, ref, ref=f"b{i}:{who}", with_fee=True, receiver_may_owe=bool(n % 2))
            else:
                ref = f"t{i}:{people[0]}"
                sends(people[out], people[to], n, policy=policy, ref=ref)
                sent.append((people[out], ref))
        except (BadPosting, NotEnoughPoints):
            continue

    fees = -sum(line.points for who in people for line in lines(who)
                if line.kind is Kind.FEE or (line.reverses_ref or "").startswith("fee:"))  # fmt: skip
    assert sum(points(who) - arrears(who) for who in people) == begun - fees
    assert queries.prove() == []

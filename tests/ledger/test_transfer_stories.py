"""Transfers and gifts between people: what moves, what it costs, what stops it, how it is undone."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from club.ledger import actions as ledger
from club.ledger import policies, queries
from club.ledger.errors import (
    BadAmount,
    BadPosting,
    DayOutsideBooks,
    KeyReused,
    LedgerError,
    MoreThanLeft,
    NoSuchPosting,
    NotEnoughPoints,
    NotReversible,
    PointsTooYoung,
    TransferLimitReached,
    TransfersFrozen,
)
from club.ledger.queries import Lot
from club.ledger.rules import Kind, Source, TransferPolicy, fingerprint_of
from tests.ledger.people import (
    DAY,
    LATER,
    NOW,
    SOON,
    arrears,
    earns,
    journal_rows,
    lines,
    lots,
    owes,
    pays_in,
    points,
    pot_of,
    sends,
    somebody,
    spends,
    takes_back,
)

pytestmark = pytest.mark.django_db


def test_a_gift_moves_with_its_dates_and_funds_and_both_see_it() -> None:
    aziza, bek = somebody(), somebody()
    earns(aziza, 50, expires_on=LATER)
    earns(aziza, 60, expires_on=SOON, fund=7)

    sent = sends(aziza, bek, 80, reason="gift", ref="g")

    assert sent == ledger.Booked(is_fresh=True, available_points=30)
    assert lots(bek) == [(SOON, 7, 60), (LATER, 0, 20)]
    out, come = lines(aziza)[0], lines(bek)[0]
    assert (out.kind, out.points, out.counterparty_id) == (Kind.TRANSFER_OUT, -80, bek)
    assert (come.kind, come.points, come.counterparty_id) == (Kind.TRANSFER_IN, 80, aziza)
    assert out.lots == come.lots == (Lot(SOON, 7, 60), Lot(LATER, 0, 20))
    assert out.reason == come.reason == "gift"
    assert queries.prove() == []


def test_a_transfer_repeated_moves_once_and_with_other_content_not_at_all() -> None:
    aziza, bek, charos = somebody(), somebody(), somebody()
    earns(aziza, 100)
    earns(charos, 100)
    sends(aziza, bek, 40, ref="t")

    assert sends(aziza, bek, 40, ref="t") == ledger.Booked(is_fresh=False, available_points=60)
    with pytest.raises(KeyReused):
        sends(aziza, bek, 41, ref="t")
    sends(charos, bek, 40, ref="t")  # names of one's own: another sender may use the same

    assert [points(who) for who in (aziza, bek, charos)] == [60, 80, 60]
    assert queries.prove() == []


def test_a_repeated_transfer_is_answered_even_when_it_could_not_be_made_any_more() -> None:
    aziza, bek = somebody(), somebody()
    earns(aziza, 100)
    sends(aziza, bek, 100, ref="t")
    ledger.freeze(subscriber_id=aziza, until=NOW + timedelta(days=1), reason="sim_swap")

    assert sends(aziza, bek, 100, ref="t").is_fresh is False


def test_the_fee_is_on_top_and_rounded_up() -> None:
    aziza, bek = somebody(), somebody()
    earns(aziza, 100)
    policy = TransferPolicy(fee_fixed_points=3, fee_basis_points=250)

    sent = sends(aziza, bek, 50, policy=policy, ref="t")

    assert sent.available_points == 100 - 50 - 3 - 2
    assert points(bek) == 50
    assert {line.kind: line.points for line in lines(aziza)} == {
        Kind.ACCRUAL: 100,
        Kind.TRANSFER_OUT: -50,
        Kind.FEE: -5,
    }
    with pytest.raises(NotEnoughPoints) as short:
        sends(aziza, bek, 43, policy=policy)
    assert short.value.values == {"available_points": 45, "asked_points": 48}
    assert queries.prove() == []


def test_the_first_few_of_a_month_that_go_to_people_cost_no_fee() -> None:
    aziza, bek = somebody(), somebody()
    earns(aziza, 1_000)
    policy = TransferPolicy(fee_fixed_points=10, free_times_per_month=2)
    pays_in(pot_of(aziza), aziza, 100)  # no gift: it takes none of the free ones away

    left = [sends(aziza, bek, 100, policy=policy, ref=f"t{n}").available_points for n in range(3)]
    takes_back(aziza, "t0")  # neither does what came back give one back

    assert left == [800, 700, 590]
    assert sends(aziza, bek, 100, policy=policy).available_points == 590 + 100 - 110
    assert sends(aziza, bek, 100, policy=policy, ref="t0").is_fresh is False
    next_month = DAY + timedelta(days=10)
    sent = sends(aziza, bek, 100, policy=policy, day=next_month, now=NOW + timedelta(days=10))
    assert sent.available_points == 580 - 100
    with pytest.raises(NotEnoughPoints) as short:
        sends(aziza, bek, 475, policy=policy)
    assert short.value.values["asked_points"] == 485
    assert queries.prove() == []


def test_whoever_owes_repays_with_the_very_points_that_come() -> None:
    aziza, bek = somebody(), somebody()
    owes(bek, 30)
    earns(aziza, 100, fund=7)

    sends(aziza, bek, 50)

    assert (arrears(bek), lots(bek)) == (0, [(SOON, 7, 20)])
    repaid = next(line for line in lines(bek) if line.kind is Kind.REPAYMENT)
    assert repaid.lots == (Lot(SOON, 7, 30),)
    assert queries.prove() == []


def test_a_debtor_sends_nothing() -> None:
    aziza, bek = somebody(), somebody()
    owes(aziza, 30)

    with pytest.raises(NotEnoughPoints) as short:
        sends(aziza, bek, 1)

    assert short.value.values == {"available_points": 0, "asked_points": 1}
    assert queries.prove() == []


def test_a_limit_by_day_counts_points_and_times_and_says_when_it_ends() -> None:
    aziza, bek = somebody(), somebody()
    earns(aziza, 1_000)
    by_points, by_times = (
        TransferPolicy(points_per_day_max=100),
        TransferPolicy(times_per_day_max=2),
    )
    sends(aziza, bek, 70, policy=by_points)

    with pytest.raises(TransferLimitReached) as beyond:
        sends(aziza, bek, 31, policy=by_points)
    assert beyond.value.values == {
        "period": "day",
        "left_points": 30,
        "left_times": None,
        "resets_on": "2026-11-23",
    }
    sends(aziza, bek, 30, policy=by_points)
    with pytest.raises(TransferLimitReached) as too_often:
        sends(aziza, bek, 1, policy=by_times)
    assert (too_often.value.values["left_points"], too_often.value.values["left_times"]) == (
        None,
        0,
    )
    tomorrow = DAY + timedelta(days=1)
    assert sends(aziza, bek, 100, policy=by_points, day=tomorrow).is_fresh
    assert queries.prove() == []


def test_a_limit_by_month_ends_with_the_month() -> None:
    aziza, bek = somebody(), somebody()
    earns(aziza, 1_000)
    policy = TransferPolicy(points_per_month_max=100, times_per_month_max=2)
    sends(aziza, bek, 60, policy=policy, day=date(2026, 11, 1))

    with pytest.raises(TransferLimitReached) as beyond:
        sends(aziza, bek, 41, policy=policy, day=date(2026, 11, 30))
    assert beyond.value.values == {
        "period": "month",
        "left_points": 40,
        "left_times": 1,
        "resets_on": "2026-12-01",
    }
    assert sends(aziza, bek, 100, policy=policy, day=date(2026, 12, 1)).is_fresh
    assert sends(aziza, bek, 40, policy=policy, day=date(2026, 11, 30)).is_fresh
    with pytest.raises(TransferLimitReached):
        sends(aziza, bek, 1, policy=policy, day=date(2026, 11, 30))
    assert queries.prove() == []


def test_points_received_do_not_count_against_the_receivers_limit() -> None:
    aziza, bek = somebody(), somebody()
    earns(aziza, 100)
    policy = TransferPolicy(points_per_day_max=100, times_per_day_max=1)
    sends(aziza, bek, 100, policy=policy)

    assert sends(bek, aziza, 100, policy=policy).is_fresh


def test_points_earned_or_received_lately_stay_behind() -> None:
    aziza, bek = somebody(), somebody()
    policy = TransferPolicy(min_age_days=3)
    earns(aziza, 100)
    earns(aziza, 40, on=DAY - timedelta(days=3))
    earns(aziza, 25, on=DAY - timedelta(days=2), expires_on=LATER)

    with pytest.raises(PointsTooYoung) as young:
        sends(aziza, bek, 141, policy=policy)
    assert young.value.values == {"transferable_points": 140, "min_age_days": 3}
    sends(aziza, bek, 140, policy=policy)
    with pytest.raises(PointsTooYoung):  # what came as a gift today does not leave today
        sends(bek, aziza, 1, policy=policy)
    assert queries.prove() == []


def test_young_points_stay_young_when_older_ones_are_spent() -> None:
    aziza, bek = somebody(), somebody()
    policy = TransferPolicy(min_age_days=3)
    earns(aziza, 100, expires_on=SOON)
    earns(aziza, 60, on=DAY, expires_on=LATER)
    spends(aziza, 100)

    with pytest.raises(PointsTooYoung) as young:
        sends(aziza, bek, 1, policy=policy)

    assert young.value.values["transferable_points"] == 0


def test_after_a_sim_swap_nothing_is_sent_until_the_freeze_ends() -> None:
    aziza, bek = somebody(), somebody()
    earns(aziza, 100)
    earns(bek, 10)
    until = NOW + timedelta(hours=72)
    assert ledger.freeze(subscriber_id=aziza, until=until, reason="sim_swap") == until
    sooner = NOW + timedelta(hours=1)
    assert ledger.freeze(subscriber_id=aziza, until=sooner, reason="staff") == until

    with pytest.raises(TransfersFrozen) as frozen:
        sends(aziza, bek, 1)
    assert frozen.value.values["reason"] == "sim_swap"
    assert frozen.value.values["frozen_until"] == "2026-11-25T09:00:00+00:00"
    spends(aziza, 5)  # her own points she may spend
    sends(bek, aziza, 10)  # and receive

    assert sends(aziza, bek, 1, now=until).is_fresh
    assert queries.prove() == []


def test_a_freeze_ends_when_staff_lift_it() -> None:
    aziza, bek = somebody(), somebody()
    earns(aziza, 100)
    ledger.freeze(subscriber_id=aziza, until=NOW + timedelta(hours=72), reason="sim_swap")

    assert ledger.unfreeze(subscriber_id=aziza) is True
    assert ledger.unfreeze(subscriber_id=aziza) is False

    assert sends(aziza, bek, 100).is_fresh


def test_a_freeze_without_a_reason_is_refused() -> None:
    with pytest.raises(BadPosting):
        ledger.freeze(subscriber_id=somebody(), until=NOW, reason="")


@pytest.mark.parametrize(
    ("amount", "changes", "error"),
    [
        (0, {}, BadAmount),
        (-1, {}, BadAmount),
        (2**63, {}, BadAmount),
        (10**12 + 1, {}, BadAmount),
        (101, {}, NotEnoughPoints),
        (1, {"day": date(1999, 1, 1)}, DayOutsideBooks),
        (1, {"ref": ""}, BadPosting),
        (1, {"ref": "x" * 201}, BadPosting),
        (1, {"fingerprint": b"short"}, BadPosting),
        (1, {"reason": "merge"}, BadPosting),
        (1, {"policy": TransferPolicy(fee_fixed_points=100)}, NotEnoughPoints),
    ],
)
def test_nonsense_is_refused_and_nothing_moves(
    amount: int, changes: dict[str, Any], error: type[LedgerError]
) -> None:
    aziza, bek = somebody(), somebody()
    earns(aziza, 100)

    with pytest.raises(error) as refused:
        sends(aziza, bek, amount, **changes)

    assert refused.value.code == error.code
    assert (points(aziza), points(bek), journal_rows()) == (100, 0, 1)
    assert queries.prove() == []


@pytest.mark.parametrize(
    ("whom", "code"),
    [
        (lambda aziza: aziza, "bad_posting"),
        (lambda aziza: 10**15, "unknown_subscriber"),
        (lambda aziza: somebody(status="closed"), "unknown_subscriber"),
        (lambda aziza: -5, "bad_posting"),
        (lambda aziza: 0, "bad_posting"),
        (lambda aziza: 2**63, "bad_amount"),
    ],
)
def test_points_go_to_another_living_person_only(whom: Callable[[int], int], code: str) -> None:
    aziza = somebody()
    earns(aziza, 100)

    with pytest.raises(LedgerError) as refused:
        sends(aziza, whom(aziza), 1)

    assert refused.value.code == code
    assert (points(aziza), journal_rows()) == (100, 1)
    assert queries.prove() == []


def test_the_app_can_tell_beforehand_what_may_still_be_sent() -> None:
    aziza, bek = somebody(), somebody()
    earns(aziza, 500)
    earns(aziza, 30, on=DAY)
    policy = TransferPolicy(points_per_day_max=100, times_per_month_max=9, min_age_days=3)
    sends(aziza, bek, 60, policy=policy)
    sends(aziza, bek, 10, policy=policy, day=date(2026, 11, 1))
    ledger.freeze(subscriber_id=aziza, until=NOW + timedelta(days=3), reason="sim_swap")

    told = queries.allowance(subscriber_id=aziza, day=DAY, now=NOW, policy=policy)

    assert told == queries.Allowance(430, 40, None, None, 7, NOW + timedelta(days=3), "sim_swap")
    thawed = NOW + timedelta(days=3)
    later = queries.allowance(subscriber_id=aziza, day=DAY, now=thawed, policy=policy)
    assert later.frozen_until is None


# ---- undoing


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


# ---- laws


def test_the_operators_terms_are_a_policy() -> None:
    assert policies.of_transfers().min_age_days >= 0
    assert policies.of_pots().fee_points(1_000) == 0
    assert policies.frozen_until(NOW) > NOW


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

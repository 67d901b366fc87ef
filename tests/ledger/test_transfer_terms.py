"""The operator's terms of sending points: limits, young points, the freeze after a SIM swap."""

from datetime import date, timedelta

import pytest

from club.ledger import actions as ledger
from club.ledger import policies, queries
from club.ledger.errors import (
    BadPosting,
    PointsTooYoung,
    TransferLimitReached,
    TransfersFrozen,
)
from club.ledger.rules import TransferPolicy
from tests.ledger.people import (
    DAY,
    LATER,
    NOW,
    SOON,
    earns,
    sends,
    somebody,
    spends,
)

pytestmark = pytest.mark.django_db


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


def test_the_operators_terms_are_a_policy() -> None:
    assert policies.of_transfers().min_age_days >= 0
    assert policies.of_pots().fee_points(1_000) == 0
    assert policies.frozen_until(NOW) > NOW

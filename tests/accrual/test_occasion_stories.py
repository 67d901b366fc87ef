"""Occasions, holdout and shared funds on the whole way: from the inbox to the books, and explained."""

import json
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from club.accrual import actions, campaign_files, campaigns, funds
from club.accrual.errors import BadCampaign
from club.accrual.models import Decision, InForce, Used
from club.accrual.rules.granting import is_held_out
from club.accrual.rules.model import Nth
from club.ledger import actions as ledger
from club.ledger import queries as books
from club.reports import decisions
from tests.accrual.conftest import PAYMENT, TEXTS, Office
from tests.accrual.test_deliveries import cancel
from tests.accrual.test_limits import TEN, explained, granted

THIRD = {"kind": "nth", "n": 3, "period": "month"}
SHARED = [{"fund": 0, "percent": 50}, {"fund": 7, "percent": 50}]


def test_every_third_payment_of_a_month_brings_points_and_the_others_say_how_many_are_missing(
    club: Office,
) -> None:
    club.publish("third", reward=TEN, occasion=THIRD)
    aziza = club.subscriber()
    receipts = [club.pays(aziza, 500) for _ in range(4)]
    while actions.decide_batch(now=club.now, limit=1).taken:
        pass

    assert granted("third") == [
        (0, "not_yet"), (0, "not_yet"), (10, "granted"), (0, "not_yet"),
    ]  # fmt: skip
    told = explained(aziza, receipts[1].event_id)["third"]
    assert told.because is not None
    assert told.because.occasion == Nth(n=3, period="month")
    assert told.because.used == 2
    assert f"{told.resets_at:%Y-%m-%d %H:%M}" == "2026-12-01 00:00"
    assert club.balance(aziza).spendable_points == 10


def test_a_cancelled_payment_no_longer_counts_towards_the_third(club: Office) -> None:
    club.publish("third", reward=TEN, occasion=THIRD)
    aziza = club.subscriber()
    club.pays(aziza, 500, external_id="first")
    club.pays(aziza, 500)
    club.decide()
    cancel(club, aziza, "first")
    club.pays(aziza, 500)
    club.decide()
    assert club.balance(aziza).spendable_points == 0

    club.pays(aziza, 500, external_id="third")
    club.decide()
    assert club.balance(aziza).spendable_points == 10
    cancel(club, aziza, "third")
    assert club.balance(aziza).spendable_points == 0
    assert Used.objects.get(counter__counted="seen:third").times == 2
    assert books.prove() == []


def test_a_rule_that_waits_for_its_occasion_leaves_the_place_to_another(club: Office) -> None:
    group = {"stacking": {"group": "gifts", "mode": "first"}}
    club.publish("third", reward=TEN, occasion=THIRD, priority=5, **group)
    club.publish("usual", reward=TEN | {"points": 1}, **group)
    aziza = club.subscriber()
    receipts = [club.pays(aziza, 500) for _ in range(3)]
    club.decide()

    assert club.balance(aziza).spendable_points == 1 + 1 + 10
    last = explained(aziza, receipts[2].event_id)
    assert (last["third"].reason, last["usual"].reason) == ("granted", "outstacked")
    first = explained(aziza, receipts[0].event_id)
    assert (first["third"].reason, first["usual"].reason) == ("not_yet", "granted")


# ---- who pays, and who is held out -----------------------------------------------------------
def file(**more: Any) -> dict[str, Any]:
    rule = {"id": "gift", "when": PAYMENT, "reward": TEN}
    rules = {"gift": {"names": TEXTS, "rule": rule}}
    return {"code": "spring", "names": TEXTS, "rules": rules} | more


def in_force(club: Office, **more: Any) -> None:
    campaigns.put_in_force(file(**more), club.now)


def test_a_share_is_held_out_by_lot_always_the_same_ones_and_it_is_written_down(
    club: Office,
) -> None:
    in_force(club, holdout_percent=50)
    people = [club.subscriber() for _ in range(20)]
    for _ in range(2):
        for one in people:
            club.pays(one, 500)
    club.decide()

    for one in people:
        is_out = is_held_out("spring", one.id, 50)
        found = Decision.objects.filter(subscriber_id=one.id, rule_id="gift")
        assert [d.reason for d in found] == ["holdout" if is_out else "granted"] * 2
        assert club.balance(one).spendable_points == (0 if is_out else 20)
    reasons = set(Decision.objects.filter(rule_id="gift").values_list("reason", flat=True))
    assert reasons == {"holdout", "granted"}


def test_another_share_of_holdout_is_another_time_in_force(club: Office) -> None:
    in_force(club, holdout_percent=10)
    in_force(club, holdout_percent=10)
    assert InForce.objects.filter(rule_id="gift").count() == 1
    club.later(days=1)
    in_force(club, holdout_percent=20)

    assert [*InForce.objects.filter(rule_id="gift").order_by("during").values_list(
        "holdout_percent", flat=True
    )] == [10, 20]  # fmt: skip
    before = campaign_files.exported(code="spring", at=club.now - timedelta(hours=1))
    assert before["holdout_percent"] == 10


def test_two_funds_pay_together_as_one_purse_and_the_file_says_so_again(club: Office) -> None:
    ledger.make_fund(fund=7, code="bank", name="A bank")
    in_force(club, paid_by=SHARED)
    aziza = club.subscriber()
    club.earns(aziza, 500)

    (lot,) = books.lots(subscriber_id=aziza.id, day=club.now.date())
    assert funds.shares_of(lot.fund) == ((0, 50), (7, 50))
    assert campaign_files.exported(code="spring", at=club.now)["paid_by"] == SHARED
    reversed_shares = [(7, 50), (0, 50)]
    assert funds.number_of(reversed_shares) == lot.fund, "the same shares are the same purse"


def test_a_fund_that_is_not_there_is_told_before_anybody_is_rewarded_from_it(club: Office) -> None:
    by_another = [{"fund": 0, "percent": 50}, {"fund": 8, "percent": 50}]
    with pytest.raises(BadCampaign) as refused:
        in_force(club, paid_by=by_another)
    (problem,) = refused.value.values["problems"]
    assert problem["where"] == "paid_by/1/fund"

    ledger.make_fund(fund=8, code="shop", name="A shop")
    in_force(club, paid_by=by_another)


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"paid_by": []}, "paid_by"),
        ({"paid_by": [{"fund": 0, "percent": 99}]}, "paid_by"),
        ({"paid_by": [{"fund": 0, "percent": 50}] * 2}, "paid_by"),
        ({"paid_by": [{"fund": -1, "percent": 100}]}, "paid_by/0/fund"),
        ({"holdout_percent": 51}, "holdout_percent"),
        ({"legal": {"uz": "Shartlar"}}, "legal"),
    ],
    ids=str,
)
def test_terms_that_make_no_sense_are_refused_at_their_place(
    wrong: dict[str, Any], where: str
) -> None:
    with pytest.raises(BadCampaign) as refused:
        campaign_files.read(json.dumps(file(**wrong)))
    problems = refused.value.values["problems"]
    assert isinstance(problems, list)
    assert where in [one["where"] for one in problems]


_cuts = st.lists(st.integers(1, 99), min_size=0, max_size=4, unique=True)


@given(st.integers(-(10**12), 10**12), _cuts)
def test_a_split_loses_no_point_and_is_off_by_less_than_one(points: int, cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), 100]
    shares = [(place, b - a) for place, (a, b) in enumerate(pairwise(edges))]
    parts = funds.split(points, shares)

    assert sum(part.points for part in parts) == points
    for part, (_, percent) in zip(parts, shares, strict=True):
        assert abs(part.points * 100 - points * percent) < 100


def test_explained_events_of_one_held_out_say_so(club: Office) -> None:
    in_force(club, holdout_percent=50)
    who = next(one for one in iter(club.subscriber, None) if is_held_out("spring", one.id, 50))
    receipt = club.pays(who, 500)
    club.decide()
    assert receipt.event_id is not None
    told = decisions.explained(subscriber_id=who.id, event_ids=[receipt.event_id], fruitless_max=0)
    assert [d.reason for d in told[receipt.event_id].decisions if d.rule_id == "gift"] == [
        "holdout"
    ]

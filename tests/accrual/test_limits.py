"""Limits, groups and exclusions on the whole way: from the inbox to the books, and explained."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from club.accrual import actions, tasks
from club.accrual.errors import BadRule
from club.accrual.models import Counter, Decision, Event, Used
from club.ledger import queries as books
from club.reports import decisions
from club.subscribers.models import Subscriber
from tests.accrual.conftest import PER_THOUSAND, Office
from tests.accrual.test_batches import in_threads
from tests.accrual.test_deliveries import cancel

MONTHLY = {"period": "month", "unit": "points", "most": 25}
ONCE_A_DAY = {"period": "day", "unit": "times", "most": 1}
BUDGET = {"of": "campaign", "each": "all", "period": "ever", "unit": "points", "most": 25}
TEN = {"kind": "fixed", "points": 10, "cap_per_event": 10}


def explained(who: Subscriber, event_id: int | None) -> dict[str, decisions.ExplainedDecision]:
    assert event_id is not None
    found = decisions.explained(subscriber_id=who.id, event_ids=[event_id], fruitless_max=0)
    return {one.rule_id: one for one in found[event_id].decisions}


def granted(rule_id: str) -> list[tuple[int, str]]:
    found = Decision.objects.filter(rule_id=rule_id).order_by("event_id")
    return [(one.granted, one.reason) for one in found]


def test_a_monthly_limit_cuts_stops_begins_anew_and_is_explained(club: Office) -> None:
    club.publish("monthly", limits=[MONTHLY])
    aziza = club.subscriber()
    for _ in range(3):
        receipt = club.pays(aziza, 10_000)
    club.pays(aziza, 10_000)
    club.pays(aziza, 10_000, at=club.now - timedelta(days=20))
    club.decide()

    assert granted("monthly") == [
        (10, "granted"), (10, "granted"), (5, "cut"), (0, "limit"), (10, "granted"),
    ]  # fmt: skip
    told = explained(aziza, receipt.event_id)["monthly"]
    assert (told.wanted, told.granted) == (10, 5)
    assert told.because is not None
    assert told.because.limit is not None
    assert (told.because.limit.most, told.because.used) == (25, 20)
    assert f"{told.resets_at:%Y-%m-%d %H:%M}" == "2026-12-01 00:00"
    assert club.balance(aziza).spendable_points == 50 + 35
    assert books.prove() == []


def test_limits_hold_over_batches_as_within_one(club: Office) -> None:
    club.publish("monthly", limits=[MONTHLY])
    aziza = club.subscriber()
    for _ in range(4):
        club.pays(aziza, 10_000)
    while actions.decide_batch(now=club.now, limit=1).taken:
        pass

    assert [points for points, _ in granted("monthly")] == [10, 10, 5, 0]


def test_a_new_version_does_not_fill_the_limit_anew(club: Office) -> None:
    change = club.now - timedelta(hours=1)
    for in_force, points in (
        (DateTimeTZRange(None, change), 1),
        (DateTimeTZRange(change, None), 2),
    ):
        reward = PER_THOUSAND | {"points": points}
        club.publish("monthly", reward=reward, limits=[MONTHLY], in_force=in_force)
    aziza = club.subscriber()
    club.pays(aziza, 10_000, at=change - timedelta(minutes=1))
    club.pays(aziza, 10_000, at=change)
    club.decide()

    assert granted("monthly") == [(10, "granted"), (15, "cut")]


def test_a_cancelled_payment_gives_its_room_back(club: Office) -> None:
    club.publish("daily", reward=TEN, limits=[ONCE_A_DAY])
    aziza = club.subscriber()
    club.pays(aziza, 10_000, external_id="first")
    club.pays(aziza, 10_000)
    club.decide()
    cancel(club, aziza, "first")
    club.pays(aziza, 10_000)
    club.decide()

    assert granted("daily") == [
        (10, "granted"), (0, "limit"), (-10, "reversed"), (10, "granted"),
    ]  # fmt: skip


def test_a_cancellation_that_came_first_uses_nothing_up(club: Office) -> None:
    club.publish("daily", reward=TEN, limits=[ONCE_A_DAY])
    aziza = club.subscriber()
    cancel(club, aziza, "never")
    club.pays(aziza, 10_000, external_id="never")
    club.pays(aziza, 10_000)
    club.decide()

    assert granted("daily") == [(0, "cancelled"), (10, "granted")]


def test_a_budget_ends_the_campaign_for_everybody(club: Office) -> None:
    club.publish("paid-by-the-bank", reward=TEN, limits=[BUDGET], fund=4)
    people = [club.subscriber() for _ in range(4)]
    for who in people:
        club.pays(who, 500)
    club.decide()

    assert granted("paid-by-the-bank") == [
        (10, "granted"), (10, "granted"), (5, "cut"), (0, "limit"),
    ]  # fmt: skip
    assert Used.objects.get().points == 25


@pytest.mark.django_db(transaction=True)
def test_two_workers_never_overspend_a_budget() -> None:
    club = Office().open()
    club.publish("paid-by-the-bank", reward=TEN, limits=[BUDGET | {"most": 305}], fund=4)
    people = [club.subscriber() for _ in range(8)]
    for number in range(60):
        club.pays(people[number % 8], 500, external_id=f"payment-{number:02}")
    together = threading.Barrier(2)

    def work() -> None:
        together.wait(timeout=30)
        while actions.decide_batch(now=club.now, limit=7).taken:
            pass

    in_threads(work, work)

    assert sum(points for points, _ in granted("paid-by-the-bank")) == 305
    assert sum(club.balance(who).spendable_points for who in people) == 305
    assert Used.objects.get().points == 305
    assert books.prove() == []


def test_an_event_that_fails_uses_nothing_up(club: Office) -> None:
    club.publish("daily", reward=TEN, limits=[BUDGET])
    aziza = club.subscriber()
    receipts = [club.pays(aziza, 500) for _ in range(3)]
    # No month of the journal takes it, and the batch is halved until it stands alone.
    Event.objects.filter(pk=receipts[0].event_id).update(occurred_at="1980-01-01T00:00Z")
    club.decide()

    assert granted("daily") == [(10, "granted"), (10, "granted")]
    assert Used.objects.get(counter__counted="campaign:fund-0").points == 20


def test_of_a_group_one_rule_counts_and_the_other_says_which(club: Office) -> None:
    group: dict[str, Any] = {"stacking": {"group": "gifts", "mode": "highest"}}
    club.publish("small", reward=TEN, **group)
    club.publish("big", reward=TEN | {"points": 30, "cap_per_event": 30}, **group)
    aziza = club.subscriber()
    event_id = club.pays(aziza, 500).event_id
    club.decide()

    told = explained(aziza, event_id)
    assert (told["big"].granted, told["small"].granted) == (30, 0)
    assert told["small"].reason == "outstacked"
    assert told["small"].because is not None
    assert told["small"].because.rule_id == "big"


@pytest.mark.usefixtures("in_english")
def test_a_group_is_decided_in_one_way(club: Office) -> None:
    club.publish("a", stacking={"group": "gifts", "mode": "highest"})
    with pytest.raises(BadRule) as refused:
        club.publish("b", stacking={"group": "gifts", "mode": "first"})

    (problem,) = refused.value.values["problems"]  # type: ignore[misc]
    assert problem["where"] == "stacking/mode"
    assert "The rule “a” decides the group “gifts” by highest." in problem["what"]


@pytest.mark.parametrize(
    ("terms", "where"),
    [
        ({"limits": [MONTHLY, MONTHLY | {"most": 5}]}, ""),
        ({"limits": [MONTHLY | {"most": 0}]}, "limits/0/most"),
        ({"limits": [MONTHLY | {"period": "fortnight"}]}, "limits/0/period"),
        ({"excludes": ["bad"]}, ""),
        ({"stacking": {"group": "g", "mode": "all"}}, "stacking/mode"),
        ({"priority": -1}, "priority"),
    ],
    ids=str,
)
def test_terms_that_make_no_sense_are_refused_at_their_place(
    club: Office, terms: dict[str, Any], where: str
) -> None:
    with pytest.raises(BadRule) as refused:
        club.publish("bad", **terms)

    (problem,) = refused.value.values["problems"]  # type: ignore[misc]
    assert problem["where"] == where


def test_counters_of_periods_that_are_long_over_are_forgotten(club: Office) -> None:
    club.publish("limited", reward=TEN, limits=[MONTHLY, ONCE_A_DAY, BUDGET])
    aziza = club.subscriber()
    club.pays(aziza, 500, at=club.now - timedelta(days=80))
    club.decide()
    assert Used.objects.count() == 3

    assert actions.forget_counters(now=club.now) == 0
    assert Used.objects.count() == 3, "an event of then may still come"

    club.later(days=80)
    assert actions.forget_counters(now=club.now, limit=1) == 1
    assert actions.forget_counters(now=club.now, limit=10) == 1
    tasks.forget_counters(timestamp=0)
    assert [one.counter.period for one in Used.objects.all()] == ["ever"]
    assert [one.period for one in Counter.objects.all()] == ["ever"]


# ---- time ------------------------------------------------------------------------------------
def test_a_rule_asks_for_the_hour_in_tashkent_and_for_the_months_since_joining(
    club: Office,
) -> None:
    def asks(field: str, value: int) -> dict[str, Any]:
        return {"kind": "compare", "field": field, "op": "ge", "value": value}

    club.publish("evening", when=asks("hour", 18), reward=TEN)
    club.publish("loyal", when=asks("tenure_months", 13), reward=TEN)
    noon = club.now
    aziza = club.subscriber(joined_at=noon - timedelta(days=396))  # 13 months ago to the day
    club.pays(aziza, 500, at=noon + timedelta(hours=-19))  # 17:00 of the day before
    club.pays(aziza, 500, at=noon - timedelta(hours=18))
    club.pays(aziza, 500, at=noon)
    club.decide()

    by_event = Decision.objects.order_by("event_id").values_list("event_id", "rule_id")
    _, second, third = Event.objects.order_by("id").values_list("id", flat=True)
    assert [*by_event] == [(second, "evening"), (third, "loyal")]


def test_a_rule_asks_for_public_holidays_those_by_decree_too(club: Office) -> None:
    holiday = {"kind": "compare", "field": "is_holiday", "op": "eq", "value": True}
    club.publish("navruz", when=holiday, reward=TEN)
    aziza = club.subscriber()
    for day in (30, 31):  # a Sunday like any other; a Monday off by decree
        club.pays(aziza, 500, at=datetime(2026, 8, day, 7, tzinfo=UTC))
    club.pays(aziza, 500, at=datetime(2026, 8, 31, 20, tzinfo=UTC))  # Independence Day there
    club.decide()

    assert Decision.objects.filter(rule_id="navruz", granted=10).count() == 2

"""Whatever happens can bring points: a story for each way in which an event differs from a payment."""

import json
from dataclasses import replace
from typing import Any

import pytest

from club.accrual import actions, inbox, kept
from club.accrual.inbox import Incoming, Verdict
from club.accrual.models import Conflict, Event, EventState, Outcome, Rejection
from club.accrual.rules import event_types
from club.accrual.rules.event_types import EventType, Field, cancellation_of
from club.ledger import queries as books
from club.subscribers.models import Subscriber
from tests.accrual.conftest import Office
from tests.builders import NOW

TEN = {"kind": "fixed", "points": 10, "cap_per_event": 10}


def event(who: Subscriber, kind: str, external_id: str = "e-1", **changes: Any) -> Incoming:
    usual = Incoming(
        source="billing",
        kind=kind,
        external_id=external_id,
        msisdn=who.msisdn,
        occurred_at=NOW,
        amount_tiyin=0,
        channel="",
        details={},
    )
    return replace(usual, **changes)


def leaf(field: str, value: object, op: str = "eq") -> dict[str, Any]:
    return {"kind": "compare", "field": field, "op": op, "value": value}


ANY = leaf("hour", 0, op="ge")


def brings(club: Office, who: Subscriber, *events: Incoming) -> int:
    """The points that these bring."""
    before = club.balance(who).spendable_points
    inbox.receive(events, now=club.now)
    club.decide()
    return club.balance(who).spendable_points - before


@pytest.fixture
def aziza(club: Office) -> Subscriber:
    return club.subscriber()


def test_a_rule_asks_a_field_that_one_type_of_event_has(club: Office, aziza: Subscriber) -> None:
    club.publish("fees", trigger=["charge"], when=leaf("service", "subscription_fee"))

    paid = event(aziza, "charge", amount_tiyin=4_000_000, details={"service": "subscription_fee"})
    used = replace(paid, external_id="e-2", details={"service": "usage"})

    assert brings(club, aziza, paid, used) == 40
    assert Event.objects.get(external_id="e-1").facts == {
        "event_type": "charge", "amount": 4_000_000, "tariff": "start", "region": "TAS",
        "tier": "bronze", "weekday": 3, "hour": 12, "tenure_months": 13, "is_holiday": False,
        "is_birthday": False, "service": "subscription_fee",
    }  # fmt: skip


def test_an_event_without_an_amount_brings_fixed_points_and_none_for_each_unit(
    club: Office, aziza: Subscriber
) -> None:
    club.publish("visits", trigger=["app_visit"], when=ANY, reward=TEN)
    club.publish("visits-by-money", trigger=["app_visit"], when=ANY)

    assert brings(club, aziza, event(aziza, "app_visit")) == 10


def test_a_month_without_a_negative_balance_is_told_from_one_with(
    club: Office, aziza: Subscriber
) -> None:
    never_below = leaf("lowest_balance_tiyin", 0, op="ge")
    club.publish("solvent", trigger=["month_closed"], when=never_below, reward=TEN)

    below = event(aziza, "month_closed", "2026-09", details={"lowest_balance_tiyin": -1})
    above = event(aziza, "month_closed", "2026-10", details={"lowest_balance_tiyin": 0})

    assert brings(club, aziza, below) == 0
    assert brings(club, aziza, above) == 10


def test_the_number_of_a_friend_is_not_kept_but_whose_it_is(
    club: Office, aziza: Subscriber
) -> None:
    bobur = club.subscriber(msisdn="998935551122")
    has_friend = leaf("friend_id", 1, op="ge")
    club.publish("friends", trigger=["referral"], when=has_friend, reward=TEN)
    told = {"friend_msisdn": "93 555-11-22", "referral_code": "AZ"}
    of_a_stranger = {"friend_msisdn": "998935550000"}

    earned = brings(
        club,
        aziza,
        event(aziza, "referral", "known", details=told),
        event(aziza, "referral", "stranger", details=of_a_stranger),
    )

    assert earned == 10
    kept_ = dict(Event.objects.values_list("external_id", "details"))
    assert kept_ == {"known": {"friend_id": bobur.id, "referral_code": "AZ"}, "stranger": {}}


def test_nobody_is_their_own_friend(club: Office, aziza: Subscriber) -> None:
    own = event(aziza, "referral", details={"friend_msisdn": f"+{aziza.msisdn}"})

    (receipt,) = inbox.receive([own], now=NOW)

    assert (receipt.verdict, receipt.code) == (Verdict.REJECTED, "bad_field")
    assert receipt.reason == "friend_msisdn is the subscriber's own number"


@pytest.mark.parametrize(
    ("kind", "changes", "code", "reason"),
    [
        (
            "charge",
            {"amount_tiyin": 5},
            "bad_field",
            "service is missing: it is a text of 1 to 200",
        ),
        (
            "partner_purchase",
            {"amount_tiyin": 5, "details": {"partner": 7}},
            "bad_field",
            "partner is not a text of 1 to 200 printable characters",
        ),
        (
            "month_closed",
            {"details": {"lowest_balance_tiyin": True}},
            "bad_field",
            "lowest_balance",
        ),
        ("month_closed", {"details": {"lowest_balance_tiyin": 2**60}}, "bad_field", "lowest_bal"),
        ("referral", {"details": {"friend_msisdn": "12"}}, "bad_field", "friend_msisdn is not a"),
        ("charge", {"details": {"service": "usage"}}, "not_positive", "more than zero"),
        ("survey", {"amount_tiyin": 1}, "amount_not_expected", "type survey has no amount"),
        ("birthday", {"msisdn": ""}, "bad_msisdn", "998"),
        ("Charge", {}, "bad_type", "small letters"),
        ("cancellation:payment", {}, "bad_type", "small letters"),
    ],
)
def test_a_broken_required_field_is_refused_with_its_name(
    club: Office, aziza: Subscriber, kind: str, changes: dict[str, Any], code: str, reason: str
) -> None:
    (receipt,) = inbox.receive([event(aziza, kind, **changes)], now=NOW)

    assert (receipt.verdict, receipt.code) == (Verdict.REJECTED, code)
    assert reason in receipt.reason
    assert Rejection.objects.get().code == code


def test_all_that_is_wrong_with_the_fields_is_said_at_once(
    club: Office, aziza: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = {"a": Field(str, is_required=True), "b": Field(int, is_required=True)}
    monkeypatch.setitem(event_types.EVENT_TYPES, "two", EventType("two", fields=two))

    (receipt,) = inbox.receive([event(aziza, "two", details={"b": "1"})], now=NOW)

    assert receipt.reason == (
        "a is missing: it is a text of 1 to 200 printable characters; b is not a whole number"
    )


def test_a_broken_field_that_is_not_required_and_one_nobody_knows_are_kept_and_no_facts(
    club: Office, aziza: Subscriber
) -> None:
    told = {"survey": "nps", "score": "ten", "mood": {"is": ["good"]}, "service": "usage"}

    brings(club, aziza, event(aziza, "survey", details=told))

    stored = Event.objects.select_related("outcome").get()
    assert stored.details == told
    assert stored.state == EventState.DECIDED
    assert stored.facts is not None
    assert stored.facts["survey"] == "nps"
    assert not {"score", "mood", "service"} & stored.facts.keys()


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"details": {"survey": "nps", "score": 9}}, Verdict.DUPLICATE),
        ({"details": {"survey": "other", "score": 10}}, Verdict.CONFLICTING),
        ({"msisdn": "998901234567"}, Verdict.CONFLICTING),
        ({"kind": "app_visit"}, Verdict.NEW),
    ],
    ids=str,
)
def test_the_required_fields_are_essential_too(
    club: Office, aziza: Subscriber, changes: dict[str, Any], verdict: Verdict
) -> None:
    first = event(aziza, "survey", details={"survey": "nps", "score": 10})

    receipts = inbox.receive([first, replace(first, **changes)], now=NOW)

    assert [one.verdict for one in receipts] == [Verdict.NEW, verdict]


def test_a_conflict_does_not_keep_the_number_of_a_friend_either(
    club: Office, aziza: Subscriber
) -> None:
    first = event(aziza, "referral", details={"friend_msisdn": "998935550000"})
    other = replace(first, msisdn="998935550001")

    inbox.receive([first, other], now=NOW)

    assert "998935550000" not in json.dumps(Conflict.objects.get().payload)


# ---- types that nobody has declared --------------------------------------------------------------
def test_an_event_of_an_unknown_type_is_kept_and_brings_nothing(
    club: Office, aziza: Subscriber
) -> None:
    club.publish("anything", trigger=["moon_landing"], when=ANY, reward=TEN)
    told = {"planet": "Mars", "friend_msisdn": "998935550000"}

    assert brings(club, aziza, event(aziza, "moon_landing", details=told)) == 0

    stored = Event.objects.select_related("outcome").get()
    assert (stored.state, stored.note) == ("kept", "of a type that is not declared")
    assert stored.details == told
    assert kept.adopt(now=NOW) == 0


def test_what_was_kept_is_taken_up_once_its_type_is_declared(
    club: Office, aziza: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    club.publish("landings", trigger=["moon_landing"], when=ANY, reward=TEN)
    good = event(aziza, "moon_landing", "good", details={"planet": "Moon"})
    undone = event(aziza, "moon_landing", "undone", details={"planet": "Moon"})
    strangers = replace(good, external_id="stranger", msisdn="998935550001")
    broken = replace(good, external_id="broken", details={})
    cancelled = event(aziza, cancellation_of("moon_landing"), "undone")
    assert brings(club, aziza, good, undone, cancelled, strangers, broken) == 0

    declared = EventType("moon_landing", fields={"planet": Field(str, is_required=True)})
    monkeypatch.setitem(event_types.EVENT_TYPES, "moon_landing", declared)
    # In a process that began with the declaration its field would be a fact.
    monkeypatch.setattr("club.accrual.taking.facts_in", lambda kind, details: {})
    assert kept.adopt(now=NOW) == 5
    club.decide()

    assert club.balance(aziza).spendable_points == 10
    states = dict(Outcome.objects.values_list("event__external_id", "state"))
    assert states == {
        "good": "decided", "undone": "decided", "stranger": "waiting", "broken": "failed",
    }  # fmt: skip
    assert Outcome.objects.get(state="failed").note.startswith("planet is missing")
    again = inbox.receive([good, broken], now=NOW)
    assert [one.verdict for one in again] == [Verdict.DUPLICATE, Verdict.REJECTED]
    assert kept.adopt(now=NOW) == 0


def test_an_older_version_is_read_by_the_former_name_of_a_field(
    club: Office, aziza: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared = EventType("survey", version=2, fields={"survey": Field(str, True, "code")})
    monkeypatch.setitem(event_types.EVENT_TYPES, "survey", declared)
    club.publish("nps", trigger=["survey"], when=leaf("survey", "nps"), reward=TEN)

    assert brings(club, aziza, event(aziza, "survey", details={"code": "nps", "version": 1})) == 10
    assert Event.objects.get().details == {"survey": "nps", "version": 1}


# ---- cancellations ---------------------------------------------------------------------------
def test_an_event_of_any_type_can_be_cancelled_before_and_after_it_is_decided(
    club: Office, aziza: Subscriber
) -> None:
    club.publish("purchases", trigger=["partner_purchase"], when=ANY)
    bought = event(
        aziza, "partner_purchase", "late", amount_tiyin=1_000_000, details={"partner": "coffee"}
    )
    returned = event(aziza, cancellation_of("partner_purchase"), "late", msisdn="")
    early = replace(returned, external_id="early")

    assert brings(club, aziza, bought, early) == 10
    assert brings(club, aziza, returned, replace(bought, external_id="early")) == -10
    assert set(Outcome.objects.values_list("state", flat=True)) == {"decided"}
    assert books.prove() == []


def test_a_cancellation_waits_for_an_event_of_the_type_that_it_cancels(
    club: Office, aziza: Subscriber
) -> None:
    """A payment and a charge of one external id are two things, and each is cancelled by its own."""
    club.publish("charges", trigger=["charge"], when=ANY)
    details: dict[str, object] = {"service": "usage"}
    charge = event(aziza, "charge", amount_tiyin=1_000_000, details=details)
    payment = event(aziza, "payment", amount_tiyin=2_000_000, channel="app")
    of_charge, of_payment = (
        event(aziza, cancellation_of(kind), msisdn="") for kind in ("charge", "payment")
    )

    assert brings(club, aziza, of_charge, payment) == 20
    assert brings(club, aziza, charge) == 0
    assert actions.adopt_waiting(now=club.now) == 0
    assert brings(club, aziza, of_payment) == -20
    assert Event.objects.filter(subscriber_id=aziza.id).count() == 4

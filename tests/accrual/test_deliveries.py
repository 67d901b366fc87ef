"""Duplicated, late, reordered and cancelled deliveries end in the same books."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from club.accrual import actions, inbox
from club.accrual.inbox import Incoming, Verdict
from club.accrual.models import Conflict, Decision, Event, EventState, Kind, Outcome
from club.clock import day_of
from club.ledger import actions as ledger
from club.ledger import queries as books
from club.subscribers.models import Subscriber
from tests.accrual.conftest import Office
from tests.builders import NOW
from tests.missing import tries

AMOUNTS_UZS = (5_000, 12_999, 80_000, 3_000, 700_000)
CANCELLED = (1, 4)
EXPECTED_POINTS = 5 + 80 + 3
THIRTY_IN_A_WEEK = {
    "kind": "fixed",
    "points": 30,
    "cap_per_event": 30,
    "confirm_after_days": 7,
}


def month_of(msisdn: str, *, name: str) -> list[Incoming]:
    """Five payments of one number within a month, two of them cancelled the next day."""
    payments = [
        Incoming(
            source="espp",
            kind=Kind.PAYMENT,
            external_id=f"{name}:{number}",
            msisdn=msisdn,
            occurred_at=NOW - timedelta(days=3 + 6 * number),
            amount_tiyin=amount_uzs * 100,
            channel="bank",
            details={},
        )
        for number, amount_uzs in enumerate(AMOUNTS_UZS)
    ]
    cancellations = [
        replace(
            payments[number],
            kind=Kind.CANCELLATION,
            occurred_at=payments[number].occurred_at + timedelta(days=1),
        )
        for number in CANCELLED
    ]
    return payments + cancellations


def settle(club: Office) -> None:
    """What the jobs of the next minute do."""
    club.decide()
    while actions.adopt_waiting(now=club.now, limit=100):
        club.decide()


deliveries = st.permutations(range(7)).flatmap(
    lambda order: st.tuples(
        st.just(order),
        st.lists(st.sampled_from(range(7)), max_size=6),  # delivered again, at the end
        st.sets(st.integers(0, 6), max_size=3),  # a decision job runs after these
        st.integers(0, 7),  # the subscriber appears before this one
    )
)


def test_any_order_of_deliveries_ends_in_the_same_books(club: Office) -> None:
    examples = iter(range(10_000))

    @settings(
        max_examples=tries(25, quick=8),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(deliveries)
    def deliver(case: tuple[list[int], list[int], set[int], int]) -> None:
        order, again, decided_after, appears_before = case
        number = next(examples)
        msisdn = f"99893{number:07}"
        events = month_of(msisdn, name=f"example-{number}")
        who: Subscriber | None = None

        for place, one in enumerate([*order, *again]):
            if place == appears_before:
                who = club.subscriber(msisdn=msisdn)
            inbox.receive([events[one]], now=club.now)
            if place in decided_after:
                club.decide()
        who = who or club.subscriber(msisdn=msisdn)
        settle(club)

        balance = club.balance(who)
        assert (balance.spendable_points, balance.arrears_points) == (EXPECTED_POINTS, 0)
        mine = Event.objects.filter(subscriber_id=who.id)
        assert {event.state for event in mine} == {EventState.DECIDED}
        assert mine.count() == len(events)
        decided = Decision.objects.filter(subscriber_id=who.id)
        assert sum(decided.values_list("granted", flat=True)) == EXPECTED_POINTS

    deliver()
    assert books.prove() == []


def test_a_payment_delivered_by_feed_and_by_register_brings_points_once(club: Office) -> None:
    aziza = club.subscriber()
    by_feed = month_of(aziza.msisdn, name="both")[0]
    by_register = replace(by_feed, occurred_at=by_feed.occurred_at + timedelta(seconds=40))

    receipts = inbox.receive([by_feed, by_register], now=club.now)
    club.decide()

    assert [receipt.verdict for receipt in receipts] == [Verdict.NEW, Verdict.DUPLICATE]
    assert club.balance(aziza).spendable_points == 5


def test_the_same_id_with_another_amount_is_kept_and_never_applied(club: Office) -> None:
    aziza = club.subscriber()
    first = month_of(aziza.msisdn, name="conflict")[0]
    other = replace(first, amount_tiyin=first.amount_tiyin * 10)

    receipts = inbox.receive([first, other], now=club.now) + inbox.receive([other], now=club.now)
    club.decide()

    assert [receipt.verdict for receipt in receipts] == [
        Verdict.NEW,
        Verdict.CONFLICTING,
        Verdict.CONFLICTING,
    ]
    assert club.balance(aziza).spendable_points == 5
    assert Conflict.objects.get().payload["amount_tiyin"] == other.amount_tiyin


def test_a_cancelled_payment_takes_its_points_back_even_when_they_are_spent(
    club: Office,
) -> None:
    aziza = club.subscriber()
    payment, *_ = events = month_of(aziza.msisdn, name="spent")
    inbox.receive([payment], now=club.now)
    club.decide()
    spend(club, aziza, points=4)

    inbox.receive([replace(events[-1], external_id=payment.external_id, amount_tiyin=0)], now=NOW)
    club.decide()

    balance = club.balance(aziza)
    assert (balance.spendable_points, balance.arrears_points) == (0, 4)
    assert club.earns(aziza, 10_000) == 6  # later points repay first
    assert books.prove() == []


def spend(club: Office, who: Subscriber, *, points: int) -> None:
    ledger.spend(
        subscriber_id=who.id,
        source=ledger.Source.ORDER,
        ref="test",
        day=day_of(club.now),
        points=points,
        fingerprint=b"0" * 16,
    )


def test_a_cancellation_that_names_another_amount_waits_for_a_person(club: Office) -> None:
    aziza = club.subscriber()
    payment = month_of(aziza.msisdn, name="misfit")[0]
    misfit = replace(payment, kind=Kind.CANCELLATION, amount_tiyin=payment.amount_tiyin - 1)
    early = replace(misfit, external_id="early")

    inbox.receive([payment, early], now=club.now)
    club.decide()
    inbox.receive([misfit, replace(payment, external_id="early")], now=club.now)
    club.decide()

    assert club.balance(aziza).spendable_points == 10
    assert set(Outcome.objects.exclude(state="decided").values_list("state", "note")) == {
        ("review", "names another number or amount than its payment")
    }


def test_a_cancellation_without_number_and_amount_finds_its_payment(club: Office) -> None:
    aziza = club.subscriber()
    payment = month_of(aziza.msisdn, name="silent")[0]
    silent = replace(payment, kind=Kind.CANCELLATION, msisdn="", amount_tiyin=0)

    inbox.receive([silent], now=club.now)
    club.decide()
    inbox.receive([payment], now=club.now)
    club.decide()

    assert club.balance(aziza).spendable_points == 0
    assert list(Decision.objects.values_list("wanted", "granted", "reason")) == [
        (5, 0, "cancelled")
    ]
    assert {(e.subscriber_id, e.state) for e in Event.objects.all()} == {(aziza.id, "decided")}


def test_a_payment_of_an_unknown_number_is_accrued_when_the_subscriber_appears(
    club: Office,
) -> None:
    receipt = club.pays("998991112233", 50_000)
    club.decide()
    assert Event.objects.get(pk=receipt.event_id).state == EventState.WAITING

    aziza = club.subscriber(msisdn="998991112233")
    assert actions.adopt_waiting(now=club.now, limit=10) == 1
    club.decide()

    assert club.balance(aziza).spendable_points == 50
    assert actions.adopt_waiting(now=club.now, limit=10) == 0


def test_a_promise_is_pending_and_a_cancellation_withdraws_it(club: Office) -> None:
    club.publish("later", reward=THIRTY_IN_A_WEEK)
    aziza = club.subscriber()

    club.earns(aziza, 5_000, external_id="kept")
    club.earns(aziza, 5_000, external_id="withdrawn")
    assert (club.balance(aziza).spendable_points, club.balance(aziza).pending_points) == (10, 60)
    cancel(club, aziza, "withdrawn")

    assert (club.balance(aziza).spendable_points, club.balance(aziza).pending_points) == (5, 30)
    assert set(
        Decision.objects.filter(granted__lt=0).values_list("rule_id", "granted", "reason")
    ) == {("everyday", -5, "reversed"), ("later", -30, "withdrawn")}


def test_a_promise_that_was_kept_is_reversed_by_its_cancellation(club: Office) -> None:
    club.publish("later", reward=THIRTY_IN_A_WEEK)
    aziza = club.subscriber()
    club.earns(aziza, 5_000, external_id="kept")
    assert ledger.keep_promises(now=club.later(days=8), limit=10) == 1
    assert club.balance(aziza).spendable_points == 35

    cancel(club, aziza, "kept")

    assert club.balance(aziza).spendable_points == 0
    assert books.prove() == []


def cancel(club: Office, who: Subscriber, external_id: str) -> None:
    inbox.receive(
        [Incoming("espp", Kind.CANCELLATION, external_id, who.msisdn, club.now, 0, "bank", {})],
        now=club.now,
    )
    club.decide()

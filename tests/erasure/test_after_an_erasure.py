"""What still comes for an erased person wakes nobody, and whoever has the number next is somebody else."""

from datetime import timedelta

import pytest

from club.accrual import actions as accrual
from club.accrual import inbox
from club.accrual.models import Conflict, Event
from club.clock import day_of
from club.erasure import actions as erasure
from club.ledger import actions as ledger
from club.ledger import queries as books
from club.ledger.rules import Source, fingerprint_of
from club.subscribers.models import Subscriber
from tests.erasure.person import ANYHOW, BIRTHDAY, NUMBER, TRACES, erase, found

pytestmark = pytest.mark.django_db


def test_the_same_payment_again_is_a_duplicate_and_nothing_of_it_is_kept(club, malika, officer):
    club.earns(malika, 500_000, external_id="p-1")
    erase(club, officer)

    again, other = (club.pays(NUMBER, sum_, external_id="p-1") for sum_ in (500_000, 700_000))

    assert (again.verdict, other.verdict) == ("duplicate", "duplicate")
    assert Conflict.objects.count() == 0
    assert found(ANYHOW) == []


def test_a_late_payment_of_the_number_wakes_nobody(club, malika, officer):
    club.earns(malika, 500_000)
    erase(club, officer)
    totals = books.totals()

    receipt = club.pays(NUMBER, 90_000, at=club.now - timedelta(hours=2))
    club.decide()
    accrual.adopt_waiting(now=club.now)

    assert Event.objects.get(pk=receipt.event_id).state == "waiting"
    assert books.totals() == totals
    erase(club, officer)  # sweeps it
    assert found(ANYHOW) == []


def test_whoever_gets_the_number_later_is_somebody_else_and_earns_from_then_on(
    club, malika, officer
):
    club.earns(malika, 500_000)
    erase(club, officer)
    late = club.pays(NUMBER, 90_000, at=club.now - timedelta(days=1))
    club.later(days=5)

    successor = club.subscriber(msisdn=NUMBER, joined_at=club.now)
    later = club.pays(NUMBER, 80_000, at=club.now - timedelta(days=5))
    accrual.adopt_waiting(now=club.now)
    club.decide()

    assert successor.id != malika.id
    assert club.balance(successor).spendable_points == 0
    assert {Event.objects.get(pk=one.event_id).state for one in (late, later)} == {"waiting"}
    assert club.earns(successor, 50_000) > 0
    assert club.balance(malika).spendable_points == 0
    assert books.prove() == []


def test_a_payment_cancelled_after_the_erasure_makes_no_debt(club, malika, officer):
    club.earns(malika, 500_000, external_id="p-1")
    erase(club, officer)

    cancels = inbox.Incoming("espp", "cancellation", "p-1", NUMBER, club.now, 0, "app", {})
    (receipt,) = inbox.receive([cancels], now=club.now)
    club.decide()

    event = Event.objects.get(pk=receipt.event_id)
    assert (event.state, event.note) == ("decided", "its subscriber was erased")
    assert club.balance(malika).arrears_points == 0
    assert found(ANYHOW) == []
    assert books.prove() == []


def test_an_event_that_was_under_way_during_the_erasure_brings_no_points(club, malika, officer):
    """It was received before and is committed after: the inbox still has the old id on it."""
    receipt = club.pays(malika, 90_000)
    Subscriber.objects.filter(id=malika.id).delete()

    club.decide()

    assert Event.objects.get(pk=receipt.event_id).state == "waiting"
    assert books.totals().accounts == 0 or books.totals().outstanding_points == 0


def test_numbers_that_were_merged_are_one_person(club, malika, officer):
    former = club.subscriber(birth_date=BIRTHDAY)
    club.earns(former, 500_000)
    points = club.balance(former).spendable_points + club.earns(malika, 100_000)
    ledger.merge(
        from_subscriber_id=former.id, to_subscriber_id=malika.id, source=Source.STAFF, ref="m",
        day=day_of(club.now),
    )  # fmt: skip
    late = club.earns(former, 50_000)

    erased = erasure.erase(msisdn=former.msisdn, by=officer, now=club.now)

    assert erased == erasure.Erased((malika.id, former.id), forfeited_points=points + late)
    assert found(*TRACES, former.msisdn) == []
    assert books.totals().outstanding_points == 0
    assert books.prove() == []


def test_what_reaches_an_erased_account_after_all_is_forfeited(club, malika, officer):
    erase(club, officer)
    day = day_of(club.now)
    for ref in ("late", "later"):
        late = ledger.Accrual(malika.id, ref, day, 30, day, 0, fingerprint_of(ref))
        ledger.post_many(source=Source.PARTNER, accruals=[late])

        assert erasure.forfeit_what_came_later(now=club.later(minutes=60), limit=10) == 1
        assert erasure.forfeit_what_came_later(now=club.later(minutes=60), limit=10) == 0

    assert books.totals().expired_points == 60
    assert books.totals().outstanding_points == 0
    assert books.prove() == []

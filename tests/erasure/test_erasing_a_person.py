"""Somebody is forgotten: nothing in the database tells of them, and the books balance as before."""

import pytest

from club.access.models import AuditLine
from club.accrual import inbox
from club.accrual.models import Event, Rejection
from club.clock import day_of
from club.erasure import actions as erasure
from club.ledger import actions as ledger
from club.ledger import queries as books
from club.ledger.rules import Kind, Source, fingerprint_of
from club.messages import outbox
from club.messages.models import Inbound
from club.signin import actions as signin
from club.signin.errors import SessionEnded
from club.signin.models import Family
from club.subscribers.models import Erasure, Subscriber
from tests.erasure.person import TRACES, erase, found, lives_a_full_life, stored

pytestmark = pytest.mark.django_db


def test_the_search_of_these_tests_finds_a_person_in_every_room(club, malika, officer):
    tokens = lives_a_full_life(club, malika, officer)
    tables = {place.split(":")[0] for place in found(*TRACES, stored(tokens))}
    assert tables >= {
        "access_auditline",
        "access_proposal",
        "accrual_conflict",
        "accrual_event",
        "accrual_outcome",
        "accrual_rejection",
        "club_messages_inbound",
        "club_messages_message",
        "orders_order",
        "signin_onetimecode",
        "signin_refreshtoken",
        "tiers_givenlevel",
        "subscribers_subscriber",
    }


def test_nothing_is_found_of_an_erased_person_in_any_column_of_any_table(club, malika, officer):
    tokens = lives_a_full_life(club, malika, officer)

    erased = erase(club, officer)

    assert erased.subscriber_ids == (malika.id,)
    assert found(*TRACES, stored(tokens)) == []
    assert not Subscriber.objects.filter(id=malika.id).exists()
    assert Erasure.objects.get().subscriber_id == malika.id


def test_the_books_balance_as_before_and_say_what_was_forfeited(club, malika, officer):
    other = club.subscriber()
    club.earns(other, 300_000)
    lives_a_full_life(club, malika, officer)
    before = books.totals()
    had = books.balance(subscriber_id=malika.id, day=day_of(club.now)).spendable_points
    assert had > 0

    assert erase(club, officer).forfeited_points == had

    after = books.totals()
    assert after.expired_points == before.expired_points + had
    assert after.outstanding_points == before.outstanding_points - had
    assert (after.issued_points, after.redeemed_points) == (
        before.issued_points, before.redeemed_points
    )  # fmt: skip
    lines = books.statement(subscriber_id=malika.id, limit=10).lines
    assert {line.kind for line in lines} == {Kind.ACCRUAL, Kind.FORFEIT}
    assert books.prove() == []


def test_erasing_again_is_harmless_and_erases_nobody_else(club, malika, officer):
    other = club.subscriber()
    club.earns(other, 300_000)
    erase(club, officer)
    totals = books.totals()

    assert erase(club, officer) == erasure.Erased(subscriber_ids=(), forfeited_points=0)

    assert books.totals() == totals
    assert AuditLine.objects.filter(action="subscriber.erased").count() == 1
    assert Event.objects.filter(subscriber_id=other.id).exclude(msisdn="").count() == 1
    assert books.prove() == []


def test_the_audit_keeps_each_act_and_who_did_it_but_not_the_person(club, malika, officer):
    lives_a_full_life(club, malika, officer)

    erase(club, officer)

    kept = AuditLine.objects.filter(by=officer).order_by("id")
    assert [(line.action, line.details) for line in kept] == [
        ("subscriber.called", {}),
        ("event.retried", {}),
        ("subscriber.erased", {}),
    ]


def test_their_sessions_end_and_their_messages_are_never_sent(club, malika, officer):
    tokens = lives_a_full_life(club, malika, officer)
    outbox.take(now=club.now, limit=1)  # the sender has one in hand at this very moment

    erase(club, officer)

    assert Family.objects.count() == 0
    with pytest.raises(SessionEnded):
        signin.refresh(token=tokens.refresh_token, now=club.now)
    assert outbox.take(now=club.now, limit=100) == []
    assert outbox.settle_interrupted(now=club.now) == 0
    assert Inbound.objects.count() == 0


def test_rejections_of_others_keep_their_text(club, malika, officer):
    inbox.reject(
        source="espp", code="bad", reason="of 998901112233", raw="998901112233", line=1,
        now=club.now,
    )  # fmt: skip
    erase(club, officer)
    assert Rejection.objects.get().raw == "998901112233"


def test_a_debt_dies_with_the_person(club, malika, officer):
    day = day_of(club.now)
    points = club.earns(malika, 500_000, external_id="p-1")
    ledger.spend(
        subscriber_id=malika.id, source=Source.ORDER, ref="s", day=day, points=points,
        fingerprint=fingerprint_of("s"),
    )  # fmt: skip
    inbox.receive(
        [inbox.Incoming("espp", "cancellation", "p-1", "", club.now, 0, "app", {})], now=club.now
    )
    club.decide()
    assert club.balance(malika).arrears_points == points

    erase(club, officer)

    assert club.balance(malika).arrears_points == 0
    assert books.prove() == []

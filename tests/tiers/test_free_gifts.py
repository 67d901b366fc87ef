"""What a level says of gifts without their fee, the books do."""

from datetime import date, timedelta
from threading import Barrier, Thread

import pytest
from click.testing import CliRunner
from django.db import connection

from club.engagement import gifts
from club.engagement.transfer_cli import command
from club.ledger import actions as ledger
from club.ledger import queries as books
from club.ledger.rules import Accrual, Source
from club.subscribers.models import Subscriber
from club.tiers import actions as tiers
from club.tiers import schemes
from club.tiers.scheme_files import Benefits
from tests.builders import Club
from tests.tiers.ladders import scheme


@pytest.fixture(autouse=True)
def a_fee(settings) -> None:
    settings.TRANSFERS = settings.TRANSFERS | {"fee_fixed_points": 10, "min_age_days": 0}


def open_club() -> Club:
    """With a scheme whose second level sends one gift a month for nothing."""
    club = Club().open()
    document = scheme("year", 100)
    document["tiers"][1]["benefits"]["free_transfers_per_month"] = 1
    schemes.put_in_force(document, club.now)
    return club


def somebody(club: Club, points: int) -> Subscriber:
    who, day = club.subscriber(), date(2026, 11, 1)
    accrual = Accrual(who.id, f"to:{who.id}", day, points, day + timedelta(900), 0, b"x" * 16)
    ledger.post_many(source=Source.STAFF, accruals=[accrual])
    tiers.recompute(now=club.now)
    return who


def sends(club: Club, who: Subscriber, to: Subscriber, ref: str) -> int:
    """Ten points; answers what they cost."""
    before = club.balance(who).spendable_points
    gifts.send(
        subscriber_id=who.id,
        to_subscriber_id=to.id,
        points=10,
        source=Source.STAFF,
        ref=ref,
        now=club.now,
    )
    return before - club.balance(who).spendable_points


@pytest.mark.django_db
def test_a_level_sends_its_free_gifts_first_and_then_pays_the_fee() -> None:
    club = open_club()
    high, low = somebody(club, 100), somebody(club, 99)

    assert [sends(club, high, low, f"g{n}") for n in range(3)] == [10, 20, 20]
    assert sends(club, high, low, "g0") == 0, "a repeated one moves nothing"
    assert sends(club, low, high, "g0") == 20
    club.later(days=30)
    assert sends(club, high, low, "of the next month") == 10
    assert books.prove() == []


@pytest.mark.django_db
def test_how_many_are_left_is_told_until_one_costs_a_fee() -> None:
    club = open_club()
    high, low = somebody(club, 100), somebody(club, 100)
    benefits = Benefits(discount_percent=0, free_transfers_per_month=2)

    def left(who: Subscriber) -> int:
        sent = gifts.sent_this_month(subscriber_id=who.id, now=club.now)
        return gifts.free_left(benefits, sent=sent)

    told = [left(high)]
    for number in range(3):
        sends(club, high, low, f"g{number}")
        told.append(left(high))

    assert (told, left(low)) == ([2, 1, 0, 0], 2)
    club.later(days=30)
    assert left(high) == 2, "the next month has its own"


@pytest.mark.django_db
def test_the_command_sends_on_the_terms_of_the_senders_level() -> None:
    club = open_club()
    high, low = somebody(club, 100), somebody(club, 99)

    told = [
        CliRunner().invoke(command, [str(who.id), str(to.id), "10", "--ref", "r"]).stdout
        for who, to in ((high, low), (low, high))
    ]

    assert told == ["sent; 90 points left\n", "sent; 89 points left\n"]


@pytest.mark.django_db(transaction=True)
def test_of_two_gifts_at_once_only_one_is_the_free_one() -> None:
    club = open_club()
    high, low = somebody(club, 100), somebody(club, 99)
    ready = Barrier(2)

    def send(ref: str) -> None:
        ready.wait(timeout=10)
        sends(club, high, low, ref)
        connection.close()

    both = [Thread(target=send, args=[ref]) for ref in ("a", "b")]
    for one in both:
        one.start()
    for one in both:
        one.join(timeout=30)

    assert club.balance(high).spendable_points == 100 - 10 - 20

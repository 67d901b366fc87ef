"""Levels: by points earned, kept with their history, given once."""

from datetime import timedelta
from threading import Thread

import pytest
from django.db import connection

from club.clock import day_of
from club.ledger import actions as ledger
from club.ledger.rules import Accrual, Source
from club.subscribers.models import Subscriber
from club.tiers import actions as tiers
from club.tiers import queries
from club.tiers.models import Scheme, Standing, Tier
from tests.builders import Club

SILVER, GOLD = 1_500, 5_000  # as the demo programme has them


@pytest.fixture
def club(db: None) -> Club:
    club = Club().open()
    Tier.objects.filter(scheme="years").delete()  # the demo's other ladder
    Scheme.objects.filter(code="years").delete()
    return club


def earns(club: Club, who: Subscriber, points: int, *, days_ago: int = 0) -> None:
    day = day_of(club.now) - timedelta(days=days_ago)
    accrual = Accrual(
        subscriber_id=who.id,
        ref=f"test:{points}:{days_ago}",
        occurred_on=day,
        points=points,
        expires_on=day + timedelta(days=365),
        fund=0,
        fingerprint=b"of this very test",
    )
    ledger.post_many(source=Source.STAFF, accruals=[accrual])


def reconsider(club: Club, *who: Subscriber) -> int:
    return tiers.reconsider(subscriber_ids=[one.id for one in who], now=club.now).risen


def level(who: Subscriber) -> str:
    return queries.tier_of(subscriber_id=who.id, base="bronze").code


def test_whoever_earned_enough_rises_and_only_once(club: Club):
    aziza, botir, gulnora = club.subscriber(), club.subscriber(), club.subscriber()
    earns(club, aziza, SILVER)
    earns(club, botir, GOLD)
    earns(club, gulnora, SILVER - 1)

    assert reconsider(club, aziza, botir, gulnora) == 2
    assert [level(who) for who in (aziza, botir, gulnora)] == ["silver", "gold", "bronze"]
    assert reconsider(club, aziza, botir, gulnora) == 0
    assert Standing.objects.count() == 2


def test_a_higher_level_closes_the_lower_one_and_keeps_it(club: Club):
    aziza = club.subscriber()
    earns(club, aziza, SILVER)
    reconsider(club, aziza)
    silver_since = club.now
    club.later(days=10)
    earns(club, aziza, GOLD)
    reconsider(club, aziza)

    assert level(aziza) == "gold"
    silver, gold = Standing.objects.order_by("since")
    assert (silver.since, silver.until, silver.measured) == (silver_since, club.now, SILVER)
    assert (gold.since, gold.until, gold.measured) == (club.now, None, SILVER + GOLD)


def test_spending_does_not_demote(club: Club):
    aziza = club.subscriber()
    earns(club, aziza, SILVER)
    ledger.spend(
        subscriber_id=aziza.id,
        source=Source.ORDER,
        ref="everything",
        day=day_of(club.now),
        points=SILVER,
        fingerprint=b"of this very test",
    )

    assert reconsider(club, aziza) == 1
    assert level(aziza) == "silver"


def test_points_from_before_the_window_do_not_count(club: Club):
    """Twelve months are this one and the eleven before; what the last one had is kept until the next."""
    aziza = club.subscriber()
    earns(club, aziza, SILVER, days_ago=400)

    assert reconsider(club, aziza) == 0
    assert level(aziza) == "bronze"


def test_an_event_is_judged_by_the_level_of_its_own_time(club: Club):
    aziza, botir = club.subscriber(), club.subscriber()
    earns(club, aziza, SILVER)
    reconsider(club, aziza)
    before, at, after = (club.now + timedelta(seconds=s) for s in (-1, 0, 1))

    assert queries.tiers_at(
        [(aziza.id, before), (aziza.id, at), (aziza.id, after), (botir.id, at)], base="bronze"
    ) == {
        (aziza.id, at): "silver",
        (aziza.id, after): "silver",
    }


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_give_one_level():
    club = Club().open()
    everybody = [club.subscriber() for _ in range(20)]
    for who in everybody:
        earns(club, who, GOLD)

    def run() -> None:
        try:
            reconsider(club, *everybody)
        finally:
            connection.close()

    threads = [Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    standings = Standing.objects.filter(scheme="club")
    assert standings.filter(until=None).count() == len(everybody) == standings.count()

"""Clawbacks, cancellations and workers at the same moment, on real connections and real locks."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import sleep

import pytest
from django.db import connection, transaction

from club.accrual.clawback import working
from club.accrual.models import Clawback, Clawed, Decision
from tests.accrual.clawing import Story, assert_books_hold
from tests.accrual.conftest import Office


@pytest.fixture
def story(club: Office) -> Story:
    return Story(club)


@pytest.mark.django_db(transaction=True)
def test_a_cancellation_that_waits_for_the_clawback_finds_the_points_gone(story: Story) -> None:
    who = story.club.subscriber()
    paid = story.pays(who)
    story.club.later(minutes=1)
    story.approves(story.asks())
    clawback = Clawback.objects.get()
    story.sends_cancellation(who, paid)

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            working.work(clawback_id=clawback.pk, now=story.club.now)
            batch = pool.submit(on_own_connection, story.club.decide)
            wait_until_somebody_waits()
        batch.result(timeout=20)

    assert story.has(who) == (0, 0)
    assert Decision.objects.get(subscriber_id=who.pk, reason="clawed").granted == 0
    assert_books_hold()


@pytest.mark.django_db(transaction=True)
def test_a_clawback_that_waits_for_a_cancellation_spares_its_payment(story: Story) -> None:
    who = story.club.subscriber()
    paid = story.pays(who)
    story.club.later(minutes=1)
    story.approves(story.asks())
    clawback = Clawback.objects.get()
    story.sends_cancellation(who, paid)

    def works() -> None:
        working.work(clawback_id=clawback.pk, now=story.club.now)

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            story.club.decide()
            slice_ = pool.submit(on_own_connection, works)
            wait_until_somebody_waits()
        slice_.result(timeout=20)

    assert story.has(who) == (0, 0)
    assert Clawed.objects.get().note == "cancelled"
    assert_books_hold()


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_one_clawback_take_everything_once(story: Story) -> None:
    crowd = [story.club.subscriber() for _ in range(30)]
    for who in crowd:
        story.pays(who)
    story.club.later(minutes=1)
    story.approves(story.asks())
    clawback = Clawback.objects.get()

    with ThreadPoolExecutor(2) as pool:
        for one in [pool.submit(on_own_connection, lambda: story.works(clawback)) for _ in "ab"]:
            one.result(timeout=60)

    clawback.refresh_from_db()
    assert (clawback.state, clawback.taken_points, clawback.lines_done) == ("taken", 3_000, 30)
    assert {story.has(who) for who in crowd} == {(0, 0)}
    assert_books_hold()


def wait_until_somebody_waits() -> None:
    """Until another connection stands at a lock of ours."""
    for _ in range(200):
        with connection.cursor() as cursor:
            cursor.execute("select count(*) from pg_locks where not granted")
            if cursor.fetchone() != (0,):
                return
        sleep(0.05)
    raise AssertionError("nobody waits")


def on_own_connection(deed: Callable[[], None]) -> None:
    try:
        deed()
    finally:
        connection.close()

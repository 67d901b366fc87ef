"""Every writing address, many times at once: real threads, real transactions."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection
from django.utils import timezone

from club.messages.models import Message
from club.orders.models import Order
from club.signin import actions as signin
from club.signin.models import Family

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 6


def at_once(deed):
    """How often each status was answered when six threads start together."""
    start = Barrier(THREADS)

    def run():
        try:
            start.wait()
            return deed().status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        return Counter(future.result() for future in [pool.submit(run) for _ in range(THREADS)])


def test_one_order_sent_at_once_is_one_order(aziza):
    before = aziza.spendable()

    assert at_once(lambda: aziza.orders("sms-100", 200)) == {201: 1, 200: THREADS - 1}

    assert Order.objects.count() == 1
    assert aziza.spendable() == before - 200


def test_different_orders_at_once_never_spend_a_point_twice(aziza):
    before = aziza.spendable()
    keys = iter(f"key-0000000{n}" for n in range(THREADS))
    affordable = before // 900
    assert 1 <= affordable < THREADS

    answers = at_once(lambda: aziza.orders("internet-5gb", 900, key=next(keys)))

    assert answers == {201: affordable, 409: THREADS - affordable}
    assert aziza.spendable() == before - affordable * 900
    assert aziza.held() == affordable * 900


def test_a_code_entered_at_once_signs_in_once(stranger, club, newest_code):
    msisdn = club.subscriber().msisdn
    signin.request_code(msisdn=msisdn, address="192.0.2.7", language=None, now=timezone.now())
    body = {"grant": "otp", "msisdn": msisdn, "code": newest_code(msisdn)}

    assert at_once(lambda: stranger.post("/auth/token", body)) == {200: 1, 401: THREADS - 1}
    assert Family.objects.count() == 1


def test_codes_asked_for_at_once_stay_within_the_limit(stranger, club, settings):
    settings.SIGNIN_CODES_PER_MSISDN = "3/86400"
    body = {"msisdn": club.subscriber().msisdn}

    assert at_once(lambda: stranger.post("/auth/otp", body)) == {202: 3, 429: THREADS - 3}
    assert Message.objects.filter(template="otp").count() == 3


def test_a_refresh_at_once_gives_everyone_an_answer_and_one_living_token(aziza):
    body = {"grant": "refresh", "refresh_token": aziza.tokens.refresh_token}

    assert at_once(lambda: aziza.post("/auth/token", body)) == {200: THREADS}
    family = Family.objects.get()
    assert family.revoked_at is None
    assert family.tokens.filter(used_at=None, replaced_at=None).count() == 1


def test_a_language_chosen_and_a_session_ended_at_once_are_done_once(aziza):
    chosen = at_once(lambda: aziza.asks("PATCH", "/me", {"language": "en"}))
    assert chosen == {200: THREADS}

    assert at_once(lambda: aziza.asks("DELETE", "/auth/session")) == {204: THREADS}
    assert Family.objects.get().revoked_at is not None

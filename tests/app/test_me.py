from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from club.clock import day_of
from club.ledger import actions as ledger
from club.ledger import queries as books
from club.ledger.rules import Accrual, Source
from club.subscribers.models import Subscriber

ACCEPT = {"uz": "uz", "uz-cyrl": "uz-Cyrl", "ru": "ru", "kaa": "kaa", "en": "en"}


def grant(who, points, *, expires_on, fund=0):
    """Points that come from nowhere in particular."""
    today = day_of(timezone.now())
    ref = f"test:{points}:{expires_on}:{fund}"
    ledger.post_many(
        source=Source.IMPORT,
        accruals=[Accrual(who.id, ref, today, points, expires_on, fund, ref.encode().ljust(16))],
    )


def test_the_balance_is_that_of_the_books_with_its_worth(aziza):
    me = aziza.get("/me", accept_language="uz").data

    balance = books.balance(subscriber_id=aziza.who.id, day=day_of(timezone.now()))
    assert balance.spendable_points > 0
    assert me["spendable_points"] == balance.spendable_points
    assert me["held_points"] == balance.held_points
    assert me["pending_points"] == balance.pending_points
    assert me["arrears_points"] == balance.arrears_points
    assert me["worth"]["tiyin"] == balance.spendable_points * 200
    assert me["worth"]["text"].endswith("soʻm")


def test_the_number_is_masked_and_the_time_is_the_servers(bobur):
    me = bobur.get("/me").data

    assert me["msisdn"].startswith("+998 91 •")
    assert me["msisdn"][-2:] == bobur.who.msisdn[-2:]
    assert bobur.who.msisdn[5:10] not in me["msisdn"]
    assert abs(parse_datetime(me["as_of"]) - timezone.now()) < timedelta(minutes=1)


def test_somebody_without_points_sees_zeroes_and_the_base_level(bobur):
    me = bobur.get("/me", accept_language="en").data

    assert me["spendable_points"] == 0
    assert me["expiring"] == []
    assert me["tier"] == {"code": "bronze", "name": "Bronze", "rank": 0}


def test_what_expires_when_is_told_by_date_and_sums_the_purses(bobur):
    today = day_of(timezone.now())
    soon, later = today + timedelta(days=8), today + timedelta(days=40)
    grant(bobur.who, 300, expires_on=later)
    grant(bobur.who, 20, expires_on=soon)
    grant(bobur.who, 5, expires_on=soon, fund=7)

    me = bobur.get("/me").data

    assert me["expiring"] == [
        {"expires_on": soon.isoformat(), "points": 25},
        {"expires_on": later.isoformat(), "points": 300},
    ]
    assert me["spendable_points"] == 325


def test_one_date_of_expiry_is_told_as_well(bobur):
    on = day_of(timezone.now()) + timedelta(days=3)
    grant(bobur.who, 20, expires_on=on)

    assert bobur.get("/me").data["expiring"] == [{"expires_on": on.isoformat(), "points": 20}]


@pytest.mark.parametrize(("dates", "queries"), [(0, 2), (1, 2), (2, 3), (30, 3)])
def test_the_first_screen_costs_three_queries_at_most(bobur, dates, queries):
    today = day_of(timezone.now())
    for number in range(1, dates + 1):
        grant(bobur.who, number, expires_on=today + timedelta(days=number))

    with CaptureQueriesContext(connection) as captured:
        me = bobur.get("/me", accept_language="ru")

    assert me.status_code == 200
    assert len(captured) == queries
    assert len(me.data["expiring"]) == min(dates, 24)


@pytest.mark.parametrize(
    ("language", "silver", "money"),
    [
        ("uz", "Bronza", "soʻm"),
        ("uz-cyrl", "Бронза", "сўм"),
        ("ru", "Бронза", "сум"),
        ("kaa", "Bronza", "swm"),
        ("en", "Bronze", "UZS"),
    ],
)
def test_every_language_has_its_words(bobur, language, silver, money):
    answer = bobur.get("/me", accept_language=ACCEPT[language])

    assert answer["Content-Language"] == language
    assert answer.data["tier"]["name"] == silver
    assert answer.data["worth"]["text"].endswith(money)


def test_without_a_wish_the_subscribers_own_language_is_spoken(aziza, bobur):
    assert aziza.get("/me").data["worth"]["text"].endswith("swm")
    assert bobur.get("/me").data["worth"]["text"].endswith("сум")
    assert bobur.get("/me", accept_language="de, *").data["worth"]["text"].endswith("сум")


def test_the_language_can_be_chosen_and_counts_at_once(aziza):
    answers = [aziza.asks("PATCH", "/me", {"language": "uz-cyrl"}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].data["language"] == "uz-cyrl"
    assert aziza.get("/me").data["worth"]["text"].endswith("сўм")
    assert Subscriber.objects.get(id=aziza.who.id).language == "uz-cyrl"


@pytest.mark.parametrize("body", [{"language": "de"}, {"language": None}, {}, {"msisdn": "1"}])
def test_nothing_else_can_be_changed(aziza, body):
    answer = aziza.asks("PATCH", "/me", body or {"x": 1})

    assert answer.status_code == 422
    assert Subscriber.objects.get(id=aziza.who.id).language == "kaa"


def test_a_subscriber_who_is_gone_is_signed_out(aziza):
    Subscriber.objects.filter(id=aziza.who.id).delete()

    assert aziza.get("/me").data["code"] == "session_ended"


def test_a_personal_answer_is_kept_by_nobody(aziza):
    answer = aziza.get("/me")

    assert answer["Cache-Control"] == "no-store"
    assert {"Authorization", "Accept-Language"} <= set(answer["Vary"].split(", "))
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert not [name for name in answer.headers if name.startswith("Access-Control")]

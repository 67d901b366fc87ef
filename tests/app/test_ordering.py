"""Buying over HTTP: what is refused moves nothing, what is repeated happens once."""

from uuid import uuid4

import pytest
from django.utils import timezone

from club.catalogue.models import Reward
from club.orders import actions as orders
from club.orders.models import Order
from club.outcomes import Done, Refused, Unknown, Waiting


def test_an_order_holds_its_points_until_it_is_settled(aziza):
    before = aziza.spendable()

    placed = aziza.orders("sms-100", 200)

    assert placed.status_code == 201
    assert placed.data["state"] == "placed"
    assert placed.data["is_final"] is False
    assert placed.data["price_points"] == 200
    assert aziza.spendable() == before - 200
    assert aziza.get("/me").data["held_points"] == 200


def test_the_same_key_again_answers_the_same_order(aziza):
    first, again = aziza.orders("sms-100", 200), aziza.orders("sms-100", 200)

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.data == again.data
    assert aziza.held() == 200


@pytest.mark.parametrize(("reward", "points"), [("internet-1gb", 300), ("sms-100", 201)])
def test_the_same_key_for_something_else_is_refused(aziza, reward, points):
    aziza.orders("sms-100", 200)

    answer = aziza.orders(reward, points)

    assert (answer.status_code, answer.data["code"]) == (409, "idempotency_key_reused")
    assert aziza.held() == 200


def test_an_order_without_a_key_is_refused(aziza):
    answer = aziza.post("/orders", {"reward": "sms-100", "points": 200})

    assert (answer.status_code, answer.data["code"]) == (400, "idempotency_key_missing")
    assert not Order.objects.exists()


@pytest.mark.parametrize("key", ["short", "x" * 81, "with a space", "ключ-ключ"])
def test_a_key_has_its_form(aziza, key):
    answer = aziza.orders("sms-100", 200, key=key)

    assert answer.data["code"] == "validation_failed"
    assert answer.data["errors"][0]["field"] == "Idempotency-Key"
    assert not Order.objects.exists()


def test_a_reward_that_is_not_on_sale_cannot_be_bought(aziza):
    Reward.objects.filter(code="sms-100").update(valid_to=timezone.now())

    for reward in ("sms-100", "somebody-elses"):
        answer = aziza.orders(reward, 200)
        assert (answer.status_code, answer.data["code"]) == (404, "reward_unavailable")
    assert aziza.held() == 0
    assert not Order.objects.exists()


def test_above_the_balance_the_answer_says_what_is_missing(bobur, club):
    spendable = club.earns(bobur.who, 100_000)

    answer = bobur.orders("internet-20gb", 2_800)

    assert (answer.status_code, answer.data["code"]) == (409, "not_enough_points")
    assert answer.data["available_points"] == spendable
    assert answer.data["missing_points"] == 2_800 - spendable
    assert (bobur.spendable(), bobur.held()) == (spendable, 0)
    assert not Order.objects.exists()


def test_after_a_refusal_the_same_key_may_be_tried_again(bobur, club):
    assert bobur.orders("sms-100", 200).status_code == 409
    club.earns(bobur.who, 1_000_000)

    assert bobur.orders("sms-100", 200).status_code == 201


def test_another_price_than_the_shown_one_is_never_charged(aziza):
    Reward.objects.filter(code="sms-100").update(price_points=250)

    answer = aziza.orders("sms-100", 200)

    assert (answer.status_code, answer.data["code"]) == (409, "price_changed")
    assert answer.data["price_points"] == 250
    assert aziza.held() == 0


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"reward": "sms-100"},
        {"reward": "", "points": 200},
        {"reward": "sms-100", "points": 0},
        {"reward": "sms-100", "points": -200},
        {"reward": "sms-100", "points": 200.5},
        {"reward": "sms-100", "points": 10**30},
        {"reward": "sms-100", "points": 200, "subscriber_id": 1},
        {"reward": "\x00", "points": 200},
        [],
    ],
)
def test_a_body_that_makes_no_sense_orders_nothing(aziza, body):
    answer = aziza.asks("POST", "/orders", body or {"x": 1}, idempotency_key="key-00000001")

    assert answer.status_code == 422
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    ("outcome", "state", "is_final", "moved"),
    [
        (Done("switched on"), "done", True, 200),
        (Refused("not_allowed", "no"), "refused", True, 0),
        (Waiting(), "waiting", False, 200),
        (Unknown("no answer"), "unknown", False, 200),
    ],
)
@pytest.mark.django_db(transaction=True)
def test_each_ending_is_told_in_words(aziza, outcome, state, is_final, moved):
    before = aziza.spendable()
    order_id = aziza.orders("sms-100", 200).data["id"]
    with_the_operator(order_id, outcome)

    told = aziza.get(f"/orders/{order_id}", accept_language="ru").data

    assert (told["state"], told["is_final"]) == (state, is_final)
    assert told["state_text"].strip()
    assert (told["settled_at"] is not None) == is_final
    assert aziza.spendable() == before - moved


def with_the_operator(order_id, outcome):
    """The order was sent, and this came of it."""
    now = timezone.now()
    Order.objects.filter(id=order_id).update(state="sending", sent_at=now, attempts=1)
    orders.settle(order_id=order_id, outcome=outcome, now=now)


def test_the_list_is_newest_first_and_pages_by_the_last_order_seen(aziza):
    ids = [aziza.orders("sms-100", 200, key=f"key-0000000{n}").data["id"] for n in range(5)]

    first = aziza.get("/orders?limit=2").data
    second = aziza.get(f"/orders?limit=2&before={first['next']}").data
    third = aziza.get(f"/orders?limit=2&before={second['next']}").data

    assert [o["id"] for page in (first, second, third) for o in page["items"]] == ids[::-1]
    assert third["next"] is None


def test_a_lost_answer_is_found_by_its_key(aziza):
    placed = aziza.orders("sms-100", 200).data

    assert aziza.get("/orders?idempotency_key=key-00000001").data["items"] == [placed]
    assert aziza.get("/orders?idempotency_key=key-00000002").data["items"] == []


def test_nobody_reaches_the_orders_of_another(aziza, bobur):
    order_id = aziza.orders("sms-100", 200).data["id"]

    for path in (f"/orders/{order_id}", f"/orders?before={order_id}", f"/orders/{uuid4()}"):
        answer = bobur.get(path)
        assert (answer.status_code, answer.data["code"]) == (404, "order_not_found")
    assert bobur.get("/orders").data["items"] == []
    assert bobur.get("/orders?idempotency_key=key-00000001").data["items"] == []


def test_the_same_key_belongs_to_each_subscriber_alone(aziza, bobur, club):
    club.earns(bobur.who, 1_000_000)

    assert aziza.orders("sms-100", 200).status_code == 201
    assert bobur.orders("sms-100", 200).status_code == 201


def test_a_subscriber_writes_only_so_often(aziza, settings):
    settings.API_WRITES_PER_SUBSCRIBER = "2/86400"

    codes = [aziza.orders("sms-100", 200).status_code for _ in range(3)]

    assert codes == [201, 200, 429]
    assert aziza.get("/me").status_code == 200


def test_a_blocked_subscriber_buys_nothing(aziza):
    aziza.who.status = "suspended"
    aziza.who.save()

    assert aziza.orders("sms-100", 200).data["code"] == "session_ended"
    assert aziza.held() == 0

"""What a subscriber, the books and the other side see of an order, from first to last."""

from datetime import date, timedelta

import pytest
from django.db import connection

from club.catalogue.models import Reward
from club.catalogue.queries import RewardUnavailable
from club.clock import day_of
from club.ledger import actions as ledger
from club.ledger import queries as books
from club.ledger.errors import NotEnoughPoints
from club.orders import actions as orders
from club.orders import queries
from club.orders.errors import BadKey, KeyReused, OrderNotFound, PriceChanged
from club.orders.models import Order
from club.outcomes import Done, Refused, Unknown, Waiting
from tests.orders.scripted import Killed
from tests.orders.shop import NOON, Shop

NOT_SENT = Refused("not_sent", "ConnectError", is_for_now=True)
NEVER_SEEN = Refused("unknown_request")


def test_a_delivered_order_is_paid_and_told(shop: Shop):
    who = shop.subscriber(language="kaa")
    order = shop.places(who)
    assert shop.points(who) == (500, 500)
    shop.provisioning.will_answer(Done("on"))

    shop.works()

    assert shop.provisioning.sent == [("SOC_MINUTES", who.msisdn, str(order.id))]
    assert shop.state(order) == "done"
    assert (order.sent_at, order.settled_at, order.overdue_at) == (NOON, NOON, None)
    assert shop.points(who) == (500, 0)
    assert shop.told(who) == ["order_done: minutes kaa, 500"]


def test_a_refused_order_gives_the_points_back_and_says_why(shop: Shop):
    who = shop.subscriber()
    order = shop.places(who)
    shop.provisioning.will_answer(Refused("SUBS-404", "Абонент топилмади"))

    shop.works()

    assert shop.state(order) == "refused"
    assert (order.outcome_code, order.outcome_text) == ("SUBS-404", "Абонент топилмади")
    assert shop.points(who) == (1000, 0)
    assert shop.told(who) == ["order_refused: minutes uz, 500"]


def test_an_accepted_order_is_asked_about_until_it_is_done(shop: Shop):
    who = shop.subscriber()
    order = shop.places(who)
    shop.provisioning.will_answer(Waiting(), Waiting(), Done("on"))

    shop.works()
    assert shop.state(order) == "waiting"
    assert shop.points(who) == (500, 500)
    shop.later(seconds=3)

    assert shop.state(order) == "done"
    assert len(shop.provisioning.sent) == 1
    assert len(shop.provisioning.asked) == 2
    assert shop.points(who) == (500, 0)


def test_an_order_accepted_first_and_refused_later_costs_nothing(shop: Shop):
    who = shop.subscriber()
    order = shop.places(who)
    shop.provisioning.will_answer(Waiting(), Refused("SOC-422"))

    shop.later(seconds=1)

    assert shop.state(order) == "refused"
    assert shop.points(who) == (1000, 0)


def test_a_timeout_after_sending_never_sends_twice_and_ends_as_done(shop: Shop):
    who = shop.subscriber()
    order = shop.places(who)
    shop.provisioning.will_answer(Unknown("no answer"), Unknown("no answer"), Done("on"))

    shop.works()
    assert shop.state(order) == "unknown"
    assert shop.points(who) == (500, 500)
    assert shop.told(who) == []
    shop.later(seconds=35)

    assert shop.state(order) == "done"
    assert len(shop.provisioning.sent) == 1
    assert shop.provisioning.asked == [str(order.id)] * 2
    assert shop.points(who) == (500, 0)


def test_an_order_that_never_arrived_is_refused_once_it_cannot_arrive_any_more(shop: Shop):
    who = shop.subscriber()
    order = shop.places(who)
    shop.provisioning.will_answer(Unknown("no answer"), NEVER_SEEN, NEVER_SEEN, NEVER_SEEN)

    shop.later(seconds=35)
    assert shop.state(order) == "unknown"
    assert shop.points(who) == (500, 500)
    shop.later(minutes=5)

    assert shop.state(order) == "refused"
    assert order.outcome_code == "unknown_request"
    assert len(shop.provisioning.sent) == 1
    assert shop.points(who) == (1000, 0)


def test_a_request_that_was_only_late_is_paid_when_it_arrives(shop: Shop):
    who = shop.subscriber()
    order = shop.places(who)
    shop.provisioning.will_answer(Unknown("no answer"), NEVER_SEEN, Done("on"))

    shop.later(seconds=35)

    assert shop.state(order) == "done"
    assert shop.points(who) == (500, 0)


def test_an_accepted_request_that_is_forgotten_stays_open_for_the_desk(shop: Shop):
    who = shop.subscriber()
    order = shop.places(who)
    shop.provisioning.will_answer(Waiting(), *[NEVER_SEEN] * 50)

    shop.later(hours=25)

    assert shop.state(order) == "waiting"
    assert shop.points(who) == (500, 500)
    assert list(queries.at_desk(now=shop.now)) == [order]


def test_while_the_status_cannot_be_asked_nothing_is_decided(shop: Shop):
    who = shop.subscriber()
    order = shop.places(who)
    shop.provisioning.will_answer(Unknown("no answer"), *[NOT_SENT] * 4)

    shop.later(minutes=90)

    assert shop.state(order) == "unknown"
    assert shop.points(who) == (500, 500)


def test_an_order_is_sent_again_only_when_not_a_byte_had_left(shop: Shop):
    who = shop.subscriber()
    order = shop.places(who)
    shop.provisioning.will_answer(NOT_SENT, NOT_SENT, Done("on"))

    shop.works()
    assert shop.state(order) == "placed"
    shop.later(seconds=70)

    assert shop.state(order) == "done"
    assert order.attempts == 3
    assert shop.points(who) == (500, 0)


def test_an_order_that_can_never_be_sent_is_refused_after_six_attempts(shop: Shop):
    who = shop.subscriber()
    order = shop.places(who)
    shop.provisioning.will_answer(*[NOT_SENT] * 6)

    shop.later(hours=3)

    assert shop.state(order) == "refused"
    assert len(shop.provisioning.sent) == 6
    assert shop.points(who) == (1000, 0)


def test_an_unknown_order_keeps_its_points_for_weeks_and_is_at_the_desk(shop: Shop):
    who = shop.subscriber()
    order = shop.places(who)
    shop.provisioning.will_answer(*[Unknown("no answer")] * 90)

    shop.later(hours=23)
    assert list(queries.at_desk(now=shop.now)) == []
    for _ in range(45):
        shop.later(days=1)
        orders.sweep(now=shop.now)
        ledger.release_expired_holds(now=shop.now, day=day_of(shop.now), limit=10)

    assert shop.state(order) == "unknown"
    assert shop.points(who) == (500, 500)
    assert list(queries.at_desk(now=shop.now)) == [order]
    assert len(shop.provisioning.sent) == 1


@pytest.mark.parametrize(
    ("outcome", "state", "points"), [(Done("on"), "done", 500), (Refused("no"), "refused", 1000)]
)
def test_an_order_of_unknown_outcome_survives_any_sweep_even_when_nobody_asks_for_a_year(
    shop: Shop, outcome: Done[str] | Refused, state: str, points: int
):
    who = shop.subscriber()
    order = shop.places(who)
    shop.provisioning.will_answer(Unknown("no answer"))
    shop.works()
    shop.now += timedelta(days=365)

    assert ledger.release_expired_holds(now=shop.now, day=day_of(shop.now), limit=10) == 0
    assert shop.points(who) == (500, 500)
    orders.settle(order_id=order.id, outcome=outcome, now=shop.now)

    assert shop.state(order) == state
    assert shop.points(who) == (points, 0)
    assert books.prove() == []


def test_the_points_are_pinned_before_the_call_leaves(shop: Shop):
    who = shop.subscriber()
    order = shop.places(who)

    def die() -> Done[str]:
        raise Killed

    shop.provisioning.will_answer(die)
    with pytest.raises(Killed):
        shop.works()

    shop.now += timedelta(days=365)
    assert ledger.release_expired_holds(now=shop.now, day=day_of(shop.now), limit=10) == 0

    assert shop.state(order) == "sending"
    assert shop.points(who) == (500, 500)


def test_an_order_that_could_not_be_sent_is_swept_again_when_nobody_tries(shop: Shop):
    who = shop.subscriber()
    shop.places(who)
    shop.provisioning.will_answer(NOT_SENT)
    shop.works()

    shop.now += timedelta(hours=49)

    assert ledger.release_expired_holds(now=shop.now, day=day_of(shop.now), limit=10) == 1
    assert shop.points(who) == (1000, 0)


def test_an_order_that_was_never_sent_gives_its_points_back_and_is_not_sent_after_that(shop: Shop):
    who = shop.subscriber()
    order = shop.places(who)
    shop.now += timedelta(hours=49)
    ledger.release_expired_holds(now=shop.now, day=day_of(shop.now), limit=10)
    assert shop.points(who) == (1000, 0)

    shop.works()

    assert shop.state(order) == "refused"
    assert order.outcome_code == "hold_expired"
    assert shop.provisioning.sent == []
    assert shop.points(who) == (1000, 0)


def test_points_that_expired_while_an_order_held_them_come_back_for_a_week(shop: Shop):
    who = shop.subscriber(points=0)
    shop.earns(who, 500, expires_on=date(2026, 11, 18))
    order = shop.places(who)
    shop.provisioning.will_answer(Unknown("no answer"), *[Unknown("no answer")] * 30)
    shop.later(hours=30)

    orders.settle(order_id=order.id, outcome=Refused("by_register"), now=shop.now)

    assert shop.points(who) == (500, 0)
    (lot,) = books.lots(subscriber_id=who.id, day=day_of(shop.now))
    assert lot.expires_on == day_of(shop.now) + timedelta(days=7)


def test_a_worker_killed_while_sending_leaves_an_order_that_is_asked_about(shop: Shop):
    who = shop.subscriber()
    order = shop.places(who)

    def die() -> Done[str]:
        raise Killed

    shop.provisioning.will_answer(die, Done("on"))
    with pytest.raises(Killed):
        shop.works()
    assert shop.state(order) == "sending"
    assert orders.sweep(now=shop.now) == 0
    shop.now += timedelta(minutes=2)

    assert orders.sweep(now=shop.now) == 1
    assert shop.state(order) == "unknown"
    shop.works()

    assert shop.state(order) == "done"
    assert len(shop.provisioning.sent) == 1
    assert shop.points(who) == (500, 0)


def test_a_lost_job_is_taken_up_by_the_sweep(shop: Shop):
    who = shop.subscriber()
    order = shop.places(who)
    _lose_all_jobs()
    shop.provisioning.will_answer(Unknown("no answer"), Done("on"))
    shop.now += timedelta(minutes=1)
    assert orders.sweep(now=shop.now) == 1
    shop.works()
    assert shop.state(order) == "unknown"

    _lose_all_jobs()
    shop.now += timedelta(minutes=2)
    assert orders.sweep(now=shop.now) == 1
    shop.works()

    assert shop.state(order) == "done"
    assert orders.sweep(now=shop.now + timedelta(days=9)) == 0


def test_a_doubled_job_neither_sends_nor_asks_twice(shop: Shop):
    who = shop.subscriber()
    order = shop.places(who)
    shop.provisioning.will_answer(Unknown("no answer"), Unknown("no answer"))
    orders.provision(order_id=order.id, attempt=0, now=shop.now)
    orders.provision(order_id=order.id, attempt=0, now=shop.now)
    orders.check(order_id=order.id, question=0, now=shop.now)
    orders.check(order_id=order.id, question=0, now=shop.now)

    assert len(shop.provisioning.sent) == 1
    assert len(shop.provisioning.asked) == 1


def test_a_doubled_job_does_not_use_up_the_next_attempt(shop: Shop):
    who = shop.subscriber()
    order = shop.places(who)
    shop.provisioning.will_answer(NOT_SENT)

    orders.provision(order_id=order.id, attempt=0, now=shop.now)
    orders.provision(order_id=order.id, attempt=0, now=shop.now)

    assert shop.state(order) == "placed"
    assert order.attempts == 1


def test_a_settled_order_stays_as_it_is(shop: Shop):
    who = shop.subscriber()
    order = shop.places(who)
    shop.provisioning.will_answer(Done("on"))
    shop.works()

    orders.settle(order_id=order.id, outcome=Refused("late"), now=shop.now)
    orders.settle(order_id=order.id, outcome=Done("again"), now=shop.now)
    orders.check(order_id=order.id, now=shop.now)

    assert shop.state(order) == "done"
    assert shop.points(who) == (500, 0)
    assert shop.told(who) == ["order_done: minutes uz, 500"]


# ---- what cannot be placed -------------------------------------------------------------------


def test_the_same_key_returns_the_first_order_even_when_it_is_sold_out(shop: Shop):
    who = shop.subscriber()
    first = shop.places(who, price_points=500)
    Reward.objects.filter(code="minutes").update(valid_to=NOON)

    assert shop.places(who, price_points=500) == first

    assert shop.points(who) == (500, 500)
    assert Order.objects.count() == 1


@pytest.mark.parametrize(("reward", "price_points"), [("internet", None), ("minutes", 499)])
def test_a_key_used_for_another_order_is_refused(shop: Shop, reward: str, price_points: int | None):
    who = shop.subscriber(points=5000)
    shop.places(who, "minutes")

    with pytest.raises(KeyReused) as refusal:
        shop.places(who, reward, price_points=price_points)

    assert refusal.value.code == "idempotency_key_reused"
    assert shop.points(who) == (4500, 500)


def test_two_subscribers_may_use_the_same_key(shop: Shop):
    aziza, botir = shop.subscriber(), shop.subscriber()

    assert shop.places(aziza) != shop.places(botir)


def test_an_order_above_the_balance_leaves_nothing_behind(shop: Shop):
    who = shop.subscriber(points=499)

    with pytest.raises(NotEnoughPoints):
        shop.places(who)

    assert Order.objects.count() == 0
    assert shop.points(who) == (499, 0)
    assert shop.works() == 0
    shop.earns(who, 1, expires_on=date(2027, 1, 1))
    assert shop.places(who).state == "placed"  # the same key may be tried again


def test_a_price_that_changed_is_never_charged_silently(shop: Shop):
    who = shop.subscriber()

    with pytest.raises(PriceChanged) as refusal:
        shop.places(who, price_points=450)

    assert refusal.value.values == {"price_points": 500, "shown_points": 450}
    assert Order.objects.count() == 0
    assert shop.points(who) == (1000, 0)


@pytest.mark.parametrize("reward", ["nothing-of-ours", "sold-out", "tomorrow"])
def test_a_reward_that_is_not_on_sale_cannot_be_ordered(shop: Shop, reward: str):
    Reward.objects.filter(code="internet").update(code="sold-out", valid_to=NOON)
    Reward.objects.filter(code="minutes").update(
        code="tomorrow", valid_from=NOON + timedelta(days=1)
    )
    who = shop.subscriber()

    with pytest.raises(RewardUnavailable):
        shop.places(who, reward)

    assert Order.objects.count() == 0


@pytest.mark.parametrize("key", ["", "k" * 81])
def test_a_key_outside_its_limits_is_refused(shop: Shop, key: str):
    who = shop.subscriber()

    with pytest.raises(BadKey):
        shop.places(who, key=key)

    assert Order.objects.count() == 0


def test_a_key_at_its_limit_is_taken(shop: Shop):
    assert shop.places(shop.subscriber(), key="k" * 80).state == "placed"


def test_nobody_sees_the_order_of_another(shop: Shop):
    aziza, botir = shop.subscriber(), shop.subscriber()
    order = shop.places(aziza)

    with pytest.raises(OrderNotFound):
        queries.by_id(subscriber_id=botir.id, order_id=order.id)
    assert queries.by_key(subscriber_id=botir.id, key=order.key) is None
    assert list(queries.of_subscriber(subscriber_id=botir.id)) == []
    assert queries.by_id(subscriber_id=aziza.id, order_id=order.id) == order


def test_open_orders_are_counted_by_state(shop: Shop):
    aziza, botir = shop.subscriber(), shop.subscriber()
    shop.places(aziza)
    shop.provisioning.will_answer(Unknown("no answer"))
    shop.works()
    shop.places(botir)

    assert queries.counts() == {"placed": 1, "sending": 0, "waiting": 0, "unknown": 1}


def _lose_all_jobs() -> None:
    with connection.cursor() as cursor:
        cursor.execute("delete from procrastinate_jobs")


def test_a_list_of_orders_is_cut_into_pages_that_never_overlap(shop: Shop):
    aziza, botir = shop.subscriber(points=5000), shop.subscriber()
    shop.places(botir)
    placed = [shop.places(aziza, key=f"key-{number}") for number in range(3)]
    shop.now += timedelta(minutes=1)
    placed.append(shop.places(aziza, key="the latest"))

    first = queries.page(subscriber_id=aziza.id, before=None, limit=2)
    shop.places(aziza, key="meanwhile")
    second = queries.page(subscriber_id=aziza.id, before=first[-1].id, limit=9)

    assert first[0] == placed[-1]
    assert {order.id for order in first + second} == {order.id for order in placed}
    assert len(first + second) == len(placed)


def test_orders_are_found_together_only_among_ones_own(shop: Shop):
    aziza, botir = shop.subscriber(), shop.subscriber()
    own, foreign = shop.places(aziza), shop.places(botir)

    found = queries.by_ids(subscriber_id=aziza.id, ids=[own.id, foreign.id])

    assert found == {own.id: own}

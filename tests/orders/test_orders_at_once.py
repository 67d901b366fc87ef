"""The same thing twice at the same moment, on real connections and real locks."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

import pytest
from django.db import connection

from club.ledger.errors import NotEnoughPoints
from club.orders import actions as orders
from club.orders.models import Order
from club.outcomes import Done, Refused, Unknown
from tests.orders.shop import Shop

Result = TypeVar("Result")


def test_the_same_key_at_once_makes_one_order(busy_shop: Shop):
    who = busy_shop.subscriber()

    placed = at_once(4, lambda _: busy_shop.places(who))

    assert len({order.id for order in placed}) == 1
    assert Order.objects.count() == 1
    assert busy_shop.points(who) == (500, 500)
    busy_shop.provisioning.will_answer(Done("on"))
    assert busy_shop.works() == 1


def test_two_orders_at_once_are_never_promised_from_one_balance(busy_shop: Shop):
    who = busy_shop.subscriber(points=999)

    def place(number: int) -> str:
        try:
            return busy_shop.places(who, key=f"key-{number}").state
        except NotEnoughPoints:
            return "refused"

    assert sorted(at_once(4, place)) == ["placed", "refused", "refused", "refused"]
    assert Order.objects.count() == 1
    assert busy_shop.points(who) == (499, 500)


def test_two_workers_at_once_send_once(busy_shop: Shop):
    who = busy_shop.subscriber()
    order = busy_shop.places(who)
    busy_shop.provisioning.will_answer(Unknown("no answer"))

    at_once(4, lambda _: orders.provision(order_id=order.id, now=busy_shop.now))

    assert len(busy_shop.provisioning.sent) == 1
    assert busy_shop.state(order) == "unknown"


def test_two_questions_at_once_ask_once_and_settle_once(busy_shop: Shop):
    who = busy_shop.subscriber()
    order = busy_shop.places(who)
    busy_shop.provisioning.will_answer(Unknown("no answer"), Done("on"))
    orders.provision(order_id=order.id, now=busy_shop.now)

    at_once(4, lambda _: orders.check(order_id=order.id, question=0, now=busy_shop.now))

    assert len(busy_shop.provisioning.asked) == 1
    assert busy_shop.points(who) == (500, 0)


@pytest.mark.parametrize("_round", range(3))
def test_opposite_outcomes_at_once_end_in_one_of_them(busy_shop: Shop, _round: int):
    who = busy_shop.subscriber()
    order = busy_shop.places(who)
    busy_shop.provisioning.will_answer(Unknown("no answer"))
    orders.provision(order_id=order.id, now=busy_shop.now)
    outcomes = (Done("on"), Refused("SUBS-404"), Done("on"), Refused("SUBS-404"))

    at_once(
        4,
        lambda number: orders.settle(
            order_id=order.id, outcome=outcomes[number], now=busy_shop.now
        ),
    )

    is_done = busy_shop.state(order) == "done"
    assert busy_shop.points(who) == ((500, 0) if is_done else (1000, 0))
    assert len(busy_shop.told(who)) == 1


def test_an_answer_and_the_sweep_at_once_do_not_lose_the_answer(busy_shop: Shop):
    who = busy_shop.subscriber()
    order = busy_shop.places(who)

    def swept_meanwhile() -> Done[str]:
        busy_shop.now = order.overdue_at + (order.overdue_at - order.placed_at)
        with ThreadPoolExecutor(1) as pool:  # Another process, as far as the database can tell.
            pool.submit(on_own_connection, sweep).result()
        assert busy_shop.state(order) == "unknown"
        return Done("on")

    def sweep() -> int:
        return orders.sweep(now=busy_shop.now)

    busy_shop.provisioning.will_answer(swept_meanwhile)
    orders.provision(order_id=order.id, now=busy_shop.now)

    assert busy_shop.state(order) == "done"
    assert busy_shop.points(who) == (500, 0)


def at_once(times: int, deed: Callable[[int], Result]) -> list[Result]:
    start = Barrier(times)

    def run(number: int) -> Result:
        start.wait(timeout=10)
        return on_own_connection(lambda: deed(number))

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(run, range(times)))


def on_own_connection(deed: Callable[[], Result]) -> Result:
    try:
        return deed()
    finally:
        connection.close()

"""The operator's side goes silent after an order was sent: the books are right whichever way it ends.

The clock is set by hand; the sockets, and in `make test-all` Metro on the other end, are real.
"""

import time
from collections.abc import Iterator
from uuid import uuid4

import pytest

from club.ledger import queries as books
from club.subscribers.models import Subscriber
from tests.glassfish.conftest import HANG_S, Peer
from tests.orders.shop import Shop, open_shop

POINTS, PRICE = 1_000, 500

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(peer: Peer) -> Iterator[Shop]:
    with open_shop() as opened:
        yield opened


def subscriber(shop: Shop, ending: str) -> Subscriber:
    """The peers look at the end of a number to know how to behave."""
    who = shop.subscriber(points=POINTS)
    who.msisdn = f"998905551{ending}"
    who.save(update_fields=["msisdn"])
    return who


def test_it_had_accepted_and_is_asked_and_the_points_are_spent_once(shop: Shop, peer: Peer):
    who = subscriber(shop, "504")
    order = shop.places(who, key=str(uuid4()))
    shop.works()

    assert shop.state(order) == "unknown"
    assert shop.points(who) == (POINTS - PRICE, PRICE)

    time.sleep(HANG_S)
    shop.later(seconds=40)

    assert shop.state(order) == "done"
    assert shop.points(who) == (POINTS - PRICE, 0)
    assert peer.arrived(order.id) == (1, 1)
    assert books.prove() == []


def test_it_had_lost_the_request_and_the_points_come_back(shop: Shop, peer: Peer):
    who = subscriber(shop, "505")
    order = shop.places(who, key=str(uuid4()))
    shop.works()
    time.sleep(HANG_S)
    shop.later(seconds=40)

    # Nobody knows the request, but it might still be under way: too early to believe it lost.
    assert shop.state(order) == "unknown"
    assert shop.points(who) == (POINTS - PRICE, PRICE)

    shop.later(minutes=6)

    assert shop.state(order) == "refused"
    assert shop.points(who) == (POINTS, 0)
    assert peer.arrived(order.id) == (1, 0)
    assert books.prove() == []


def test_it_was_only_late_and_the_points_are_spent_once(shop: Shop, peer: Peer):
    who = subscriber(shop, "506")
    order = shop.places(who, key=str(uuid4()))
    shop.works()
    assert shop.state(order) == "unknown"

    time.sleep(HANG_S)
    shop.later(minutes=6)

    assert shop.state(order) == "done"
    assert shop.points(who) == (POINTS - PRICE, 0)
    assert peer.arrived(order.id) == (1, 1)
    assert books.prove() == []


def test_it_refuses_after_accepting_and_the_points_come_back(shop: Shop, peer: Peer):
    who = subscriber(shop, "422")
    order = shop.places(who, key=str(uuid4()))
    shop.works()
    assert shop.state(order) == "waiting"

    time.sleep(HANG_S)
    shop.later(minutes=1)

    assert shop.state(order) == "refused"
    assert shop.points(who) == (POINTS, 0)
    assert books.prove() == []

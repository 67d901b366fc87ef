"""Every way a network can fail between us and the peer: the outcome, what arrived, the books."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from club.integrations.glassfish.provisioning import GlassfishProvisioning
from club.ports import bound
from tests.glassfish.conftest import WORK_S, Peer, point_at
from tests.orders.shop import Shop, open_shop
from tests.peers.chaos import ChaosProxy, Fault


@pytest.fixture
def network(simulator: Peer, settings: Any) -> Iterator[ChaosProxy]:
    with ChaosProxy(simulator.url) as proxy:
        point_at(proxy.url, settings)
        yield proxy


@pytest.fixture
def shop(db: None, network: ChaosProxy) -> Iterator[Shop]:
    with open_shop() as opened:
        assert isinstance(bound("provisioning"), GlassfishProvisioning)
        yield opened


@pytest.mark.parametrize(
    ("fault", "state", "arrived", "end", "points_at_the_end"),
    [
        ("none", "waiting", (1, 1), "done", (500, 0)),
        ("cut_before_the_request", "unknown", (0, 0), "refused", (1000, 0)),
        ("cut_after_the_request", "unknown", (1, 1), "done", (500, 0)),
        ("half_an_answer", "unknown", (1, 1), "done", (500, 0)),
        ("black_hole", "unknown", (0, 0), "refused", (1000, 0)),
        ("slow_drip", "unknown", (1, 1), "done", (500, 0)),
        ("delivered_twice", "waiting", (2, 1), "done", (500, 0)),
    ],
)
def test_an_order_over_a_network_that_fails_once(
    shop: Shop,
    network: ChaosProxy,
    simulator: Peer,
    fault: Fault,
    state: str,
    arrived: tuple[int, int],
    end: str,
    points_at_the_end: tuple[int, int],
):
    who = shop.subscriber()
    order = shop.places(who)

    network.fault = fault
    shop.works()
    assert shop.state(order) == state
    assert simulator.arrived(order.id) == arrived
    assert shop.points(who) == (500, 500)

    network.fault = "none"
    time.sleep(WORK_S * 1.5)
    shop.later(minutes=10)
    assert shop.state(order) == end
    assert simulator.arrived(order.id) == arrived
    assert shop.points(who) == points_at_the_end
    assert len(shop.told(who)) == 1


@pytest.mark.parametrize(
    "fault", ["cut_before_the_request", "cut_after_the_request", "half_an_answer"]
)
def test_while_the_network_stays_bad_nothing_is_decided_and_nothing_is_sent_again(
    shop: Shop, network: ChaosProxy, simulator: Peer, fault: Fault
):
    who = shop.subscriber()
    order = shop.places(who)
    network.fault = fault

    shop.later(hours=30)

    assert shop.state(order) == "unknown"
    assert shop.points(who) == (500, 500)
    assert order.attempts == 1
    assert simulator.arrived(order.id)[0] <= 1


def test_a_peer_that_is_down_is_tried_again_and_gets_the_order_once(
    shop: Shop, network: ChaosProxy, simulator: Peer, settings: Any
):
    who = shop.subscriber()
    order = shop.places(who)
    network.server_close()
    shop.works()
    assert shop.state(order) == "placed"
    assert order.outcome_code == "not_sent"
    assert shop.points(who) == (500, 500)

    point_at(simulator.url, settings)
    bound.cache_clear()
    shop.later(seconds=10)
    time.sleep(WORK_S * 1.5)
    shop.later(minutes=1)

    assert shop.state(order) == "done"
    assert order.attempts == 2
    assert simulator.arrived(order.id) == (1, 1)
    assert shop.points(who) == (500, 0)


def test_an_address_that_does_not_exist_is_a_refusal_for_now(settings: Any):
    point_at("http://nobody.invalid/SubscriberService", settings)

    outcome = GlassfishProvisioning().status(request_id="r")

    assert (outcome.code, outcome.is_for_now) == ("not_sent", True)

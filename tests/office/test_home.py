"""The figures of the day, told as they are and to those who may see them."""

from datetime import timedelta

import pytest

from club.catalogue.models import Reward
from club.orders import actions as orders
from club.orders.models import Order, State
from club.reports import today


def test_the_day_counts_what_came_in_since_midnight_in_tashkent(club):
    aziza = club.subscriber()
    club.earns(aziza, 500_000, channel="bank")
    club.later(days=1)
    club.earns(aziza, 100_000, channel="bank")
    club.pays(aziza, 300)
    club.decide()

    figures = today.figures(now=club.now)

    assert (figures.payments, figures.paid_tiyin, figures.points) == (2, 10_030_000, 100)
    assert (figures.unknown_orders, figures.undelivered_messages) == (0, 0)


def test_an_order_of_unknown_outcome_needs_care_however_old(club, agent):
    aziza = club.subscriber()
    club.earns(aziza, 500_000)
    reward = Reward.objects.get(code="internet-1gb")
    order = orders.place(
        subscriber_id=aziza.id,
        reward_code=reward.code,
        key="of-the-test",
        price_points=reward.price_points,
        now=club.now,
    )
    Order.objects.filter(id=order.id).update(state=State.UNKNOWN)

    figures = today.figures(now=club.now + timedelta(days=3))

    assert figures.unknown_orders == 1
    assert figures.oldest_unknown_at == club.now
    assert figures.orders == {}


def test_an_empty_day_says_so(club, agent):
    page = agent.client.get("/office/").content.decode()

    assert "Nothing needs care" in page
    assert "No orders yet today." in page


def test_only_who_may_see_subscribers_is_offered_the_search(club, agent, editor):
    assert 'name="number"' in agent.client.get("/office/").content.decode()
    assert 'name="number"' not in editor.client.get("/office/").content.decode()


@pytest.mark.parametrize("payments", [1, 8])
def test_the_figures_cost_six_queries_whatever_the_day_brought(
    club, payments, django_assert_num_queries
):
    for _ in range(payments):
        club.earns(club.subscriber(), 50_000)

    with django_assert_num_queries(6):
        today.figures(now=club.now)

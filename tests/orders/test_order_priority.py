"""A subscriber who buys does not wait behind a register."""

from django.db import connection

from club.accrual import inbox
from tests.orders.shop import Shop


def test_an_order_is_sent_before_points_that_were_asked_for_earlier(shop: Shop):
    inbox.ask_for_decisions()
    shop.places(shop.subscriber(points=1_000))

    with connection.cursor() as cursor:
        cursor.execute("select task_name from procrastinate_jobs order by priority desc, id")
        assert [name for (name,) in cursor.fetchall()] == ["orders.provision", "accrual.decide"]

"""The jobs that the actions leave behind, run by the tasks they name."""

from datetime import datetime

from django.utils import timezone
from procrastinate.contrib.django import app

from club.orders.models import Order
from club.outcomes import Done
from tests.orders.shop import Shop, next_job


def run_jobs(now: datetime) -> list[str]:
    """As the worker does it: the task by its name, with the arguments from the row."""
    names = []
    while job := next_job(now):
        name, arguments = job
        names.append(name)
        app.tasks[name](**arguments)
    return names


def test_the_job_of_a_placed_order_delivers_it(shop: Shop):
    shop.now = timezone.now()
    who = shop.subscriber()
    order = shop.places(who)
    shop.provisioning.will_answer(Done("on"))

    assert run_jobs(shop.now) == ["orders.provision"]

    assert shop.state(order) == "done"
    assert shop.points(who) == (500, 0)


def test_the_job_of_the_sweep_finds_an_order_whose_worker_died(shop: Shop):
    shop.now = timezone.now()
    who = shop.subscriber()
    order = shop.places(who)
    run_at = {"state": "sending", "sent_at": shop.now, "overdue_at": shop.now}
    Order.objects.filter(id=order.id).update(**run_at)
    shop.provisioning.will_answer(Done("on"))

    app.configure_task("orders.sweep").defer(timestamp=0)

    assert run_jobs(shop.now) == ["orders.provision", "orders.sweep", "orders.check"]
    assert shop.state(order) == "done"
    assert shop.provisioning.sent == []
    assert shop.provisioning.asked == [str(order.id)]


def test_the_sweep_runs_every_minute():
    registered = {
        each.task.name: each.cron for each in app.periodic_registry.periodic_tasks.values()
    }

    assert registered["orders.sweep"] == "* * * * *"

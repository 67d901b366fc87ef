"""The jobs of an order: shells around its actions, each of which may run twice."""

from uuid import UUID

from django.utils import timezone
from procrastinate.contrib.django import app

from club.orders import actions

SOMEBODY_WAITS = 10  # before jobs of the default priority, 0: a register's points can wait


@app.task(name="orders.provision", priority=SOMEBODY_WAITS)
def provision(*, order_id: str, attempt: int) -> None:
    actions.provision(order_id=UUID(order_id), attempt=attempt, now=timezone.now())


@app.task(name="orders.check", priority=SOMEBODY_WAITS)
def check(*, order_id: str, question: int) -> None:
    actions.check(order_id=UUID(order_id), question=question, now=timezone.now())


@app.periodic(cron="* * * * *")
@app.task(name="orders.sweep", queueing_lock="orders.sweep")
def sweep(timestamp: int) -> None:
    """`timestamp` is the minute it was made for; a late sweep looks at the clock instead."""
    del timestamp
    actions.sweep(now=timezone.now())

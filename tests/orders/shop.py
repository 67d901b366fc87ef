"""A small shop: one subscriber with points, two rewards, a clock set by hand, jobs run by hand."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any, cast
from uuid import UUID

from django.db import connection

from club.catalogue.models import Reward
from club.clock import day_of
from club.ledger import actions as ledger
from club.ledger import queries as books
from club.ledger.rules import Accrual, Source
from club.messages.models import Message, Template
from club.orders import actions as orders
from club.orders.models import Order
from club.ports import bound
from club.subscribers.models import Subscriber
from tests.orders.scripted import ScriptedProvisioning

NOON = datetime(2026, 11, 18, 7, 0, tzinfo=UTC)  # in Tashkent
_numbers = count(1)


@dataclass
class Shop:
    now: datetime = NOON

    @property
    def provisioning(self) -> ScriptedProvisioning:
        """Where the port is bound to a script: what it was asked, what it shall answer."""
        found = bound("provisioning")
        assert isinstance(found, ScriptedProvisioning)
        return found

    def subscriber(self, *, points: int = 1000, language: str = "uz") -> Subscriber:
        number = next(_numbers)
        who = Subscriber.objects.create(
            msisdn=f"99893{number:07}", language=language, joined_at=self.now
        )
        self.earns(who, points, expires_on=date(2027, 11, 30))
        return who

    def earns(self, who: Subscriber, points: int, *, expires_on: date) -> None:
        if points:
            ref = f"gift:{next(_numbers)}"
            gift = Accrual(who.id, ref, day_of(self.now), points, expires_on, 0, ref.encode() * 4)
            ledger.post_many(source=Source.STAFF, accruals=[gift])

    def places(
        self,
        who: Subscriber,
        reward: str = "minutes",
        *,
        key: str = "key-1",
        price_points: int | None = None,
    ) -> Order:
        return orders.place(
            subscriber_id=who.id,
            reward_code=reward,
            key=key,
            price_points=price_points,
            now=self.now,
        )

    def works(self) -> int:
        """Run the jobs that are due, and those that become due by them; answers how many."""
        done = 0
        while job := next_job(self.now):
            task, arguments = job
            order_id = UUID(arguments.pop("order_id"))
            {"orders.provision": orders.provision, "orders.check": orders.check}[task](
                order_id=order_id, now=self.now, **arguments
            )
            done += 1
        return done

    def later(self, **delta: float) -> None:
        """Move the clock to each moment at which something is due, and let it happen."""
        until = self.now + timedelta(**delta)
        while (moment := _next_moment()) is not None and moment <= until:
            self.now = max(self.now, moment)
            self.works()
        self.now = until

    def state(self, order: Order) -> str:
        order.refresh_from_db()
        return order.state

    def points(self, who: Subscriber) -> tuple[int, int]:
        """What can be spent, and what is held."""
        balance = books.balance(subscriber_id=who.id, day=day_of(self.now))
        return balance.spendable_points, balance.held_points

    def told(self, who: Subscriber) -> list[str]:
        return list(
            Message.objects.filter(subscriber_id=who.id)
            .order_by("id")
            .values_list("text", flat=True)
        )


@contextmanager
def open_shop() -> Iterator[Shop]:
    """With whatever `settings.CLUB_PORTS` names behind the port."""
    bound.cache_clear()
    for code, price_points in (("minutes", 500), ("internet", 900)):
        Reward.objects.create(
            code=code,
            names={"uz": f"{code} uz", "kaa": f"{code} kaa"},
            descriptions={"uz": code},
            category="calls",
            service_code=f"SOC_{code.upper()}",
            price_points=price_points,
            valid_from=NOON - timedelta(days=1),
        )
    for code in ("order_done", "order_refused"):
        texts = dict.fromkeys(("uz", "kaa"), f"{code}: {{reward}}, {{points}}")
        Template.objects.create(code=code, texts=texts)
    try:
        yield Shop()
    finally:
        bound.cache_clear()


def _next_moment() -> datetime | None:
    with connection.cursor() as cursor:
        cursor.execute(
            "select min(coalesce(scheduled_at, to_timestamp(0))) from procrastinate_jobs"
        )
        (moment,) = cursor.fetchone()
    return cast(datetime | None, moment)


def next_job(now: datetime) -> tuple[str, dict[str, Any]] | None:
    with connection.cursor() as cursor:
        cursor.execute(
            "delete from procrastinate_jobs where id = (select id from procrastinate_jobs"
            " where coalesce(scheduled_at, to_timestamp(0)) <= %s order by id limit 1)"
            " returning task_name, args::text",
            [now],
        )
        row = cursor.fetchone()
    return None if row is None else (row[0], json.loads(row[1]))

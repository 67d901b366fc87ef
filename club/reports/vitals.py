"""How the club is: what a probe asks before it sends traffic, and what a graph shows.

Only counts, never anything about a person. Each figure is read through an index of what is still
open, so that asking every few seconds costs little; the sum of the books is the one that does not.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Count, Model, QuerySet
from procrastinate.contrib.django.models import ProcrastinateWorker

from club.accrual import budgets as accrual_budgets
from club.accrual.budgets import Budget
from club.accrual.models import EventState, Outcome, Queued
from club.ledger import queries as ledger
from club.messages.models import Message
from club.messages.rules import State as MessageState
from club.orders.models import OPEN, Order

HEARTBEAT_AGE_MAX = timedelta(seconds=45)  # the worker's comes every ten seconds
OUTBOX_AGE_MAX = timedelta(minutes=10)

KEPT_BACK = (EventState.WAITING, EventState.REVIEW, EventState.FAILED, EventState.KEPT)
OPEN_MESSAGES = (MessageState.QUEUED, MessageState.SENDING)


@dataclass(frozen=True)
class Vitals:
    """Everything that is not finished, by state; zero is said, too. And how the books stand."""

    events: dict[str, int]
    messages: dict[str, int]
    orders: dict[str, int]
    books: ledger.Proof


def vitals() -> Vitals:
    return Vitals(
        events={str(EventState.NEW): Queued.objects.count()}
        | by_state(Outcome.objects.all(), KEPT_BACK),
        messages=by_state(Message.objects.all(), OPEN_MESSAGES),
        orders=by_state(Order.objects.all(), OPEN),
        books=ledger.last_proof(),
    )


def by_state(rows: QuerySet[Model], states: Iterable[str]) -> dict[str, int]:
    zero = {str(state): 0 for state in states}
    counted = rows.filter(state__in=zero).values_list("state").annotate(Count("pk"))
    return zero | dict(counted)


def budgets(*, now: datetime) -> list[Budget]:
    """Every budget in force. Names campaigns and rules, nobody else."""
    return accrual_budgets.budgets(now=now)


def outstanding_points() -> int:
    """What the programme owes its subscribers. Reads the journal of the days not counted yet: cache it."""
    return ledger.outstanding_points()


def what_is_missing(*, now: datetime) -> list[str]:
    """Sentences naming what keeps this process from being useful; empty when it is ready."""
    try:
        if missing := migrations_missing():
            return [f"{len(missing)} migrations are not applied: run club migrate"]
        return [*worker_missing(now=now), *outbox_stuck(now=now)]
    except DatabaseError:
        return ["the database does not answer"]


migrated_at_least_once: list[bool] = []
"""Reading all migrations takes half a second; once they are applied this process stays content."""


def migrations_missing() -> list[str]:
    if migrated_at_least_once:
        with connection.cursor() as cursor:
            cursor.execute("select 1")
        return []
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if not plan:
        migrated_at_least_once.append(True)
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def worker_missing(*, now: datetime) -> list[str]:
    alive = ProcrastinateWorker.objects.filter(last_heartbeat__gt=now - HEARTBEAT_AGE_MAX)
    return [] if alive.exists() else ["no worker has shown itself lately: start club worker"]


def outbox_stuck(*, now: datetime) -> list[str]:
    due = Message.objects.filter(
        state=MessageState.QUEUED, next_try_at__lt=now - OUTBOX_AGE_MAX, not_after__gt=now
    )
    return (
        ["messages wait in the outbox: look at club sms and the message centre"]
        if (due.exists())
        else []
    )

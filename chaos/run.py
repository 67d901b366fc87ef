"""One run from the empty database to the verdict."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from django.conf import settings
from django.db import connections

from chaos import checking
from chaos.captain import OF_THE_DATABASE, Captain, provisioning
from chaos.cast import Cast, assembled
from chaos.expected import by_diaries, counted
from chaos.memory import roomy_folder
from chaos.server import DATABASE, Server, until
from club import upgrade
from club.accrual import actions as accrual
from club.accrual import inbox
from club.accrual.models import Queued
from club.ledger import actions as ledger
from club.orders import actions as orders
from club.orders.models import OPEN, Order, State
from club.settings import database_settings

COMPARE_EVERY = 5  # kills of the database; the laws are proved after each
DRAIN_TIMEOUT_S = 120
WARM_UP_S = 4
LATER = timedelta(minutes=10)  # by then no request can still be under way
ROUNDS_MAX = 20
ECHO_EVERY = 20


@dataclass
class Report:
    seed: int
    took_s: float = 0
    kills: dict[tuple[str, str], int] = field(default_factory=dict)
    deeds: list[dict[str, Any]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def run(*, kills: int, seed: int, echo: Callable[[str], None]) -> Report:
    began, report = time.monotonic(), Report(seed)
    with (
        tempfile.TemporaryDirectory(prefix="club-chaos-", dir=roomy_folder()) as name,
        _database(Path(name)) as server,
        provisioning() as provisioning_url,
    ):
        captain = _captain(Path(name), server, provisioning_url, seed)
        try:
            captain.start_all()
            time.sleep(WARM_UP_S)
            for done, is_of_the_database in enumerate(captain.kill_many(kills), start=1):
                if is_of_the_database:
                    _check(captain, report, done)
                if done % ECHO_EVERY == 0:
                    so_far = time.monotonic() - began
                    echo(f"{done} kills, {len(report.faults)} faults, {so_far:.0f} s")
            captain.stop_parts()
            _settle(captain)
            _judge(captain, report, _switched_on(provisioning_url))
        finally:
            captain.end_everybody()
            connections.close_all()
        report.kills = dict(captain.kills)
        of_the_database = sum(n for (way, _), n in captain.kills.items() if way in OF_THE_DATABASE)
        report.counts["kills of the database"] = of_the_database
        report.counts["kills of workers and other programs"] = kills - of_the_database
        report.counts["workers that ended with the database"] = captain.ended_alone
        server.stop()
        report.faults += [f"the server's log: {line}" for line in server.damage]
    report.took_s = time.monotonic() - began
    return report


@contextmanager
def _database(folder: Path) -> Iterator[Server]:
    folder.chmod(0o755)
    server = Server(folder / "postgres")
    server.start()
    try:
        server.postgres.create_database(DATABASE)
        yield server
    finally:
        server.stop()


def _captain(folder: Path, server: Server, provisioning_url: str, seed: int) -> Captain:
    # The programs are forked from here: what they are told, they are told by these settings.
    settings.GLASSFISH_URL, settings.GLASSFISH_ANSWER_TIMEOUT_S = provisioning_url, 0.4
    connections["default"].close()
    connections["default"].settings_dict.update(database_settings(server.url))
    upgrade.upgrade(echo=lambda line: None)
    connections.close_all()
    server.become_durable()
    cast = assembled(folder)
    connections.close_all()  # nobody is forked with a connection
    return Captain(cast, server, seed, log=folder / "programs.log")


def _check(captain: Captain, report: Report, done: int) -> None:
    """After the database came back: the laws hold, and what was acknowledged before is there."""
    is_compared = done % COMPARE_EVERY == 0
    acknowledged = by_diaries(captain.cast, captain.diaries if is_compared else [])
    try:
        report.faults += checking.proof()
        _count(report, "proofs")
        if is_compared:
            report.faults += checking.missing(acknowledged)
            _count(report, "comparisons under way")
    finally:
        connections.close_all()


def _settle(captain: Captain) -> None:
    """What the clock alone would bring: the queue is worked off, each order is asked about."""
    until(partial(_is_decided, captain), timeout_s=DRAIN_TIMEOUT_S, what="all events are decided")
    captain.stop_workers()
    later = datetime.now(UTC) + LATER
    for _ in range(ROUNDS_MAX):
        while accrual.adopt_waiting(now=later):
            pass
        while accrual.decide_batch(now=later).taken:
            pass
        orders.sweep(now=later)
        for order in Order.objects.filter(state__in=OPEN):
            step = orders.provision if order.state == State.PLACED else orders.check
            step(order_id=order.id, now=later)
        later += LATER
        if not Order.objects.filter(state__in=OPEN).exists():
            break
    sweep_all(captain.cast, now=later)


def _is_decided(captain: Captain) -> bool:
    connections.close_all()
    captain.look_after()  # the last kill may have been the end of the workers, too
    inbox.ask_for_decisions()
    return not Queued.objects.exists()


def sweep_all(cast: Cast, *, now: datetime) -> None:
    day, few = cast.day, 500
    since = day - timedelta(days=200)
    while ledger.release_expired_holds(now=now, day=day, limit=few):
        pass
    while ledger.keep_promises(now=now, limit=few):
        pass
    ledger.walk(lambda after: ledger.expire_due(day=day, limit=few, after=after))
    ledger.walk(
        lambda after: ledger.expire_inactive(day=day, active_since=since, after=after, limit=few)
    )
    ledger.walk(
        lambda after: ledger.extend_many(
            source=ledger.Source.STAFF, ref="sweep", day=day, ending_on=cast.ending_on,
            to=cast.moved_to, reason="chaos", actor="chaos", limit=few, after=after,
        )
    )  # fmt: skip
    while ledger.follow_successors(day=day, limit=few):
        pass


def _judge(captain: Captain, report: Report, switched_on: dict[str, int]) -> None:
    cast, diaries = captain.cast, captain.diaries
    expected = by_diaries(cast, diaries)
    expected.keep_promises()
    payers, buyers = ([who for who, _ in people] for people in (cast.payers, cast.buyers))
    report.faults += [fault for diary in diaries for fault in diary.faults]
    report.faults += [f"never answered: {d.path.stem}" for d in diaries if d.pending is not None]
    for faults in (
        checking.proof(),
        checking.missing(expected),
        checking.doubled_or_strange(expected, others=[*payers, *buyers]),
        checking.sums(expected, others=[*payers, *buyers]),
        checking.holds(expected, others=buyers),
        checking.the_rest(expected),
        checking.intake(expected),
        checking.orders(expected, switched_on=switched_on),
    ):
        report.faults += checking.named(faults)
    _count(report, "proofs")
    report.deeds = counted(diaries)
    report.counts |= {
        "postings compared": len(expected.lines),
        "events taken in": expected.delivered,
        "orders": len(expected.orders),
        "orders delivered": sum(switched_on.values()),
    }


def _switched_on(provisioning_url: str) -> dict[str, int]:
    answer = httpx.get(provisioning_url.replace("/SubscriberService", "/requests"))
    return {each["requestId"]: each["switchedOn"] for each in answer.json()["requests"]}


def _count(report: Report, name: str) -> None:
    report.counts[name] = report.counts.get(name, 0) + 1

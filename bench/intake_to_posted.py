"""From a register's file to posted points with one worker, beside posting those points alone.

As in production: this process reads the agents' register and writes the inbox, as `club intake`
does, and one `club worker` decides by the demo programme's rules and posts, from the first line on.
The clock stops when nothing is left to decide. The two halves of a round take turns, so a drift of
the machine meets both.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.test.utils import override_settings

from club.accrual import queries as accrued
from club.accrual.models import Decision, Event, Queued
from club.clock import day_of
from club.demo import programme
from club.integrations.espp import register
from club.ledger import actions as ledger
from club.ledger import queries as books
from club.subscribers.models import Subscriber

SUBSCRIBERS = 50_000
ROUNDS = 5
EVENTS_PER_ROUND = 20_000
BATCH_EVENTS = 2_000  # as the job takes them
ROUND_TIMEOUT_S = 60
LOOK_EVERY_S = 0.01


@override_settings(ESPP_AGENTS={"bank": {"channel": "bank"}})
def run(url: str) -> dict[str, dict[str, object]]:
    now = datetime.now(UTC)
    programme.load(now=now)
    numbers = open_subscribers(now)
    intake_s = posting_s = 0.0
    posted = 0
    with tempfile.TemporaryDirectory() as folder, one_worker():
        for round_ in range(ROUNDS + 1):
            file = Path(folder) / f"{round_}.csv"
            write_register(file, numbers, round_, now)
            took_s = timed(lambda file=file: take_and_wait(file, now))
            batches = accruals_of(round_, now)
            alone_s = timed(lambda batches=batches: post(batches))
            if round_:  # the first round warms up and is not counted
                intake_s += took_s
                posting_s += alone_s
                posted += sum(map(len, batches))
    assert accrued.counts_by_state()["decided"] == (ROUNDS + 1) * EVENTS_PER_ROUND
    assert books.prove() == []

    events_per_s = ROUNDS * EVENTS_PER_ROUND / intake_s
    postings_per_s = posted / posting_s
    return {
        "intake_to_posted": {
            "value": events_per_s,
            "unit": "events/s",
            "baseline": f"one worker, {EVENTS_PER_ROUND} lines a register; at least 5,000 or a quarter",
        },
        "intake_vs_post_many": {
            "value": events_per_s / postings_per_s,
            "unit": "ratio",
            "baseline": f"post_many alone: {postings_per_s:,.0f} postings/s in the same batches",
        },
    }


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def open_subscribers(now: datetime) -> list[str]:
    numbers = [f"99890{1_000_000 + place}" for place in range(SUBSCRIBERS)]
    Subscriber.objects.bulk_create(
        [
            Subscriber(
                msisdn=msisdn, tariff="start", region="TAS", joined_at=now - timedelta(days=400)
            )
            for msisdn in numbers
        ],
        batch_size=5_000,
    )
    return numbers


def write_register(file: Path, numbers: list[str], round_: int, now: datetime) -> None:
    """Every event a subscriber, an amount and a second of its own; three days ago, so no notices."""
    payments = (
        register.AgentPayment(
            agent="bank",
            payment_id=f"{round_}-{number:06}",
            terminal="T1",
            msisdn=numbers[(round_ * EVENTS_PER_ROUND + number * 7) % SUBSCRIBERS],
            amount_tiyin=500_000 + number * 1_000,
            paid_at=now - timedelta(days=3, seconds=number),
        )
        for number in range(EVENTS_PER_ROUND)
    )
    with file.open("w", encoding="utf-8", newline="") as stream:
        register.write_csv(payments, stream)


@contextmanager
def one_worker() -> Iterator[None]:
    """`club worker` as it is started in production."""
    with subprocess.Popen([sys.executable, "-m", "club", "worker"]) as worker:
        try:
            yield
            assert worker.poll() is None, "the worker ended by itself"
        finally:
            worker.terminate()


def take_and_wait(file: Path, now: datetime) -> None:
    register.take(file, name=file.name, now=now)
    give_up_at = time.monotonic() + ROUND_TIMEOUT_S
    while Queued.objects.exists():
        assert time.monotonic() < give_up_at, "the worker does not decide"
        time.sleep(LOOK_EVERY_S)


def accruals_of(round_: int, now: datetime) -> list[list[ledger.Accrual]]:
    """What this round's events were granted, once more, as accruals of another source, in batches."""
    newest = Event.objects.order_by("-id").values_list("id", flat=True)[:1].get()
    return granted_after(newest - EVENTS_PER_ROUND, round_, now)


def granted_after(event_id: int, round_: int, now: datetime) -> list[list[ledger.Accrual]]:
    granted = Decision.objects.filter(granted__gt=0, event_id__gt=event_id)
    accruals = [
        ledger.Accrual(
            subscriber_id=decision.subscriber_id,
            ref=f"{round_}:{decision.event_id}:{decision.rule_id}",
            occurred_on=day_of(now),
            points=decision.granted,
            expires_on=day_of(now) + timedelta(days=365),
            fund=0,
            fingerprint=b"of the benchmark",
        )
        for decision in granted.order_by("event_id", "rule_id")
    ]
    return [accruals[i : i + BATCH_EVENTS] for i in range(0, len(accruals), BATCH_EVENTS)]


def post(batches: list[list[ledger.Accrual]]) -> None:
    for batch in batches:
        ledger.post_many(source=ledger.Source.IMPORT, accruals=batch)

"""The same month three times: as it happened; shuffled and doubled; shuffled, with the worker killed.

Three groups of subscribers are alike and do the same. What does not depend on order ends alike to the
point, books and levels; where a limit or an occasion makes order matter, each difference is told by
the decisions themselves.
"""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random
from typing import Any

import pytest
from django.db import connection

from club.accrual import inbox
from club.accrual import queries as accrued
from club.accrual.models import Decision, Event, Kind
from club.ledger import queries as books
from club.subscribers.models import Subscriber
from club.tiers import actions as tiers
from club.tiers import queries as standings
from club.tiers.models import Tier
from tests.accrual.conftest import Office
from tests.smsc_centre import BASE

PEOPLE, PAYMENTS, SEED = 25, 700, 11
NOW = datetime.now(UTC).replace(microsecond=0)
BEGAN = NOW - timedelta(days=31)
PATIENCE_S = 60
GOLD = 1_200  # points of a year: some of them reach it
FREE, LIMITED, THIRD = "everyday", "gift", "third"


@dataclass(frozen=True)
class Deed:
    """A payment, or the cancellation of one, by the n-th of each group."""

    number: int
    who: int
    at: datetime
    amount_tiyin: int
    is_cancellation: bool = False


def a_month() -> list[Deed]:
    random = Random(SEED)
    seconds = int((NOW - BEGAN).total_seconds())
    deeds = []
    for number in range(PAYMENTS):
        at = BEGAN + timedelta(seconds=random.randrange(seconds))
        paid = Deed(number, random.randrange(PEOPLE), at, random.randrange(100_000, 9_000_000))
        deeds.append(paid)
        if random.random() < 0.08:
            later = min(at + timedelta(hours=random.randrange(1, 100)), NOW)
            deeds.append(Deed(number, paid.who, later, paid.amount_tiyin, is_cancellation=True))
    return sorted(deeds, key=lambda deed: (deed.at, deed.is_cancellation))


def incoming(deed: Deed, group: str, people: Sequence[Subscriber]) -> inbox.Incoming:
    return inbox.Incoming(
        source="espp",
        kind=Kind.CANCELLATION if deed.is_cancellation else Kind.PAYMENT,
        external_id=f"{group}:{deed.number}",
        msisdn=people[deed.who].msisdn,
        occurred_at=deed.at,
        amount_tiyin=deed.amount_tiyin,
        channel="app",
        details={},
    )


def slices(events: Iterable[inbox.Incoming], random: Random) -> Iterable[list[inbox.Incoming]]:
    rest = iter(events)
    while some := list(islice(rest, random.randrange(1, 60))):
        yield some


def shuffled_and_doubled(month: Sequence[Deed], random: Random) -> list[Deed]:
    deeds = [*month, *random.sample(month, len(month) // 2)]
    random.shuffle(deeds)
    return deeds


@pytest.fixture
def club(transactional_db: None) -> Office:
    office = Office(now=NOW).open()
    ten = {"kind": "fixed", "points": 10, "cap_per_event": 10}
    Tier.objects.filter(code="gold").update(threshold=GOLD)
    office.publish(FREE)
    limits = [
        {"period": "week", "unit": "points", "most": 25},
        {"period": "day", "unit": "times", "most": 1},
    ]
    office.publish(LIMITED, reward=ten, limits=limits)
    third = {"kind": "nth", "n": 3, "period": "week", "repeats": True}
    office.publish(THIRD, reward=ten, occasion=third)
    return office


def alike(club: Office) -> list[Subscriber]:
    return [club.subscriber() for _ in range(PEOPLE)]


def worker(database_url: str) -> subprocess.Popen[bytes]:
    environment = os.environ | {
        "DATABASE_URL": database_url, "CLUB_SECRET_KEY": "of a month", "PYTHONPATH": str(BASE),
    }  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-m", "club", "worker"],
        cwd=BASE, env=environment, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def kill(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(20)


def until(is_so: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < give_up_at, accrued.counts_by_state()
        time.sleep(0.02)


def is_deciding() -> bool:
    """Some other session writes outcomes at this moment."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()"
        )
        return cursor.fetchone() is not None


@pytest.mark.launcher
def test_the_same_month_ends_in_the_same_books_and_levels(club: Office, database_url: str) -> None:
    month, random = a_month(), Random(SEED)
    in_order, shuffled, killed = alike(club), alike(club), alike(club)

    for deed in month:
        inbox.receive([incoming(deed, "a", in_order)], now=NOW)
        if random.random() < 0.1:
            club.decide()
    club.decide()

    doubled = [incoming(deed, "b", shuffled) for deed in shuffled_and_doubled(month, random)]
    for some in slices(doubled, random):
        inbox.receive(some, now=NOW)
        club.decide()

    jumbled = [incoming(deed, "c", killed) for deed in shuffled_and_doubled(month, random)]
    for some in slices(jumbled, random):
        inbox.receive(some, now=NOW)
    waiting = accrued.counts_by_state()["new"]
    assert waiting > PAYMENTS
    hold_back_decisions()
    for _ in range(2):
        process = worker(database_url)
        until(is_deciding)
        kill(process)
        until(lambda: not is_deciding())
        assert accrued.counts_by_state()["new"] == waiting, "half a batch is no batch"
        inbox.ask_for_decisions()  # as the next delivery does, or the minute's round
    process = worker(database_url)
    until(lambda: accrued.counts_by_state()["new"] == 0)
    kill(process)

    tiers.recompute(now=datetime.now(UTC))  # the worker has moved some already
    counts = accrued.counts_by_state()
    assert (counts["waiting"], counts["review"], counts["failed"]) == (0, 0, 0)
    groups = [outcome(people) for people in (in_order, shuffled, killed)]
    for other in groups[1:]:
        assert_alike(groups[0], other)
    assert books.prove() == []


def hold_back_decisions() -> None:
    """A worker decides a thousand in a second: so that it can be killed in the middle, each outcome takes
    a moment."""
    with connection.cursor() as cursor:
        cursor.execute(
            "create function slowly() returns trigger language plpgsql as"
            " $$ begin perform pg_sleep(0.002); return new; end $$"
        )
        cursor.execute(
            "create trigger slowly before insert on accrual_outcome"
            " for each row execute function slowly()"
        )


@dataclass
class Outcome:
    """What became of one subscriber, by rule; decisions of payments that were cancelled left out."""

    spendable: int
    level: str
    net: Counter[str]
    wanted: Counter[str]
    held_back: Counter[str]


def outcome(people: Sequence[Subscriber]) -> list[Outcome]:
    return [outcome_of(one) for one in people]


def outcome_of(who: Subscriber) -> Outcome:
    events = {one.id: one for one in Event.objects.filter(subscriber_id=who.id)}
    undone = {one.external_id for one in events.values() if one.kind == Kind.CANCELLATION}
    found = Outcome(
        spendable=books.balance(subscriber_id=who.id, day=NOW.date()).spendable_points,
        level=standings.tier_of(subscriber_id=who.id, base="bronze").code,
        net=Counter(),
        wanted=Counter(),
        held_back=Counter(),
    )
    for decision in Decision.objects.filter(subscriber_id=who.id):
        found.net[decision.rule_id] += decision.granted
        if events[decision.event_id].external_id in undone:
            continue
        found.wanted[decision.rule_id] += decision.wanted
        missing = decision.wanted - decision.granted
        if missing:
            assert_told(decision)
            found.held_back[decision.rule_id] += missing
    assert found.spendable == sum(found.net.values())
    return found


def assert_told(decision: Decision) -> None:
    """The decision says by itself what it was held back by, and the sum is right."""
    because: dict[str, Any] | None = decision.because
    assert because is not None, decision
    if limit := because.get("limit"):
        left = max(limit["most"] - because["used"], 0)
        allowed = left if limit["unit"] == "points" else decision.wanted * (left > 0)
        assert decision.granted == min(decision.wanted, allowed)
    else:
        assert because["used"] % because["occasion"]["n"] != 0
        assert decision.granted == 0


def assert_alike(one: Sequence[Outcome], other: Sequence[Outcome]) -> None:
    same_levels = 0
    for mine, theirs in zip(one, other, strict=True):
        assert mine.net[FREE] == theirs.net[FREE]
        assert mine.wanted == theirs.wanted
        for rule in (LIMITED, THIRD):
            assert mine.net[rule] + mine.held_back[rule] == mine.wanted[rule]
            assert theirs.net[rule] + theirs.held_back[rule] == theirs.wanted[rule]
        if mine.spendable == theirs.spendable:
            assert mine.level == theirs.level
            same_levels += 1
    assert same_levels > PEOPLE // 3, "or levels were hardly compared"
    assert len({mine.level for mine in one}) > 1, "or everybody stood on one level"
    assert any(mine.held_back for mine in one), "or order mattered nowhere"

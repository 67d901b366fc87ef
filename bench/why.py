"""How long an answer to "why" takes over the API: a subscriber of many events, fifty rules in force.

Real granian as `club serve` starts it, real tokens, one connection after the other's answer, for it
is the single answer that is asked about: `why` of a line of the history, of the newest events that
brought nothing, and beside them the history itself.
"""

import json
import socket
import time
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import uuid4

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils import timezone

from bench.api_me import read_answer, request, served
from bench.pgbench import Figure
from club.accrual import actions, campaigns, inbox
from club.accrual.models import Campaign, Decision, Kind, Rulebook
from club.accrual.tasks import BATCH_EVENTS
from club.demo import programme
from club.languages import CODES
from club.reports import statement
from club.signin import tokens
from club.signin.tokens import Session
from club.subscribers.models import Subscriber

RULES, EVENTS, ASKED = 50, 2_000, 400
NUMBER = "998901234567"
SEED = 4


def run(url: str) -> dict[str, Figure]:
    """Measure on the migrated, empty database at `url`."""
    now = timezone.now()
    programme.load(now=now)
    publish(now)
    subscriber = somebody(now)
    receive(now)
    lines = statement.page(subscriber_id=subscriber.id, language="ru", limit=100).lines
    assert len(Rulebook.objects.latest("id").versions) >= RULES, "fifty rules were asked"
    assert Decision.objects.filter(reason="limit").exists(), "limits are on"
    session = Session(subscriber_id=subscriber.id, family=uuid4())
    header = f"Authorization: Bearer {tokens.access_token(session, now=now)}\r\n"
    asked = {
        "why": [f"/api/v1/history/{line.id}/why" for line in lines],
        "why_missed": ["/api/v1/history/missed"],
        "history": ["/api/v1/history"],
    }
    with served(url) as (_process, port):
        waits = {name: waited(port, paths, header) for name, paths in asked.items()}
    history_ms = at(waits["history"], 0.99)
    return {
        name: {
            "value": at(waits[name], 0.99),
            "unit": "ms p99",
            "at_most": 50,
            "baseline": f"p50 {at(waits[name], 0.5):.1f}; a page of history {history_ms:.1f} p99;"
            f" {RULES} rules, {EVENTS:,} events",
        }
        for name in ("why", "why_missed")
    }


def at(waits: list[float], part: float) -> float:
    """In milliseconds."""
    return sorted(waits)[int(len(waits) * part)] * 1000


def waited(port: int, paths: list[str], header: str) -> list[float]:
    """How long each answer took, in seconds; the first ones warm up and are not counted."""
    waits = []
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connected:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number in range(ASKED + ASKED // 10):
            begun = time.monotonic()
            connected.sendall(request(paths[number % len(paths)], header))
            read_answer(connected)
            waits.append(time.monotonic() - begun)
    return waits[ASKED // 10 :]


# ---- what is there to explain ----------------------------------------------------------------
def publish(now: datetime) -> None:
    """Rules as marketers write them: of an amount, and of two or three other facts."""
    random = Random(SEED)
    campaign = Campaign.objects.get(code="everyday")
    for number in range(RULES):
        campaigns.publish(
            rule=json.dumps(rule(number, random)),
            campaign=campaign,
            names=dict.fromkeys(CODES, f"№ {number}"),
            in_force=DateTimeTZRange(None, None),
            now=now,
        )


def rule(number: int, random: Random) -> dict[str, Any]:
    others = [
        is_("weekday", "ge", random.randint(2, 6)),
        is_("hour", "ge", random.randint(12, 20)),
        is_("tenure_months", "ge", random.randint(6, 36)),
        {"kind": "one_of", "field": "tariff", "values": ["start", "premium"]},
        {"kind": "one_of", "field": "tier", "values": ["gold", "platinum"]},
        is_("channel", "eq", random.choice(["app", "bank", "kiosk"])),
    ]
    amount = is_("amount", "ge", random.randint(1, 100) * 500_000)
    return {
        "id": f"rule-{number}",
        "when": {"kind": "all", "of": [amount, *random.sample(others, 3)]},
        "reward": {"kind": "per_unit", "per": 100_000, "points": 1, "cap_per_event": 500},
        "limits": [{"period": "month", "unit": "points", "most": 1_000}],
    }


def is_(field: str, op: str, value: object) -> dict[str, Any]:
    return {"kind": "compare", "field": field, "op": op, "value": value}


def somebody(now: datetime) -> Subscriber:
    return Subscriber.objects.create(
        msisdn=NUMBER, tariff="start", region="TAS", joined_at=now - timedelta(days=400)
    )


def receive(now: datetime) -> None:
    """Payments of a year, one in three too small for any rule."""
    random = Random(SEED)
    payments = [
        inbox.Incoming(
            source="espp",
            kind=Kind.PAYMENT,
            external_id=f"bench:{number}",
            msisdn=NUMBER,
            occurred_at=now - timedelta(hours=4 * number, minutes=random.randint(0, 200)),
            amount_tiyin=random.choice([100_000, random.randint(5, 500) * 100_000, 10_000_000]),
            channel=random.choice(["app", "bank", "kiosk"]),
            details={},
        )
        for number in range(EVENTS)
    ]
    for first in range(0, EVENTS, 500):
        inbox.receive(payments[first : first + 500], now=now)
    while actions.decide_batch(now=now, limit=BATCH_EVENTS).taken:
        pass

"""A stream of accruals as the jobs post them: 5,000 a statement, durable, one worker, subscribers in no
order; and what that costs the server and the worker."""

import os
import random
import time
from datetime import UTC, datetime, timedelta

from django.db import connection

from bench import books
from bench.books import LOT_DAYS, MONTHS, SUBSCRIBERS
from bench.pgbench import Figure, server_cpu_s
from club.ledger import actions as ledger

NEEDS_BOOKS = True
STATEMENTS = 60
ACCRUALS = 5_000


def run(url: str) -> dict[str, Figure]:
    books.touch(url)
    random.seed(1)
    post(batch(0))  # opens the connection, makes the plans
    batches = [batch(number) for number in range(1, STATEMENTS + 1)]
    before, client, began = server_cpu_s(url), os.times(), time.monotonic()
    for accruals in batches:
        post(accruals)
    took_s, after = time.monotonic() - began, os.times()
    connection.close()
    count = STATEMENTS * ACCRUALS
    server_us = (server_cpu_s(url) - before) / count * 1e6
    client_us = (after.user + after.system - client.user - client.system) / count * 1e6
    return {
        "stream": {
            "value": server_us, "unit": "us CPU", "at_most": 20,
            "baseline": f"{count / took_s:,.0f} accruals/s, durable; the worker's own {client_us:.1f} us",
        }
    }  # fmt: skip


def batch(number: int) -> list[ledger.Accrual]:
    today = datetime.now(UTC).date()
    return [
        ledger.Accrual(
            subscriber_id=random.randint(1, SUBSCRIBERS),
            ref=f"event:{number}:{place}",
            occurred_on=today,
            points=10,
            expires_on=today + timedelta(days=LOT_DAYS * MONTHS),
            fund=MONTHS % 3,
            fingerprint=b"sixteen bytes ok",
        )
        for place in range(ACCRUALS)
    ]


def post(accruals: list[ledger.Accrual]) -> None:
    assert ledger.post_many(source=ledger.Source.ACCRUAL, accruals=accruals).fresh == ACCRUALS

"""The night on which a lot of each of a million subscribers ends, in chunks of a transaction each."""

import statistics
import time
from datetime import UTC, datetime, timedelta

from django.db import connection

from bench import books
from bench.books import LOT_DAYS, SUBSCRIBERS
from bench.pgbench import Figure, server_cpu_s
from club.ledger import actions as ledger
from club.ledger.rules import Swept
from club.ledger.tasks import SUBSCRIBERS_PER_CHUNK

NEEDS_BOOKS = True


def run(url: str) -> dict[str, Figure]:
    books.touch(url)
    day = datetime.now(UTC).date() + timedelta(days=LOT_DAYS + 1)
    chunks: list[float] = []

    def chunk(after: int | None) -> Swept:
        began = time.monotonic()
        swept = ledger.expire_due(day=day, limit=SUBSCRIBERS_PER_CHUNK, after=after)
        chunks.append(time.monotonic() - began)
        return swept

    before = server_cpu_s(url)
    assert ledger.walk(chunk) == SUBSCRIBERS
    connection.close()
    cpu_s = server_cpu_s(url) - before
    return {
        "expire_1m_lots": {
            "value": cpu_s * 1e6 / SUBSCRIBERS, "unit": "s CPU a million", "at_most": 18,
            "baseline": f"{SUBSCRIBERS:,} lots, {sum(chunks):.0f} s in {len(chunks)} chunks",
        },
        "expire_chunk_longest": {
            "value": max(chunks), "unit": "s", "at_most": 1,
            "baseline": f"no lock lasts longer; median {statistics.median(chunks):.3f} s",
        },
    }  # fmt: skip

"""What is read often, or all of it: a page of a statement beside fifteen other readers, the nightly
reconciliation of every balance with its lots, and the bytes of a posting with its key."""

import re
import statistics
import tempfile
from pathlib import Path

import psycopg

from bench import pgbench
from bench.books import MONTHS, SUBSCRIBERS
from bench.pgbench import CLIENTS, Figure, server_cpu_s
from club.ledger import queries

NEEDS_BOOKS = True
ROUNDS = 3
PAGE = rf"""
\set subscriber random(1, {SUBSCRIBERS})
select * from ledger.statement(:subscriber, date '9999-12-31', timestamptz '9999-12-31', 0::smallint, '', 21);
"""


def run(url: str) -> dict[str, Figure]:
    waits = page_waits_ms(url)
    before = server_cpu_s(url)
    for _ in range(ROUNDS):
        assert queries.reconcile() == []
    reconcile_s = (server_cpu_s(url) - before) / ROUNDS * 1e6 / SUBSCRIBERS
    size, key = bytes_a_posting(url)
    return {
        "statement_page": {
            "value": waits[int(len(waits) * 0.99)], "unit": "ms p99", "at_most": 5,
            "baseline": f"{CLIENTS} clients, p50 {statistics.median(waits):.2f} ms,"
            f" {len(waits) / pgbench.SLICE_S:,.0f} pages/s of {MONTHS} lines",
        },
        "reconcile_1m_subscribers": {
            "value": reconcile_s, "unit": "s CPU a million", "at_most": 4,
            "baseline": "balance = lots + held - arrears, every account",
        },
        "disk": {
            "value": size, "unit": "B a posting", "at_most": 220,
            "baseline": f"of these its key {key:.0f} B",
        },
    }  # fmt: skip


def page_waits_ms(url: str) -> list[float]:
    """Every page's wait, in ascending order; a first slice warms the caches."""
    with tempfile.TemporaryDirectory() as folder, pgbench.script_file(PAGE) as work:
        pgbench.run(url, work, is_durable=True)
        log = Path(folder) / "waits"
        pgbench.run(url, (*work, "--log", f"--log-prefix={log}"), is_durable=True)
        lines = [line for file in Path(folder).iterdir() for line in file.read_text().splitlines()]
    return sorted(int(line.split()[2]) / 1000 for line in lines)


def bytes_a_posting(url: str) -> tuple[float, float]:
    with psycopg.connect(url) as db:
        row = db.execute(
            """
            select sum(pg_total_relation_size(inhrelid)) / sum(c.reltuples),
                   sum(pg_indexes_size(inhrelid)) / sum(c.reltuples)
              from pg_inherits join pg_class c on c.oid = inhrelid
             where inhparent = 'ledger.posting'::regclass and c.reltuples >= %s
            """,
            [SUBSCRIBERS * 0.9],  # an estimate
        ).fetchone()
    assert row is not None
    assert re.match(r"[0-9]", str(row[0])), "months that are full"
    return float(row[0]), float(row[1])

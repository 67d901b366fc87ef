"""What an accrual costs beside a transaction everybody knows: single accruals, one call and
one commit each, against pgbench's TPC-B on the same server, 16 clients, durable.

A machine's load moves the rate of either by a factor, but it moves both neighbours of an
interleaved pair alike. So short slices alternate, there and back (neither always comes first),
each repeat gives one ratio, and the median ratio is the figure. The accrual is the whole verb, on
the journal with all its columns and months: a fresh key, the lot, the balance.
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TypedDict

import psycopg

SUBSCRIBERS = 100_000
TPCB_SCALE = 20  # Two million rows: more branches than clients, or TPC-B would queue on them.
CLIENTS = 16
THREADS = 2
REPEATS = 7
SLICE_S = 3
CALL_TIMEOUT_S = 300

ACCRUE = rf"""
\set subscriber random(1, {SUBSCRIBERS})
\set ref random(1, 9000000000000)
\set month random(1, 12)
select * from ledger.accrue(:subscriber, 1::smallint, 'r' || :ref, current_date, 10,
    current_date + :month * 30, 0, '\x00112233445566778899aabbccddeeff'::bytea);
"""
# Twelve lots each, posted by the ledger's own door for batches.
OPENING = """
select fresh from ledger.post_many(
    1::smallint,
    array(select s from generate_series(%(first)s::bigint, %(last)s::bigint) s, generate_series(1, 12)),
    array(select 'opening' || m from generate_series(%(first)s::bigint, %(last)s::bigint), generate_series(1, 12) m),
    array_fill(current_date, array[%(rows)s::integer]),
    array_fill(1000::bigint, array[%(rows)s::integer]),
    array(select current_date + m * 30
            from generate_series(%(first)s::bigint, %(last)s::bigint), generate_series(1, 12) m),
    array_fill(0, array[%(rows)s::integer]),
    array_fill('\\x00112233445566778899aabbccddeeff'::bytea, array[%(rows)s::integer]))
"""
SUBSCRIBERS_A_BATCH = 10_000


class Figure(TypedDict):
    value: float
    unit: str
    baseline: str


def run(url: str, bindir: str | Path | None = None) -> dict[str, Figure]:
    """Measure on the migrated database at `url`; pgbench is in `bindir`, else at
    CLUB_BENCH_PGBENCH, else on the path."""
    pgbench = (
        str(Path(bindir) / "pgbench") if bindir else os.environ.get("CLUB_BENCH_PGBENCH", "pgbench")
    )
    prepare(url, pgbench)
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "accrue.sql"
        script.write_text(ACCRUE)
        works: list[list[str]] = [[], ["--file", str(script)]]
        ratios, accruals, baselines = [], [], []
        for repeat in range(REPEATS):
            order = (0, 1) if repeat % 2 == 0 else (1, 0)
            rates = {i: transactions_per_s(pgbench, url, works[i]) for i in order}
            ratios.append(rates[1] / rates[0])
            accruals.append(rates[1])
            baselines.append(rates[0])
            print(f"accrue {rates[1]:,.0f}/s, TPC-B {rates[0]:,.0f}/s", file=sys.stderr)
    baseline = (
        f"pgbench TPC-B: {statistics.median(accruals):,.0f}/s against"
        f" {statistics.median(baselines):,.0f}/s, {CLIENTS} clients, durable"
    )
    ratio = round(statistics.median(ratios), 2)
    return {"accrue_vs_tpcb": {"value": ratio, "unit": "x", "baseline": baseline}}


def prepare(url: str, pgbench: str) -> None:
    """TPC-B's tables, and subscribers whose accounts and lots are there already.

    No checkpoint at the end: the first touch of a page after one writes the page whole, and with
    slices of seconds the figure would be that of the tables' sizes.
    """
    subprocess.run(
        [pgbench, "--initialize", "--quiet", "--scale", str(TPCB_SCALE), url],
        check=True, capture_output=True, timeout=CALL_TIMEOUT_S,
    )  # fmt: skip
    with psycopg.connect(url, autocommit=True) as db:
        for first in range(1, SUBSCRIBERS + 1, SUBSCRIBERS_A_BATCH):
            last = first + SUBSCRIBERS_A_BATCH - 1
            rows = SUBSCRIBERS_A_BATCH * 12
            db.execute(OPENING, {"first": first, "last": last, "rows": rows})
        db.execute("vacuum analyze ledger.account, ledger.lot, ledger.posting")


def transactions_per_s(pgbench: str, url: str, work: list[str]) -> float:
    done = subprocess.run(
        [
            pgbench, "--no-vacuum", "--protocol=prepared", f"--client={CLIENTS}",
            f"--jobs={THREADS}", f"--time={SLICE_S}", *work, url,
        ],
        check=False, capture_output=True, text=True, timeout=CALL_TIMEOUT_S,
        env=os.environ | {"PGOPTIONS": "-c synchronous_commit=on"},
    )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(f"pgbench failed: {done.stderr}")
    rate = re.search(r"^tps = ([\d.]+)", done.stdout, re.MULTILINE)
    assert rate is not None, "pgbench tells its rate"
    return float(rate[1])

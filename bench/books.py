"""The books that the ledger's benchmarks begin with: a year of a million subscribers.

Every subscriber has ten accruals of 20 points, one in each of the last ten months, and a lot of
each, the next to expire in 30 days. A month's rows come in no order of subscribers, as they would
in life, so that heap and index look as they would, too. Written as the owner, because ten million
calls of a verb would take most of an hour; `proved` shows that they are books all the same.

TPC-B's tables stand beside them, written by pgbench, so that both sides of a comparison are equally
old: what a page costs at its first touch after a checkpoint is paid for both, or for neither.
"""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
from psycopg.sql import SQL, Identifier

from bench.pgbench import CALL_TIMEOUT_S, program

SUBSCRIBERS = int(os.environ.get("CLUB_BENCH_SUBSCRIBERS", "1000000"))
MONTHS = 10
POINTS = 20
FUNDS = 3
LOT_DAYS = 30  # lot number m expires this many days times m from today
WRITERS = 2
# Two rows a subscriber; more branches than clients, or TPC-B would queue on them.
TPCB_SCALE = max(20, 20 * SUBSCRIBERS // 1_000_000)

VALUES = {
    "subscribers": SUBSCRIBERS,
    "months": MONTHS,
    "points": POINTS,
    "posted": MONTHS * POINTS,
    "funds": FUNDS,
    "lot_days": LOT_DAYS,
}
ACCOUNTS = """
insert into ledger.account (subscriber_id, lot_keys, lot_points, posted, version, active_on)
select s, array(select ledger.lot_key(current_date + m * %(lot_days)s, m %% %(funds)s)
                  from generate_series(1, %(months)s) m order by 1),
       array_fill(%(points)s::bigint, array[%(months)s]), %(posted)s, %(months)s, current_date
  from generate_series(1, %(subscribers)s::bigint) s
"""
POSTINGS = """
insert into {month} (subscriber_id, points, posted_at, occurred_on, expires_on, fund, source,
                     kind, contra, ref, fingerprint)
select s, %(points)s, day + time '12:00', day, current_date + %(month)s * %(lot_days)s,
       %(month)s %% %(funds)s, 1, 1, 10, 'payment:' || s * 100 + %(month)s,
       substr(sha256(int8send(s)), 1, 16)
  from (select s, (current_date - make_interval(months => %(months)s - %(month)s + 1))::date as day
          from generate_series(1, %(subscribers)s::bigint) s
         order by hashint8extended(s, %(month)s)) v
"""


def write(url: str) -> None:
    """Fill the migrated database at `url`."""
    began = time.monotonic()
    subprocess.run(
        [program(), "--initialize", "--quiet", "--scale", str(TPCB_SCALE), url],
        check=True, capture_output=True, timeout=CALL_TIMEOUT_S,
    )  # fmt: skip
    with connected(url) as db:
        for number, code in enumerate(("campaign", "bank"), start=1):
            db.execute("insert into ledger.fund values (%s, %s, %s)", [number, code, code])
        db.execute(ACCOUNTS, VALUES)
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(lambda month: write_month(url, month), range(1, MONTHS + 1)))
    with connected(url) as db:
        db.execute("vacuum (analyze) ledger.account, ledger.posting")
        db.execute("checkpoint")
        size, postings = db.execute(
            "select pg_database_size(current_database()), count(*) from ledger.posting"
        ).fetchone() or (0, 0)
    print(
        f"{SUBSCRIBERS:,} subscribers, {postings:,} postings, {size / 2**20:,.0f} MiB"
        f" in {time.monotonic() - began:.0f} s",
        file=sys.stderr,
    )


def write_month(url: str, month: int) -> None:
    """Into an empty partition whose key is built afterwards, by one sort."""
    with connected(url) as db:
        row = db.execute(
            "select ledger.month_of((current_date - make_interval(months => %(months)s - %(month)s + 1))::date)",
            VALUES | {"month": month},
        ).fetchone()
        assert row is not None
        name = Identifier("ledger", row[0])
        db.execute(SQL("alter table ledger.posting detach partition {}").format(name))
        key = db.execute(
            "select conname from pg_constraint where conrelid = %s::regclass and contype = 'p'",
            [f"ledger.{row[0]}"],
        ).fetchone()
        assert key is not None
        db.execute(SQL("alter table {} drop constraint {}").format(name, Identifier(key[0])))
        db.execute(SQL(POSTINGS).format(month=name), VALUES | {"month": month})
        db.execute(
            SQL("alter table {} add primary key (subscriber_id, occurred_on, source, ref)").format(
                name
            )
        )
        db.execute(
            SQL(
                "alter table ledger.posting attach partition {} for values from ({}) to ({})"
            ).format(name, *bounds(row[0]))
        )


def bounds(partition: str) -> tuple[str, str]:
    """The first days of a partition's month and of the next one.

    >>> bounds("posting_202612")
    ('2026-12-01', '2027-01-01')
    """
    year, month = int(partition[-6:-2]), int(partition[-2:])
    after = (year + 1, 1) if month == 12 else (year, month + 1)
    return f"{year}-{month:02}-01", f"{after[0]}-{after[1]:02}-01"


def connected(url: str) -> "psycopg.Connection[tuple[object, ...]]":
    db = psycopg.connect(url, autocommit=True)
    db.execute("set synchronous_commit = off")
    db.execute("set maintenance_work_mem = '512MB'")
    return db


# One row of each page is locked, which logs the page whole: the first touch after a checkpoint.
TOUCH = """
select count(*) from (
    select from {table} where ctid = any (array(
        select format('(%s,1)', p)::tid
          from generate_series(0, pg_relation_size('{table}') / 8192 - 1) p))
       for update) t
"""


def touch(url: str) -> None:
    """Pays for the first touch of every page that ours or TPC-B's work will change.

    With slices of seconds the figure would otherwise be that of the tables' sizes, and of how long
    ago the checkpoint was.
    """
    with connected(url) as db:
        for table in ("ledger.account", "pgbench_accounts", "pgbench_tellers", "pgbench_branches"):
            db.execute(TOUCH.format(table=table))  # type: ignore[arg-type]  # our own names

"""The books that the ledger's benchmarks begin with: a year of a million subscribers.

Every subscriber has ten accruals of 20 points, one in each of the last ten months, and a lot of
each, the next to expire in 30 days. A month's rows come in no order of subscribers, as they would
in life, so that heap and index look as they would, too. Written as the owner, because ten million
calls of a verb would take most of an hour; `proved` shows that they are books all the same.
"""

import os
import sys
import time

import psycopg

SUBSCRIBERS = int(os.environ.get("CLUB_BENCH_SUBSCRIBERS", "1000000"))
MONTHS = 10
POINTS = 20
FUNDS = 3
LOT_DAYS = 30  # lot number m expires this many days times m from today

ACCOUNTS = """
insert into ledger.account (subscriber_id, lot_keys, lot_points, posted, version, active_on)
select s, array(select ledger.lot_key(current_date + m * %(lot_days)s, m %% %(funds)s)
                  from generate_series(1, %(months)s) m order by 1),
       array_fill(%(points)s::bigint, array[%(months)s]), %(posted)s, %(months)s, current_date
  from generate_series(1, %(subscribers)s::bigint) s
"""
POSTINGS = """
insert into ledger.posting (subscriber_id, points, posted_at, occurred_on, expires_on, fund, source,
                            kind, contra, ref, fingerprint)
select s, %(points)s, day + time '12:00', day, current_date + %(month)s * %(lot_days)s,
       %(month)s %% %(funds)s, 1, 1, 10, 'payment:' || s * 100 + %(month)s, sha256(int8send(s))
  from (select s, (current_date - make_interval(months => %(months)s - %(month)s + 1))::date as day
          from generate_series(1, %(subscribers)s::bigint) s
         order by hashint8extended(s, %(month)s)) v
"""


def write(url: str) -> None:
    """Fill the migrated database at `url`."""
    began = time.monotonic()
    values = {
        "subscribers": SUBSCRIBERS,
        "months": MONTHS,
        "points": POINTS,
        "posted": MONTHS * POINTS,
        "funds": FUNDS,
        "lot_days": LOT_DAYS,
    }
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("set synchronous_commit = off")
        db.execute("set maintenance_work_mem = '512MB'")
        for number, code in enumerate(("campaign", "bank"), start=1):
            db.execute("insert into ledger.fund values (%s, %s, %s)", [number, code, code])
        db.execute(ACCOUNTS, values)
        for month in range(1, MONTHS + 1):
            db.execute(POSTINGS, values | {"month": month})
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

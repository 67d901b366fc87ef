"""The night on which the levels of a million subscribers are worked out anew, in three schemes: points of
twelve months, points of a quarter, and tenure. One subscriber in a hundred stands elsewhere than the
books say, in each of them.

The server has had a day: its tables are vacuumed, and the journal was read once, so that the figure is
not that of memory which a server that has just been started touches for the first time (some 4 s of 16).
"""

import time
from datetime import datetime

from django.db import connection

from bench.books import SUBSCRIBERS, connected
from bench.pgbench import Figure, server_cpu_s
from club.clock import TASHKENT
from club.languages import CODES
from club.tiers import actions as tiers
from club.tiers import schemes

NEEDS_BOOKS = True
ASTRAY_PERCENT = 1

SCHEMES = (
    ("club", "points", 1, 12, {"bronze": 0, "silver": 100, "gold": 1_000, "platinum": 5_000}),
    ("season", "points", 3, 3, {"calm": 0, "busy": 30, "busiest": 500}),
    ("years", "tenure_months", 12, None, {"guest": 0, "friend": 12, "old-friend": 60}),
)
SUBSCRIBED = """
insert into subscribers_subscriber (id, msisdn, status, tariff, region, language, joined_at)
select s, '998' || lpad(s::text, 9, '0'), 'active', '', '', 'uz', now() - interval '30 months'
  from generate_series(1, %s::bigint) s
"""
STAND = """
insert into tiers_standing (subscriber_id, scheme_id, tier_id, since, measured, why)
select s, %s, %s, now() - interval '1 month', 0, 'earned'
  from generate_series(1, %s::bigint) s where s %% 100 >= %s
"""


def run(url: str) -> dict[str, Figure]:
    now = datetime.now(TASHKENT)
    set_up(url, now)
    server_s, client_s, began = server_cpu_s(url), time.process_time(), time.monotonic()
    moved = tiers.recompute(now=now)
    elapsed_s, client_s = time.monotonic() - began, time.process_time() - client_s
    connection.close()
    server_s = server_cpu_s(url) - server_s
    assert moved == tiers.Moved(risen=len(SCHEMES) * SUBSCRIBERS * ASTRAY_PERCENT // 100)
    return {
        "levels_1m": {
            "value": (server_s + client_s) * 1e6 / SUBSCRIBERS, "unit": "s CPU a million", "at_most": 15,
            "baseline": f"{len(SCHEMES)} schemes, {moved.risen:,} moved in {elapsed_s:.0f} s,"
            f" client {client_s:.1f} s",
        },
    }  # fmt: skip


def set_up(url: str, now: datetime) -> None:
    """Everybody where they belong, but a few."""
    for code, measure, period_months, window_months, thresholds in SCHEMES:
        schemes.put_in_force(
            {
                "code": code,
                "names": dict.fromkeys(CODES, code),
                "measure": measure,
                "period_months": period_months,
                "window_months": window_months,
                "tiers": [
                    {"code": tier, "names": dict.fromkeys(CODES, tier), "threshold": threshold}
                    for tier, threshold in thresholds.items()
                ],
            },
            now,
        )
    with connected(url) as db:
        db.execute(SUBSCRIBED, [SUBSCRIBERS])
        for code, *_, thresholds in SCHEMES:
            db.execute(STAND, [code, list(thresholds)[1], SUBSCRIBERS, ASTRAY_PERCENT])
        db.execute("vacuum (analyze) subscribers_subscriber, tiers_standing")
        db.execute("select sum(points) from ledger.posting")
        db.execute("checkpoint")

"""Pairs of a hold and its capture, two calls and two commits, beside pgbench's TPC-B with one."""

from bench import books, pgbench
from bench.books import SUBSCRIBERS
from bench.pgbench import Figure

NEEDS_BOOKS = True
SCRIPT = rf"""
\set subscriber random(1, {SUBSCRIBERS})
\set number random(1, 99999999999)
select * from ledger.hold_points(:subscriber, ('00000000-0000-4000-8000-0' || lpad(:number::text, 11, '0'))::uuid,
    current_date, 15, null, now() + interval '15 minutes', '\x00112233445566778899aabbccddeeff'::bytea);
select * from ledger.close_hold(:subscriber, ('00000000-0000-4000-8000-0' || lpad(:number::text, 11, '0'))::uuid,
    current_date);
"""


def run(url: str) -> dict[str, Figure]:
    books.touch(url)
    durable = pgbench.beside_tpcb(url, SCRIPT, is_durable=True)
    lazy = pgbench.beside_tpcb(url, SCRIPT, is_durable=False)
    return {
        "hold_capture_vs_tpcb": {
            "value": durable.ratio, "unit": "pairs x", "baseline": durable.told + ", durable",
            "at_least": 0.7,
        },
        "hold_capture_vs_tpcb_off": {
            "value": lazy.ratio, "unit": "pairs x",
            "baseline": lazy.told + ", synchronous_commit off", "at_least": 0.7,
        },
    }  # fmt: skip

"""Spending first to expire first, over ten lots, beside pgbench's TPC-B. A spend of 15 out of lots
of 20 touches one or two."""

from bench import books, pgbench
from bench.books import SUBSCRIBERS
from bench.pgbench import Figure

NEEDS_BOOKS = True
SCRIPT = rf"""
\set subscriber random(1, {SUBSCRIBERS})
\set ref random(1, 9000000000000)
select * from ledger.spend(:subscriber, 2::smallint, 's' || :ref, current_date, 15, null,
    '\x00112233445566778899aabbccddeeff'::bytea);
"""


def run(url: str) -> dict[str, Figure]:
    books.touch(url)
    durable = pgbench.beside_tpcb(url, SCRIPT, is_durable=True)
    lazy = pgbench.beside_tpcb(url, SCRIPT, is_durable=False)
    return {
        "spend_vs_tpcb": {
            "value": durable.ratio, "unit": "x", "baseline": durable.told + ", durable",
            "at_least": 1.2,
        },
        "spend_vs_tpcb_off": {
            "value": lazy.ratio, "unit": "x", "baseline": lazy.told + ", synchronous_commit off",
            "at_least": 1.4,
        },
    }  # fmt: skip

"""What an accrual costs beside a transaction everybody knows: single accruals, one call and one
commit each, against pgbench's TPC-B on the same server.

The accrual is the whole verb, on the journal with all its columns and months: a fresh key, the
lot, the balance. Nine of ten go into a bucket that is there already, as they do with points that
are good until a month's end; one opens a new one.
"""

from bench import books, pgbench
from bench.books import FUNDS, LOT_DAYS, MONTHS, SUBSCRIBERS
from bench.pgbench import Figure

NEEDS_BOOKS = True
SCRIPT = rf"""
\set subscriber random(1, {SUBSCRIBERS})
\set ref random(1, 9000000000000)
\set month random(1, {MONTHS})
\set fund case when random(1, 10) = 1 then {FUNDS} else :month % {FUNDS} end
select * from ledger.accrue(:subscriber, 1::smallint, 'r' || :ref, current_date, 10,
    current_date + :month * {LOT_DAYS}, (:fund)::integer, '\x00112233445566778899aabbccddeeff'::bytea);
"""


def run(url: str) -> dict[str, Figure]:
    books.touch(url)
    durable = pgbench.beside_tpcb(url, SCRIPT, is_durable=True)
    lazy = pgbench.beside_tpcb(url, SCRIPT, is_durable=False)
    return {
        "accrue_vs_tpcb": {
            "value": durable.ratio, "unit": "x", "baseline": durable.told + ", durable",
            "at_least": 1.8,
        },
        "accrue_vs_tpcb_off": {
            "value": lazy.ratio, "unit": "x", "baseline": lazy.told + ", synchronous_commit off",
            "at_least": 2.5,
        },
        "accrue_cpu": {
            "value": lazy.cpu_ratio, "unit": "of TPC-B's CPU", "baseline": lazy.told,
            "at_most": 0.6,
        },
    }  # fmt: skip

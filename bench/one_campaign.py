"""One campaign that pays everybody beside a thousand that pay some each: no row of the programme is
written in line, so nobody queues. Beside them what a textbook ledger does, which updates the
programme's account in the same transaction.
"""

import statistics

import psycopg

from bench import books, pgbench
from bench.books import LOT_DAYS, MONTHS, SUBSCRIBERS
from bench.pgbench import CLIENTS, Figure

NEEDS_BOOKS = True
FUNDS = 1_000
ACCRUE = rf"""
\set subscriber random(1, {SUBSCRIBERS})
\set ref random(1, 9000000000000)
\set fund {{fund}}
select * from ledger.accrue(:subscriber, 1::smallint, 'c' || :ref, current_date, 10,
    current_date + {MONTHS * LOT_DAYS}, :fund, '\x00112233445566778899aabbccddeeff'::bytea);
"""
IN_LINE = (
    ACCRUE.format(fund="1").replace("\nselect", "\nbegin;\nselect")
    + "update programme_account set points = points + 10 where fund = :fund;\nend;\n"
)


def run(url: str) -> dict[str, Figure]:
    books.touch(url)
    with psycopg.connect(url, autocommit=True) as db:
        db.execute(
            "create table programme_account (fund integer primary key, points bigint not null)"
        )
        db.execute("insert into programme_account values (1, 0)")
    scripts = (
        ACCRUE.format(fund="1"),
        ACCRUE.format(fund=f"random(1, {FUNDS})"),
        IN_LINE,
    )
    rates: list[list[float]] = [[], [], []]
    for repeat in range(pgbench.REPEATS):
        order = (0, 1, 2) if repeat % 2 else (2, 1, 0)
        for place in order:
            with pgbench.script_file(scripts[place]) as work:
                rates[place].append(pgbench.run(url, work, is_durable=True).per_s)
    one, many, in_line = map(statistics.median, rates)
    return {
        "one_campaign": {
            "value": round(statistics.median(a / b for a, b in zip(*rates[:2], strict=True)), 2),
            "unit": "x", "at_least": 0.9,
            "baseline": f"one fund {one:,.0f}/s, {FUNDS:,} funds {many:,.0f}/s, {CLIENTS} clients, durable;"
            f" with a programme row updated in line {in_line:,.0f}/s",
        }
    }  # fmt: skip

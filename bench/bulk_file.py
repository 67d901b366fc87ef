"""A million accruals from one file, for a million subscribers, by two workers and idempotent, beside
what a database can do with the same file at all: copy it, copy it and insert it into a journal with
the same key, and post it as a textbook ledger would (a transaction, two entries and a lot for each).

All are committed durably, in this order, on the books of a million. The file is in no order, its
points go to the lot that this month's go to, and it is given twice: the second time is the replay.
"""

import random
import statistics
import time
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta

import psycopg
from django.db import connection

from bench import books
from bench.books import LOT_DAYS, MONTHS, SUBSCRIBERS
from bench.pgbench import Figure, server_cpu_s
from club.ledger import actions as ledger

NEEDS_BOOKS = True
LINES = min(SUBSCRIBERS, 1_000_000)
ROUNDS = 3
WORKERS = 2
BLOCK = 1 << 18
COPY = "copy {} (ref, subscriber_id, points, occurred_on, expires_on, fund) from stdin with (format csv, header)"
COLUMNS = """ref text, subscriber_id bigint, points bigint, occurred_on date, expires_on date, fund text"""

TEXTBOOK_TABLES = """
create schema textbook;
create table textbook.account (id bigint primary key, balance bigint not null default 0);
create table textbook.transaction (
    id bigint generated always as identity primary key, ref text not null unique,
    kind smallint not null, created_at timestamptz not null default now());
create table textbook.entry (
    id bigint generated always as identity primary key,
    transaction_id bigint not null references textbook.transaction, account_id bigint not null,
    points bigint not null, created_at timestamptz not null default now());
create index on textbook.entry (account_id, created_at);
create table textbook.lot (
    id bigint generated always as identity primary key, account_id bigint not null,
    transaction_id bigint not null references textbook.transaction,
    expires_on date not null, points bigint not null, remaining bigint not null);
create index on textbook.lot (account_id, expires_on);
insert into textbook.account select s from generate_series(1, %s) s;
vacuum analyze textbook.account
"""
TEXTBOOK = """
with made as (
    insert into textbook.transaction (ref, kind) select ref, 1 from stage
        on conflict (ref) do nothing returning id, ref),
known as (select m.id, s.* from made m join stage s on s.ref = m.ref),
entries as (
    insert into textbook.entry (transaction_id, account_id, points)
    select id, subscriber_id, points from known union all select id, 0, -points from known),
lots as (
    insert into textbook.lot (account_id, transaction_id, expires_on, points, remaining)
    select subscriber_id, id, expires_on, points, points from known)
update textbook.account a set balance = balance + k.points
  from (select subscriber_id, sum(points) as points from known group by 1) k where a.id = k.subscriber_id
"""
JOURNAL_TABLE = """
create table same_journal (like ledger.posting including defaults,
    primary key (subscriber_id, occurred_on, source, ref)) partition by range (occurred_on);
create index on same_journal using brin (posted_at) with (pages_per_range = 32, autosummarize = on);
create table same_journal_now partition of same_journal for values from ('{}') to ('{}')
"""
JOURNAL = """
insert into same_journal (subscriber_id, points, occurred_on, expires_on, fund, source, kind, contra, ref, fingerprint)
select s.subscriber_id, s.points, s.occurred_on, s.expires_on, f.fund, 5, 1, 10, s.ref, '\\x00112233445566778899aabbccddeeff'
  from stage s join ledger.fund f on f.code = s.fund
"""


def run(url: str) -> dict[str, Figure]:
    books.touch(url)
    today = datetime.now(UTC).date()
    first = today.replace(day=1)
    with psycopg.connect(url) as db:
        db.execute(JOURNAL_TABLE.format(first, (first + timedelta(days=32)).replace(day=1)))
        for statement in (TEXTBOOK_TABLES % SUBSCRIBERS).split(";")[:-1]:
            db.execute(statement)
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("vacuum analyze textbook.account")

    took: dict[str, list[float]] = {}
    cpu: dict[str, list[float]] = {}

    def timed(name: str, work: Callable[[], object]) -> None:
        before, began = server_cpu_s(url), time.monotonic()
        work()
        took.setdefault(name, []).append(time.monotonic() - began)
        cpu.setdefault(name, []).append((server_cpu_s(url) - before) / LINES * 1e6)

    logged = 0.0
    for round_ in range(ROUNDS):
        blocks = file_of(today, round_)
        timed("copy", lambda blocks=blocks: bare_copy(url, blocks))
        timed("journal", lambda blocks=blocks: copy_and_insert(url, blocks))
        before = wal_bytes()
        timed("ours", lambda blocks=blocks: post(blocks, fresh=LINES))
        logged += wal_bytes() - before
        timed("replay", lambda blocks=blocks: post(blocks, fresh=0))
        if round_ == 0:
            timed("textbook", lambda blocks=blocks: copy_and_book(url, blocks))
    connection.close()

    def rate(name: str) -> float:
        return LINES / statistics.median(took[name])

    def beside(name: str) -> float:
        return round(
            statistics.median(a / b for a, b in zip(took[name], took["ours"], strict=False)), 3
        )

    def told(name: str) -> str:
        return f"{rate(name):,.0f}/s, {statistics.median(cpu[name]):.1f} us CPU a line"

    ours = told("ours")
    return {
        "bulk_file": figure(beside("journal"), "x", f"{ours}; COPY + INSERT {told('journal')}", 0.55),
        "bulk_file_vs_copy": figure(beside("copy"), "x", f"bare COPY {told('copy')}", 0.07),
        "bulk_file_vs_textbook": figure(beside("textbook"), "x", f"textbook {told('textbook')}", 3),
        "bulk_file_replay": figure(
            round(statistics.median(a / b for a, b in zip(took["ours"], took["replay"], strict=True)), 2),
            "x", f"replay {told('replay')}, first load {ours}", 2,
        ),
        "bulk_file_wal": {
            "value": logged / ROUNDS / LINES, "unit": "B an accrual",
            "baseline": "all WAL of the load", "at_most": 400,
        },
    }  # fmt: skip


def figure(value: float, unit: str, baseline: str, at_least: float) -> Figure:
    return {"value": value, "unit": unit, "baseline": baseline, "at_least": at_least}


def file_of(day: date, round_: int) -> list[bytes]:
    subscribers = random.Random(round_).sample(range(1, SUBSCRIBERS + 1), LINES)
    until = day + timedelta(days=MONTHS * LOT_DAYS)
    fund = ("operator", "campaign", "bank")[MONTHS % 3]
    lines = [
        f"p{round_}{n:08d},{who},10,{day},{until},{fund}\n" for n, who in enumerate(subscribers)
    ]
    text = ("ref,subscriber_id,points,occurred_on,expires_on,fund\n" + "".join(lines)).encode()
    return [text[at : at + BLOCK] for at in range(0, len(text), BLOCK)]


def copy_into(
    db: "psycopg.Connection[tuple[object, ...]]", table: str, blocks: Iterable[bytes]
) -> None:
    with db.cursor().copy(COPY.format(table)) as copy:  # type: ignore[arg-type]  # our own name
        for block in blocks:
            copy.write(block)


def bare_copy(url: str, blocks: Iterable[bytes]) -> None:
    with psycopg.connect(url) as db:
        db.execute(f"create table copied ({COLUMNS})")  # type: ignore[arg-type]
        copy_into(db, "copied", blocks)
        db.commit()
        db.execute("drop table copied")


def copy_and_insert(url: str, blocks: Iterable[bytes]) -> None:
    with psycopg.connect(url) as db:
        db.execute(f"create temporary table stage ({COLUMNS})")  # type: ignore[arg-type]
        copy_into(db, "stage", blocks)
        db.execute(JOURNAL)


def copy_and_book(url: str, blocks: Iterable[bytes]) -> None:
    with psycopg.connect(url) as db:
        db.execute(f"create temporary table stage ({COLUMNS})")  # type: ignore[arg-type]
        copy_into(db, "stage", blocks)
        db.execute("analyze stage")
        db.execute(TEXTBOOK)


def post(blocks: Iterable[bytes], *, fresh: int) -> None:
    posted = ledger.post_file(
        blocks=blocks, source=ledger.Source.IMPORT, prefix="bench:", workers=WORKERS
    )
    assert (posted.fresh, posted.conflicts) == (fresh, ())


def wal_bytes() -> float:
    with connection.cursor() as cursor:
        cursor.execute("select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')")
        return float(cursor.fetchone()[0])

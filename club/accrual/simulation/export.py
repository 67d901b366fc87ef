"""The events that were decided, as Parquet files that a job keeps current: what simulations read.

Files never change. A run writes one for each month of events it brought, so late events reach an old month
without touching its other files. The table ExportFile says which count: a file enters it after it is
whole on the disk, in the transaction that moves the mark. Nothing in them names anybody: no number.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import psycopg
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Min

from club.accrual.models import Export, ExportErased, ExportFile, Outcome
from club.accrual.rules.event_types import EVENT_TYPES, cancellation_of
from club.accrual.rules.facts import FIELDS

if TYPE_CHECKING:
    import duckdb

TYPES: dict[type, str] = {str: "varchar", int: "bigint", bool: "boolean", tuple: "varchar[]"}
OWN_COLUMNS = {
    "event_id": "bigint",
    "subscriber_id": "bigint",
    "occurred_us": "bigint",
    "day": "date",
    "cancels": "bigint",
}
"""Beside the facts. `cancels` is the event that a cancellation undoes; None for an event."""
OVERLAP = timedelta(hours=2)
"""A transaction commits later than its `decided_at` says: so much is read again, and what is known left
out. The longest batch takes seconds."""
WINDOW = timedelta(days=1)
FILES_A_MONTH_MAX = 30
KEPT_FOR = timedelta(days=1)
"""Files that no longer count: a simulation may still be reading them."""


@dataclass(frozen=True, slots=True)
class State:
    until: datetime | None
    files: int
    events: int


def columns() -> dict[str, str]:
    """Every column with its type. A fact that a later release adds is missing in older files."""
    return OWN_COLUMNS | {name: TYPES[kind] for name, kind in FIELDS.items()}


def state() -> State:
    mark = Export.objects.first()
    counted = [*ExportFile.objects.values_list("events", flat=True)]
    return State(mark.until if mark else None, len(counted), sum(counted))


def files(*, first: date, last: date) -> list[Path]:
    """Those with events of these days, and their cancellations."""
    names = ExportFile.objects.filter(month__gte=first.replace(day=1), month__lte=last)
    return [
        settings.EXPORT / name for name in names.order_by("name").values_list("name", flat=True)
    ]


def bring_up_to_date(*, now: datetime, told: Callable[[datetime], None] | None = None) -> int:
    """Export what was decided since the last run, a day in a transaction; answers how many events and
    cancellations. `told` hears after each until when."""
    found = 0
    with connected() as duck:
        while True:
            events, until = _export_window(duck, now)
            found += events
            if told:
                told(until)
            if until >= now:
                return found


@transaction.atomic
def _export_window(duck: duckdb.DuckDBPyConnection, now: datetime) -> tuple[int, datetime]:
    Export.objects.get_or_create(id=1)
    mark = Export.objects.select_for_update().get(id=1)  # a second run waits here
    since = mark.until
    if since is None:
        first = Outcome.objects.filter(state="decided").aggregate(first=Min("decided_at"))["first"]
        since = first or now
    until = max(since, min(since + WINDOW, now))
    lines = settings.EXPORT / f"{uuid4().hex}.csv"
    try:
        _copy(lines, since=since - OVERLAP, until=until)
        known = ExportFile.objects.filter(until__gt=since - OVERLAP)
        written = _write(duck, lines, [settings.EXPORT / one.name for one in known], until)
    finally:
        lines.unlink(missing_ok=True)
    ExportFile.objects.bulk_create(written)
    mark.until = until
    mark.save(update_fields=["until"])
    return sum(one.events for one in written), until


def _copy(to: Path, *, since: datetime, until: datetime) -> None:
    """What was decided in this time, as lines of CSV. A fact is text in them, a list one as JSON has it,
    read by its type later."""
    facts = ", ".join(f"o.facts->>'{name}'" for name in FIELDS)
    nothing = ", ".join(["null"] * len(FIELDS))
    own = """(extract(epoch from p.occurred_at) * 1000000)::bigint,
             (p.occurred_at at time zone 'Asia/Tashkent')::date"""
    # Facts are kept as plain text, which would be read anew for each of them: turned into jsonb once.
    # Each event is found by its key, row by row: with stale statistics the planner has been seen to join
    # the whole inbox to itself.
    sql = f"""
        copy (
            with decided as materialized (
                select event_id, facts::jsonb as facts from accrual_outcome
                 where state = 'decided' and decided_at >= %(since)s and decided_at < %(until)s)
            select p.id, p.subscriber_id, {own}, null::bigint, {facts}
              from decided o
             cross join lateral (select * from accrual_event e where e.id = o.event_id offset 0) p
             where o.facts is not null and p.subscriber_id is not null
         union all
            select c.id, p.subscriber_id, {own}, p.id, {nothing}
              from decided o
             cross join lateral (select * from accrual_event e where e.id = o.event_id offset 0) c
              join unnest(%(kinds)s::text[], %(cancelled)s::text[]) as k (kind, cancelled)
                   on k.kind = c.kind
             cross join lateral (select * from accrual_event e
                                  where e.source = c.source and e.external_id = c.external_id
                                    and e.kind = k.cancelled offset 0) p
             cross join lateral (select 1 from accrual_outcome po
                                  where po.event_id = p.id and po.facts is not null offset 0) put
             where o.facts is null and p.subscriber_id is not null
        ) to stdout (format csv)
    """
    connection.ensure_connection()
    values = {
        "since": since,
        "until": until,
        "kinds": [*map(cancellation_of, EVENT_TYPES)],
        "cancelled": [*EVENT_TYPES],
    }
    with (
        to.open("wb") as file,
        psycopg.Cursor(connection.connection) as cursor,
        cursor.copy(sql, values) as copied,
    ):
        for block in copied:
            file.write(block)


def _write(
    duck: duckdb.DuckDBPyConnection, lines: Path, known: Sequence[Path], until: datetime
) -> list[ExportFile]:
    """A file for each month of what is new in the lines."""
    duck.execute(
        "create or replace table news as select *, date_trunc('month', day)::date as month"
        " from read_csv($lines, columns = $columns, header = false, nullstr = '',"
        " allow_quoted_nulls = false, auto_detect = false)",
        {"lines": str(lines), "columns": columns()},
    )
    if known:
        duck.execute(
            "delete from news using read_parquet($known) k where news.event_id = k.event_id",
            {"known": [str(path) for path in known]},
        )
    months = duck.execute("select distinct month from news order by month").fetchall()
    return [
        _write_file(duck, f"from news where month = date '{month}'", month, until)
        for (month,) in months
    ]


def _write_file(
    duck: duckdb.DuckDBPyConnection, source: str, month: date, until: datetime
) -> ExportFile:
    """Whole on the disk before anybody hears of it."""
    name = f"{month:%Y-%m}.{uuid4().hex}.parquet"
    half = settings.EXPORT / f"{name}.half"
    listed = ", ".join(f'"{column}"' for column in columns())
    duck.execute(
        f"copy (select {listed} {source} order by subscriber_id, occurred_us, event_id)"
        f" to '{half}' (format parquet, compression zstd)"
    )
    row = duck.execute(
        f"select count(*), min(occurred_us) filter (cancels is null),"
        f" max(occurred_us) filter (cancels is null) from read_parquet('{half}')"
    ).fetchone()
    assert row is not None
    with half.open("rb") as written:
        os.fsync(written.fileno())
    half.replace(half.with_suffix(""))
    return ExportFile(
        name=name, month=month, events=row[0], first_us=row[1], last_us=row[2], until=until
    )


# ---- upkeep ----------------------------------------------------------------------------------
def tidy(*, now: datetime) -> int:
    """Make one file of a month's many, without whoever was erased; answers how many months. Files that
    do not count are deleted after a day."""
    erased = [*ExportErased.objects.values_list("subscriber_id", flat=True)]
    many = ExportFile.objects.values("month").annotate(files=Count("name"))
    months = {one["month"] for one in many if one["files"] > FILES_A_MONTH_MAX}
    for month in sorted(months | _months_of(erased)):
        _rewrite(month, erased)
    ExportErased.objects.filter(subscriber_id__in=erased).delete()
    counted = {*ExportFile.objects.values_list("name", flat=True)}
    for path in settings.EXPORT.glob("*") if settings.EXPORT.is_dir() else ():
        is_old = path.is_file() and path.stat().st_mtime < (now - KEPT_FOR).timestamp()
        if is_old and path.name not in counted:
            path.unlink()
    return len(months)


def _months_of(subscribers: Sequence[int]) -> set[date]:
    """The months in which any of these has an event."""
    every = [*ExportFile.objects.values_list("name", "month")]
    if not subscribers or not every:
        return set()
    with connected() as duck:
        found = duck.execute(
            "select distinct date_trunc('month', day)::date from read_parquet($files)"
            " where list_contains($subscribers, subscriber_id)",
            {
                "files": [str(settings.EXPORT / name) for name, _ in every],
                "subscribers": list(subscribers),
            },
        ).fetchall()
    return {month for (month,) in found}


@transaction.atomic
def _rewrite(month: date, erased: Sequence[int]) -> None:
    Export.objects.select_for_update().get(id=1)
    old = [*ExportFile.objects.filter(month=month)]
    with connected() as duck:
        duck.execute(f"create view old as {source([settings.EXPORT / one.name for one in old])}")
        gone = ", ".join(map(str, erased)) or "null"
        new = _write_file(
            duck,
            f"from old where (subscriber_id in ({gone})) is not true",
            month,
            max(one.until for one in old),
        )
    ExportFile.objects.filter(name__in=[one.name for one in old]).delete()
    new.save(force_insert=True)


# ---- reading ---------------------------------------------------------------------------------
def source(paths: Sequence[Path]) -> str:
    """DuckDB's SELECT of all columns of these files; one that none of them has yet is NULL."""
    listed = "[" + ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths) + "]"
    read = f"read_parquet({listed}, union_by_name = true)"
    with connected() as duck:
        known = {str(name) for name, *_ in duck.execute(f"describe from {read}").fetchall()}
    picked = ", ".join(
        f'"{name}"' if name in known else f'null::{kind} as "{name}"'
        for name, kind in columns().items()
    )
    return f"select {picked} from {read}"


def connected() -> duckdb.DuckDBPyConnection:
    """A database of its own in memory: bounded, and spilled beside the files.

    DuckDB is loaded here, so that only those who ask it carry it: not every worker and web server.
    """
    import duckdb

    settings.EXPORT.mkdir(parents=True, exist_ok=True)
    return duckdb.connect(
        config={
            "memory_limit": "1500MB",
            "temp_directory": str(settings.EXPORT / "spill"),
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
    )

"""An old month in which a little of everything happened, closed in every respect."""

from datetime import date, timedelta
from uuid import UUID

from club.clock import months_later
from club.ledger import actions as ledger
from club.ledger import queries
from club.ledger.seals import sealing
from tests.ledger.plain import (
    ACCRUE,
    CAPTURE,
    HOLD,
    ME,
    REVERSE,
    SPEND,
    THIS,
    TRANSFER,
    YOU,
    call,
    rows,
    run,
)
from tests.ledger.sealed import as_owner

TODAY = date(2026, 11, 22)
SEALED = date(2026, 11, 17)
NOON = "2026-11-22 12:00+00"


def oldest() -> date:
    """The first day of the oldest month."""
    ((name,),) = rows(
        "select min(c.relname::text) from pg_inherits i join pg_class c on c.oid = i.inhrelid"
        " where i.inhparent = 'ledger.posting'::regclass"
    )
    return date(int(str(name)[-6:-2]), int(str(name)[-2:]), 1)


def live(old: date) -> None:
    """What happened in the oldest month, and what came of it in the month after it. Of everything that
    a proof looks for again: earnings, a spend, a capture, a transfer, a debt, and a kept promise."""
    day, later = old + timedelta(days=9), months_later(old, 1)
    soon, end = months_later(old, 2), date(2030, 12, 31)
    for who, ref, points, until in ((ME, "a", 100, soon), (ME, "b", 50, end), (YOU, "c", 30, end)):
        call(ACCRUE, who, ref, day, points, until, THIS)
    call(SPEND, ME, "s", day, 20, THIS)
    call(HOLD, ME, UUID(int=1), day, 10, NOON, THIS)
    call(CAPTURE, ME, UUID(int=1), day, 6)
    call(HOLD, ME, UUID(int=2), day, 7, NOON, THIS)
    call(TRANSFER, ME, YOU, "t", day, 12, THIS)
    call(SPEND, YOU, "s", day, 40, THIS)
    call(REVERSE, YOU, "r", day, 1, "c", day, 30, THIS, None)
    call(
        "select * from ledger.promise_many(1::smallint, array[%s::bigint], array['p'], array[%s::date],"
        " array[9::bigint], array[%s::date], array[0], array[%s::bytea], array[%s::timestamptz])",
        ME, day, end, THIS, NOON,
    )  # fmt: skip
    call("select ledger.keep_promises(%s, 5)", NOON)
    call(REVERSE, ME, "back", later, 2, "s", day, 5, THIS, None)
    call("select ledger.expire_due(%s, 10)", months_later(old, 3))
    run_as_sealed(SEALED)
    assert queries.prove() == []


def run_as_sealed(day: date) -> None:
    """All of it was posted on one day, and that day is counted and sealed."""
    months = [
        str(name)
        for (name,) in rows("select distinct ledger.month_of(occurred_on) from ledger.posting")
    ]
    with as_owner(*months):
        run("update ledger.posting set posted_at = ledger.day_start(%s) + interval '1 hour'", day)
    run("update ledger.hold set placed_at = p.at, closed_at = p.at + (closed_at - closed_at)"
        "  from (select ledger.day_start(%s) + interval '1 hour') p (at)", day)  # fmt: skip
    sealing.seal(day=day)
    assert ledger.count_day() == day


def detach(month: date) -> ledger.Detached:
    return ledger.detach_month(month=month, today=TODAY)

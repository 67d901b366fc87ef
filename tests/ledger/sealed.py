"""Books whose days are over and sealed, and the hand of somebody with the owner's rights."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from uuid import UUID

from club.ledger.rules import Breach
from club.ledger.seals import checking, sealing
from tests.ledger.plain import (
    CAPTURE,
    DAY,
    HOLD,
    LATER,
    ME,
    REVERSE,
    SPEND,
    THIS,
    TRANSFER,
    YOU,
    call,
    earn,
    run,
)

FIRST, SECOND, EMPTY, LAST = (date(2026, 11, day) for day in (17, 18, 19, 20))
LATE = date(2026, 10, 30)
NOON = "2026-11-22 12:00+00"
TABLES = ("posting_202610", "posting_202611", "seal")


@contextmanager
def as_owner(*tables: str) -> Iterator[None]:
    """With the triggers off, as only the tables' owner can have them."""
    for table in tables or TABLES:
        run(f"alter table ledger.{table} disable trigger user")
    yield
    for table in tables or TABLES:
        run(f"alter table ledger.{table} enable trigger user")


def forge(sql: str, *parameters: object) -> None:
    with as_owner():
        assert run(sql, *parameters) > 0


def posted_on(day: date) -> None:
    """What was posted a moment ago was posted in the morning of that day."""
    forge(
        "update ledger.posting set posted_at = ledger.day_start(%s) + interval '9 hours'"
        " where posted_at > now() - interval '1 hour'",
        day,
    )


def write_four_days() -> None:
    """A little of everything, on four days in a row, the third one empty."""
    earn(100, ref="a")
    earn(50, ref="b", expires_on=LATER)
    earn(30, ref="c", who=YOU)
    posted_on(FIRST)
    call(SPEND, ME, "s", DAY, 20, THIS)
    call(REVERSE, ME, "r", DAY, 2, "s", DAY, 5, THIS, None)
    call(SPEND, YOU, "s", DAY, 25, THIS)
    call(
        "select * from ledger.accrue(%s, 1::smallint, 'late', %s, 7, %s, 0, %s)",
        ME,
        LATE,
        LATER,
        THIS,
    )
    posted_on(SECOND)
    call(HOLD, ME, UUID(int=1), DAY, 10, NOON, THIS)
    call(CAPTURE, ME, UUID(int=1), DAY, 6)
    call(TRANSFER, ME, YOU, "t", DAY, 12, THIS)
    posted_on(LAST)


def seal_them() -> None:
    done = sealing.seal_closed_days(until=LAST)
    assert [header.day for header in done.headers] == [FIRST, SECOND, EMPTY, LAST]
    assert found() == []


def found(*, since: date | None = None) -> list[Breach]:
    return list(checking.check(since=since))


def told() -> set[tuple[str, int | None, str]]:
    return {(breach.law, breach.subscriber_id, breach.place) for breach in found()}

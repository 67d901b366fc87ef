"""When a day of the books is closed: never while somebody may still post into it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, datetime, timedelta

import psycopg
import pytest

from club.clock import TASHKENT, day_of


@pytest.fixture
def asker(database_url: str) -> Iterator[psycopg.Connection]:
    """Beside the test, which may not be in a transaction of its own: that would count."""
    with psycopg.connect(database_url, autocommit=True) as db:
        yield db


@contextmanager
def under_way(url: str) -> Iterator[datetime]:
    """A transaction of somebody else that has begun; tells a moment after its beginning."""
    with psycopg.connect(url) as somebody:
        somebody.execute("select 1")
        yield told(somebody, "select clock_timestamp()")


def told(db: psycopg.Connection, sql: str, *parameters: object) -> datetime:
    row = db.execute(sql, parameters).fetchone()
    assert row is not None
    return row[0]


def unfinished(db: psycopg.Connection, moment: datetime) -> object:
    return told(db, "select ledger.unfinished_before(%s)", moment)


def is_closed(db: psycopg.Connection, day: date) -> object:
    return told(db, "select ledger.day_is_closed(%s)", day)


def test_who_began_before_a_moment_keeps_it_open_until_the_end(
    asker: psycopg.Connection, database_url: str
) -> None:
    with under_way(database_url) as moment:
        assert unfinished(asker, moment) == 1
        assert unfinished(asker, moment - timedelta(hours=1)) == 0

    assert unfinished(asker, moment) == 0


def test_the_asker_s_own_transaction_counts_too(asker: psycopg.Connection) -> None:
    with asker.transaction():
        moment = told(asker, "select clock_timestamp()")

        assert unfinished(asker, moment) == 1


def test_asked_again_in_one_transaction_it_looks_again(
    asker: psycopg.Connection, database_url: str
) -> None:
    with ExitStack() as others:
        moment = others.enter_context(under_way(database_url))
        with asker.transaction():
            assert unfinished(asker, moment) == 1
            others.close()
            assert unfinished(asker, moment) == 0


def test_a_session_whose_times_are_hidden_counts_while_it_is_in_a_transaction(
    asker: psycopg.Connection, database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as idle:
        idle.execute("select 1")
        with under_way(database_url) as moment, as_a_stranger(asker):
            assert unfinished(asker, moment - timedelta(hours=1)) == 1

        with as_a_stranger(asker):
            assert unfinished(asker, moment) == 0


@contextmanager
def as_a_stranger(db: psycopg.Connection) -> Iterator[None]:
    """The function looks at the sessions as a role that may not see into them."""
    with db.transaction(force_rollback=True):
        db.execute("create role stranger")
        db.execute("alter function ledger.unfinished_before owner to stranger")
        yield


def test_a_day_is_closed_some_time_after_its_last_moment_in_tashkent(
    asker: psycopg.Connection,
) -> None:
    today = day_of(told(asker, "select now()"))

    assert is_closed(asker, today) is False
    assert is_closed(asker, today - timedelta(days=2)) is True


def test_a_day_begins_at_midnight_in_tashkent(asker: psycopg.Connection) -> None:
    began = told(asker, "select ledger.day_start(%s)", date(2026, 11, 22))

    assert began == datetime(2026, 11, 22, tzinfo=TASHKENT)


def test_the_application_may_ask(asker: psycopg.Connection) -> None:
    with asker.transaction(force_rollback=True):
        asker.execute("set local role club_app")

        assert is_closed(asker, date(2026, 1, 1)) is True

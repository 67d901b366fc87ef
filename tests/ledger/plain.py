"""Plain SQL for the ledger's tests: calls, refusals, and the same call from many connections at
once. Everything that a verb promises must hold for whoever calls it, not only for our own door."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from hashlib import sha256
from threading import Barrier

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction

DAY = date(2026, 11, 22)
SOON, LATER = date(2026, 12, 31), date(2027, 6, 30)
ME, YOU = 901, 902
THIS, THAT = sha256(b"this").digest(), sha256(b"that").digest()

ACCRUE = "select * from ledger.accrue(%s, 1::smallint, %s, %s, %s, %s, 0, %s)"
SPEND = "select * from ledger.spend(%s, 2::smallint, %s, %s, %s, null, %s)"
HOLD = "select * from ledger.hold_points(%s, %s, %s, %s, null, %s, %s)"
CAPTURE = "select * from ledger.close_hold(%s, %s, %s, %s::bigint)"
RELEASE = "select * from ledger.close_hold(%s, %s, %s, 0)"
REVERSE = (
    "select * from ledger.reverse_posting("
    "%s, 3::smallint, %s, %s, %s::smallint, %s, %s, %s::bigint, %s, %s::date)"
)
POST_MANY = (
    "select * from ledger.post_many(1::smallint, %s::bigint[], %s::text[], %s::date[],"
    " %s::bigint[], %s::date[], %s::integer[], %s::bytea[])"
)
TRANSFER = (  # without limits and fee
    "select * from ledger.transfer(%s, %s, true, 4::smallint, %s, %s, '2026-11-22 12:00+00', %s, 0, 0,"
    " null, null, null, null, 0, %s, null, null)"
)

Row = tuple[object, ...]

raced: dict[str, int] = {}
"""By this test: how many races, how many calls in them were answered, or refused by which SQLSTATE."""


def call(sql: str, *parameters: object) -> Row:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return tuple(cursor.fetchone())


def rows(sql: str, *parameters: object) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def run(sql: str, *parameters: object) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return int(cursor.rowcount)


def refusal(sql: str, *parameters: object) -> str:
    """The SQLSTATE with which the database refuses; the transaction stays usable."""
    with pytest.raises(DatabaseError) as told, transaction.atomic():
        run(sql, *parameters)
    return str(getattr(told.value.__cause__, "sqlstate", ""))


def earn(points: int, *, expires_on: date = SOON, ref: str = "earned", who: int = ME) -> None:
    assert call(ACCRUE, who, ref, DAY, points, expires_on, THIS) == (True, False)


def account(who: int = ME) -> Row:
    """posted, held, arrears"""
    return call("select posted, held, arrears from ledger.account where subscriber_id = %s", who)


def lots(who: int = ME) -> list[Row]:
    return rows(
        "select expires_on, points from ledger.lot"
        " where subscriber_id = %s order by expires_on, fund",
        who,
    )


def journal(who: int = ME) -> list[Row]:
    """kind, points, of everything posted, in the order of refs"""
    return rows(
        "select kind, points from ledger.posting where subscriber_id = %s order by ref, source", who
    )


def breaches() -> list[Row]:
    return rows("select law, subscriber_id, place, expected, found from ledger.prove()")


def at_once(url: str, calls: Sequence[tuple[str, Sequence[object]]]) -> list[Row | str]:
    """Each call on a connection of its own, all let go at one moment: rows, or SQLSTATEs."""
    start = Barrier(len(calls))

    def one(sql: str, parameters: Sequence[object]) -> Row | str:
        with psycopg.connect(url, autocommit=True) as db:
            start.wait(timeout=30)
            try:
                row = db.execute(sql, parameters).fetchone()
            except psycopg.Error as error:
                return error.sqlstate or repr(error)
            return tuple(row or ())

    with ThreadPoolExecutor(len(calls)) as pool:
        answers = list(pool.map(lambda args: one(*args), calls))
    for what in ("races", *(a if isinstance(a, str) else "answered" for a in answers)):
        raced[what] = raced.get(what, 0) + 1
    return answers

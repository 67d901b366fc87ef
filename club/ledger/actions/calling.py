"""How a verb of the books is called: one statement, its refusals told in words."""

from collections.abc import Sequence
from typing import Any

import psycopg
from django.db import connection

from club.ledger.rules import Booked


def call(sql: str, parameters: Sequence[Any]) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return tuple(cursor.fetchone())


def call_apart(sql: str, parameters: Sequence[Any]) -> tuple[Any, ...]:
    """As `call`, with the parameters sent apart: quoted into the statement, arrays of thousands
    would cost more than the statement itself."""
    connection.ensure_connection()
    connection.validate_no_broken_transaction()
    with (
        connection.wrap_database_errors,
        psycopg.Cursor(connection.connection) as cursor,
    ):
        row = cursor.execute(sql, parameters).fetchone()
    assert row is not None, "a function without a set answers one row"
    return tuple(row)


def booked(sql: str, parameters: Sequence[Any]) -> Booked:
    is_fresh, available_points = call(sql, parameters)
    return Booked(bool(is_fresh), int(available_points))

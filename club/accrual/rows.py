"""How this room speaks SQL to thousands of rows at once: columns as arrays, sent in binary."""

import json
from collections.abc import Iterable
from typing import Any

import psycopg
from django.db import connection


def rows(sql: str, **parameters: object) -> list[tuple[Any, ...]]:
    """Run one statement with named parameters (`%(ids)b::bigint[]`) and fetch what it returns.

    Parameters travel apart from the statement and in binary: as literals, arrays of thousands
    would cost more to write and parse than the statement itself.
    """
    connection.ensure_connection()
    connection.validate_no_broken_transaction()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else []


def columns(names: str, table: Iterable[tuple[Any, ...]]) -> dict[str, list[Any]]:
    """Rows turned into named arrays for `unnest`.

    >>> columns("ids names", [(1, "a"), (2, "b")]), columns("ids names", [])
    ({'ids': [1, 2], 'names': ['a', 'b']}, {'ids': [], 'names': []})
    """
    named: dict[str, list[Any]] = {name: [] for name in names.split()}
    for row in table:
        for column, value in zip(named.values(), row, strict=True):
            column.append(value)
    return named


def as_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

"""How this room speaks SQL to thousands of rows at once: one array literal a column."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import psycopg
from django.db import connection
from pydantic_core import to_json

from club.arrays import literal

ROWS_A_FETCH = 2_000


def rows(sql: str, **parameters: object) -> list[tuple[Any, ...]]:
    """Run one statement with named parameters (`%(ids)b::bigint[]`) and fetch what it returns.

    Parameters travel apart from the statement: quoted into it, arrays of thousands would cost
    more to write and parse than the statement itself.
    """
    connection.ensure_connection()
    connection.validate_no_broken_transaction()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(sql, parameters, binary=True)  # Django's own loader of moments is in Python
        return cursor.fetchall() if cursor.description else []


def streamed(sql: str, **parameters: object) -> Iterator[tuple[Any, ...]]:
    """As `rows`, of one moment and without holding them all; inside a transaction, and read to its end
    or not at all before the next one."""
    assert connection.in_atomic_block, "a cursor of the server lives as long as a transaction"
    connection.ensure_connection()
    with (
        connection.wrap_database_errors,
        psycopg.ServerCursor(connection.connection, "streamed") as cursor,
    ):
        cursor.itersize = ROWS_A_FETCH
        cursor.execute(sql, parameters, binary=True)
        yield from cursor


def copy(into: str, lines: Iterable[str]) -> None:
    """Append rows in COPY's text format, a line each, to a table with its columns: a third cheaper than
    an INSERT of the same rows, for the server writes a page's rows in one go."""
    connection.ensure_connection()
    connection.validate_no_broken_transaction()
    with (
        connection.wrap_database_errors,
        psycopg.Cursor(connection.connection) as cursor,
        cursor.copy(f"copy {into} from stdin") as stream,
    ):
        stream.write("".join(lines))


def copied(text: str | None) -> str:
    r"""A text as COPY reads it.

    >>> copied("a\tb"), copied(None)
    ('a\\tb', '\\N')
    """
    if text is None:
        return r"\N"
    text = text.replace("\\", r"\\").replace("\t", r"\t")
    return text.replace("\n", r"\n").replace("\r", r"\r")


def copied_json(text: str) -> str:
    r"""JSON as COPY reads it: of what COPY escapes, it has nothing but backslashes.

    >>> copied_json('{"a":"\\t"}')
    '{"a":"\\\\t"}'
    """
    return text.replace("\\", r"\\")


def columns(names: str, table: Sequence[tuple[Any, ...]]) -> dict[str, str]:
    """Rows turned into named array literals for `unnest`.

    >>> columns("ids names", [(1, "a"), (2, "b")]), columns("ids names", [])
    ({'ids': '{1,2}', 'names': '{"a","b"}'}, {'ids': '{}', 'names': '{}'})
    """
    if not table:
        return dict.fromkeys(names.split(), "{}")
    turned = zip(*table, strict=True)
    return dict(zip(names.split(), map(literal, turned), strict=True))


def as_json(value: object) -> str:
    """A third of json's price, twice for every event. Raises ValueError for half a character.

    A number without an end becomes a text: PostgreSQL's JSON has none.

    >>> as_json({"agent": "oʻ", "paid": None, "rate": float("inf")})
    '{"agent":"oʻ","paid":null,"rate":"Infinity"}'
    """
    return to_json(value, inf_nan_mode="strings").decode()

"""How the books are read: plain rows, outside of any model."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection


def rows(
    sql: str, parameters: Sequence[Any] | Mapping[str, Any] | None = None
) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())

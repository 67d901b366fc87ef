"""Columns of many rows as PostgreSQL's array literals.

A batch travels as one array a column. The driver would quote a thousand values one by one; most of
a column's literal is a join, and joins run in C: a sixth of the time for a register's line
(measured). The server reads the text by the parameter's cast, `%(ids)b::bigint[]`.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime


def literal(values: Sequence[object]) -> str:
    r"""The array literal of values of one type; None is NULL.

    Raises ValueError for a text with a NUL, which PostgreSQL cannot store, and TypeError for a type
    that no column of ours has.

    >>> literal([1, None, 3]), literal(["a", 'quo"te', "back\\slash", ""]), literal([])
    ('{1,NULL,3}', '{"a","quo\\"te","back\\\\slash",""}', '{}')
    >>> literal([b"\x00\xff"]), literal([date(2026, 11, 23), None])
    ('{"\\\\x00ff"}', '{2026-11-23,NULL}')
    """
    first = next((value for value in values if value is not None), None)
    if first is None:
        return "{" + ",".join(["NULL"] * len(values)) + "}"
    if isinstance(first, str) and None not in values:
        return _texts(values)  # type: ignore[arg-type]  # one type, as the first one shows
    write = _writer(first)
    return "{" + ",".join(["NULL" if v is None else write(v) for v in values]) + "}"


def _texts(values: Sequence[str]) -> str:
    """All of them joined by the one character that no text may hold, quoted in one go."""
    joined = "\0".join(values)
    if joined.count("\0") != len(values) - 1:
        raise ValueError("a text with a NUL cannot be stored")
    escaped = joined.replace("\\", "\\\\").replace('"', '\\"')
    return '{"' + escaped.replace("\0", '","') + '"}'


def _writer(value: object) -> Callable[..., str]:
    match value:
        case bool():
            raise TypeError("no column of ours is an array of booleans")
        case int():
            return str
        case str():
            return lambda text: _texts([text])[1:-1]
        case bytes() | bytearray() | memoryview():
            return lambda octets: f'"\\\\x{octets.hex()}"'
        case datetime():
            return datetime.isoformat
        case date():
            return date.isoformat
        case _:
            raise TypeError(f"no array literal for {type(value).__name__}")

"""A part of a transaction that may fail alone."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction


@contextmanager
def savepoint() -> Iterator[None]:
    """As `transaction.atomic()` inside another one, for whoever goes on after an error in it.

    Where the connection is lost while the part is undone, Django keeps that to itself: the error goes
    on as it came, and whoever catches it ends a transaction that is rolled back without a word, and
    answered as done. Raises OperationalError then.
    """
    try:
        with transaction.atomic():
            yield
    except Exception as error:
        if connection.in_atomic_block and connection.needs_rollback:
            raise OperationalError("the connection was lost inside a transaction") from error
        raise

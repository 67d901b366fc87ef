"""Which process owns the channel, and how the others see it.

The owner holds an advisory lock of its PostgreSQL session: when the process or its connection
dies, the lock is free at once and a stand-by takes over. The same connection listens to the outbox
and carries, as its application_name, whether the bind stands; that is what readiness looks at, and
no heartbeat row can outlive its process.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import psycopg
from django.db import connection, connections
from psycopg import sql

from club.messages.actions import CHANNEL

LOCK: Final = 0x636C7562_736D73  # "clubsms"
BOUND, NOT_BOUND = "beeline-club sms bound", "beeline-club sms not bound"
LISTEN_S: Final = 1.0


def problem() -> str:
    """Why messages do not leave at this moment, for /health/ready; empty when they do."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select distinct application_name from pg_stat_activity"
            " where datname = current_database() and application_name in (%s, %s)",
            [BOUND, NOT_BOUND],
        )
        names = {name for (name,) in cursor.fetchall()}
    if BOUND in names:
        return ""
    return "the message centre is not bound" if names else "no process sends messages"


@asynccontextmanager
async def owned() -> AsyncIterator[psycopg.AsyncConnection | None]:
    """The owner's connection, listening; None while another process owns the channel.

    Raises psycopg.OperationalError where the database cannot be reached.
    """
    wanted = connections["default"].get_connection_params()
    for name in ("cursor_factory", "context", "prepare_threshold"):
        wanted.pop(name, None)
    wanted["application_name"] = NOT_BOUND
    async with await psycopg.AsyncConnection.connect(**wanted, autocommit=True) as session:
        cursor = await session.execute("select pg_try_advisory_lock(%s)", [LOCK])
        row = await cursor.fetchone()
        if row is None or not row[0]:
            yield None
            return
        await session.execute(sql.SQL("listen {}").format(sql.Identifier(CHANNEL)))
        yield session


async def watch(
    session: psycopg.AsyncConnection, *, is_bound: Callable[[], bool], on_news: Callable[[], None]
) -> None:
    """Report every notice of the outbox, and at least once a second; tell whether we are bound.

    Ends only by psycopg.OperationalError: the connection, and with it the lock, is gone.
    """
    told = NOT_BOUND
    while True:
        name = BOUND if is_bound() else NOT_BOUND
        if name != told:
            await session.execute("select set_config('application_name', %s, false)", [name])
            told = name
        # The generator is read to its end, so that no notice of a burst waits for the next round.
        async for _ in session.notifies(timeout=LISTEN_S, stop_after=1):
            continue
        on_news()

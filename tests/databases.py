"""Databases for tests: migrated once into a template, then cloned in a third of a second."""

import fcntl
import hashlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg.sql import SQL, Identifier, Literal

from chaos.memory import roomy_folder
from club.local_postgres import require_server, running
from tests.missing import tries

SERVERS_MAX = 16
TEMPLATE_KEPT = "1 day"
LOCK = 0x62636C  # the advisory lock under which a template is made

# Tests clone and drop databases all the time, and nothing of it has to survive a power cut.
QUICK = {
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "128MB",  # what is written ahead may lie in memory
    # For the few rows of a test, workers cost four times what they read.
    "max_parallel_workers_per_gather": str(tries(2, quick=0)),
}


@contextmanager
def own_server(base: Path) -> Iterator[str]:
    """A server for this run of the tests. A second run at the same time takes the next folder.

    It lives in memory, where a database is cloned in a tenth of the time; without enough of it, in
    `.club`. Either is kept for the next run, which finds the template made.
    """
    memory = roomy_folder()
    home = memory / f"club-tests-{mark_of(f'{os.getuid()} {base}')}" if memory else base / ".club"
    for number in range(1, SERVERS_MAX + 1):
        folder = home / ("test-postgres" if number == 1 else f"test-postgres-{number}")
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            with running(folder, options=QUICK) as server:
                yield server.url("postgres")
            return
    raise RuntimeError(f"{SERVERS_MAX} runs of the tests are under way in {home}")


@contextmanager
def cloned(server_url: str, *, worker: str, base: Path) -> Iterator[str]:
    """The address of a fresh database of this process, dropped at the end."""
    require_server(server_url)
    name = f"club_test_{host_mark()}_{os.getpid()}_{worker}"
    url = with_database(server_url, name)
    with psycopg.connect(server_url, autocommit=True) as maintenance:
        drop_what_dead_processes_left(maintenance)
        make_template(maintenance, server_url, base=base)
    clone_again(url, base=base, server_url=server_url)
    try:
        yield url
    finally:
        with psycopg.connect(server_url, autocommit=True) as maintenance:
            maintenance.execute(drop(name))


def clone_again(url: str, *, base: Path, server_url: str | None = None) -> None:
    """Replace the database at `url` by a new copy of the template."""
    name = urlsplit(url).path.lstrip("/")
    with psycopg.connect(
        server_url or with_database(url, "postgres"), autocommit=True
    ) as maintenance:
        maintenance.execute(drop(name))
        maintenance.execute(
            SQL("create database {} template {}").format(
                Identifier(name), Identifier(template_name(base))
            )
        )


def make_template(maintenance: psycopg.Connection, server_url: str, *, base: Path) -> None:
    name = template_name(base)
    # An advisory lock holds within one database only: somebody connected to another one of the
    # same server may make the same template now, so the half-made one carries our own number.
    half = f"{name}_{os.getpid()}"
    maintenance.execute("select pg_advisory_lock(%s)", [LOCK])  # one run makes it, others wait
    try:
        if exists(maintenance, name):
            return
        drop_old_templates(maintenance)
        maintenance.execute(drop(half))
        maintenance.execute(SQL("create database {}").format(Identifier(half)))
        migrate(with_database(server_url, half), base=base)
        # Nobody may be connected to a template while it is cloned, so nobody may connect.
        maintenance.execute(
            SQL("alter database {} with allow_connections false").format(Identifier(half))
        )
        maintenance.execute(
            SQL("comment on database {} is {}").format(
                Identifier(half), Literal(now_of(maintenance))
            )
        )
        with suppress(psycopg.errors.DuplicateDatabase):
            maintenance.execute(
                SQL("alter database {} rename to {}").format(Identifier(half), Identifier(name))
            )
            return
        maintenance.execute(drop(half))
    finally:
        maintenance.execute("select pg_advisory_unlock(%s)", [LOCK])


def migrate(url: str, *, base: Path) -> None:
    """In a process of its own: it must not see what the tests changed in this one."""
    environment = os.environ | {
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "club.settings",
        "CLUB_SECRET_KEY": "of the tests",
    }
    environment.pop("CLUB_DATABASE_ROLE", None)
    done = subprocess.run(
        [sys.executable, "-m", "django", "migrate", "--verbosity=0"],
        cwd=base, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(f"the migrations failed:\n{done.stdout}{done.stderr}")


def template_name(base: Path) -> str:
    """Named by everything that decides what a migrated database looks like."""
    digest = hashlib.sha256()
    sources = [
        *base.glob("club/**/migrations/*.py"),
        *base.glob("club/**/sql/**/*.sql"),
        base / "requirements" / "run.txt",
    ]
    for path in sorted(sources):
        digest.update(f"{path.relative_to(base)}\0".encode())
        digest.update(path.read_bytes())
    return f"club_template_{digest.hexdigest()[:16]}"


def drop_what_dead_processes_left(maintenance: psycopg.Connection) -> None:
    prefix = f"club_test_{host_mark()}_"
    for (name,) in maintenance.execute(
        "select datname from pg_database d where starts_with(datname, %s)"
        " and not exists (select from pg_stat_activity a where a.datid = d.oid)",
        [prefix],
    ).fetchall():
        pid = name.removeprefix(prefix).partition("_")[0]
        if pid.isdigit() and not is_alive(int(pid)):
            maintenance.execute(drop(name))


def drop_old_templates(maintenance: psycopg.Connection) -> None:
    """Those of former migrations; a young one may belong to somebody at work beside us."""
    for (name,) in maintenance.execute(
        "select datname from pg_database where starts_with(datname, 'club_template_')"
        " and shobj_description(oid, 'pg_database')::timestamptz < now() - %s::interval",
        [TEMPLATE_KEPT],
    ).fetchall():
        maintenance.execute(drop(name))


def drop(name: str) -> psycopg.sql.Composed:
    return SQL("drop database if exists {} with (force)").format(Identifier(name))


def exists(maintenance: psycopg.Connection, name: str) -> bool:
    found = maintenance.execute("select 1 from pg_database where datname = %s", [name])
    return found.fetchone() is not None


def now_of(maintenance: psycopg.Connection) -> str:
    row = maintenance.execute("select now()::text").fetchone()
    assert row is not None
    return str(row[0])


def with_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{quote(name)}"))


def host_mark() -> str:
    """Process numbers mean something on one machine only."""
    return mark_of(socket.gethostname())


def mark_of(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:6]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

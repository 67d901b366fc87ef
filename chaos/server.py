"""The database of a chaos run: durable as in production, and killed by hand."""

import os
import re
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Timer

import psycopg

from club.local_postgres import DatabaseUnavailable, LocalPostgres, is_server_of

DURABLE = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # Checkpoints all the time, so that kills meet them, and the recovery has little to do.
    "checkpoint_timeout": "30s",
    "max_wal_size": "64MB",
    "shared_buffers": "64MB",
}
# For the time in which the database is made; what is on the disk then is flushed once.
QUICK = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
DATABASE = "chaos"
START_TIMEOUT_S = 60
# What a server writes into its log when its files are not what they should be.
DAMAGE = re.compile(r"PANIC|TRAP|invalid page|could not read block|checksum|missing chunk")


class Server:
    def __init__(self, folder: Path) -> None:
        self.postgres = LocalPostgres(folder, options=QUICK)
        self.damage: list[str] = []

    @property
    def url(self) -> str:
        return self.postgres.url(DATABASE)

    def start(self) -> None:
        """Ready on return. What a killed one left alive is waited for: it holds the memory."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            self._until_nobody_works_there(deadline)
            try:
                self.postgres.start()
                return
            except DatabaseUnavailable:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def become_durable(self) -> None:
        self.postgres.stop()
        os.sync()
        self.postgres.options = DURABLE
        self.start()

    def stop(self) -> None:
        self.postgres.stop()
        self._read_log()

    def kill_postmaster(self) -> None:
        """Its children find that out by themselves, and end."""
        assert self.postgres.process is not None
        self.postgres.process.kill()
        self.postgres.process.wait()
        self._read_log()

    def start_and_kill_while_it_recovers(self, *, after_s: float) -> bool:
        """False when it was ready before that: then it lives."""
        hit: list[bool] = []

        def kill() -> None:
            process = self.postgres.process
            if process is not None and process.poll() is None:
                hit.append(True)
                process.kill()

        self._until_nobody_works_there(time.monotonic() + START_TIMEOUT_S)
        timer = Timer(after_s, kill)
        timer.start()
        try:
            self.postgres.start()
        except (DatabaseUnavailable, psycopg.Error):
            return True
        finally:
            timer.cancel()
            timer.join()
        return bool(hit)

    def kill_and_recover(self, pid: int) -> bool:
        """One of the server's processes: the postmaster then ends all others and recovers. False,
        and nothing happened, when that one had ended by itself."""
        with psycopg.connect(self.url, autocommit=True) as canary:
            if not kill(pid):
                return False
            until(partial(_is_broken, canary), timeout_s=START_TIMEOUT_S, what="the crash")
        self.wait_until_ready()
        return True

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                psycopg.connect(self.url, connect_timeout=5).close()
                return
            except psycopg.OperationalError:
                assert time.monotonic() < deadline, "the database does not come back"
                time.sleep(0.02)

    def look(self, sql: str) -> list[tuple[object, ...]]:
        """Rows of one question; none when it cannot be asked just now."""
        try:
            with psycopg.connect(self.url, connect_timeout=5, autocommit=True) as db:
                return list(db.execute(sql).fetchall())
        except psycopg.Error:
            return []

    def _until_nobody_works_there(self, deadline: float) -> None:
        while pids := processes_in(self.postgres.cluster):
            assert time.monotonic() < deadline, f"left alive by the server: {pids}"
            time.sleep(0.01)

    def _read_log(self) -> None:
        text = self.postgres.log.read_text(errors="replace")
        self.damage += [line for line in text.splitlines() if DAMAGE.search(line)]


def _is_broken(connection: psycopg.Connection) -> bool:
    try:
        connection.execute("select 1")
    except psycopg.Error:
        return True
    return False


def processes_in(cluster: Path) -> list[int]:
    pids = (int(name.name) for name in Path("/proc").iterdir() if name.name.isdigit())
    return [pid for pid in pids if is_server_of(pid, cluster)]


def kill(pid: int) -> bool:
    """False when it has ended by itself."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def until(done: Callable[[], bool], *, timeout_s: float, what: str) -> None:
    deadline = time.monotonic() + timeout_s
    while not done():
        assert time.monotonic() < deadline, f"nothing came of it within {timeout_s} s: {what}"
        time.sleep(0.02)

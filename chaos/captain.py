"""The captain of a run: starts everybody, kills somebody, starts them again; never a word to the dead."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random

from chaos.cast import DRIVERS, Cast
from chaos.diary import Diary
from chaos.parts import Buyer, Driver, Importer, Intake, Sweeper
from chaos.program import Part, forked, play
from chaos.server import Server, kill, until
from club import serving
from club.processes import end_with_the_parent

WORKERS = 2
BETWEEN_KILLS_S = (0.05, 0.9)
RECOVERY_KILL_AFTER_S = (0.01, 0.25)
FILE_LINES = {"import": 11_000, "accrue": 31_000}  # three transactions each
STOP_TIMEOUT_S = 100

# What is killed, in a hundred: half of it is the database.
WAYS = {
    "postmaster": 20, "postmaster, again while it recovers": 5, "a session of the database": 21,
    "another process of the database": 4, "worker": 17, "driver of the ledger": 17, "sweeper": 5,
    "intake": 4, "buyer": 3, "importer": 4,
}  # fmt: skip
GONE = "gone already"  # it ended by itself, so that was no kill
OF_THE_DATABASE = frozenset(list(WAYS)[:4])


@dataclass
class Captain:
    cast: Cast
    server: Server
    seed: int
    log: Path
    parts: dict[str, Part] = field(default_factory=dict)
    pids: dict[str, int] = field(default_factory=dict)
    workers: list[int] = field(default_factory=list)
    kills: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By what was killed, and at what it was."""
    ended_alone: int = 0
    """Workers that ended when the database went, and were started again, as a supervisor does."""

    def __post_init__(self) -> None:
        self.rng = Random(f"{self.seed}:captain")
        everybody: list[Part] = [
            *(Driver(n, self.cast, self.seed) for n in range(DRIVERS)),
            Sweeper(self.cast, self.seed), Intake(self.cast, self.seed),
            Buyer(self.cast, self.seed), Importer(self.cast, self.seed, lines=FILE_LINES),
        ]  # fmt: skip
        self.parts = {part.name: part for part in everybody}

    @property
    def diaries(self) -> list[Diary]:
        return [Diary(self.cast.diary(name)).read() for name in self.parts]

    # ---- everybody's life

    def start_all(self) -> None:
        for name in self.parts:
            self._start(name)
        for _ in range(WORKERS):
            self._start_worker()

    def look_after(self) -> None:
        """Whoever ended by themselves begins again."""
        for worker in [pid for pid in self.workers if _has_ended(pid)]:
            self.workers.remove(worker)
            self.ended_alone += 1
            self._start_worker()
        for name, pid in self.pids.items():
            assert not _has_ended(pid), f"{name} ended by itself: see {self.log}"

    def _start(self, name: str) -> None:
        self.pids[name] = self._forked(partial(play, self.parts[name], self.cast, seed=self.seed))

    def _start_worker(self) -> None:
        """As `club worker`, but for its interpreter, which is ours: it would take seconds each time."""
        self.workers.append(self._forked(serving.work))

    def _forked(self, work: Callable[[], None]) -> int:
        def speak_to_the_log() -> None:
            with self.log.open("ab") as log:
                os.dup2(log.fileno(), 2)
            logging.getLogger().setLevel(logging.ERROR)
            work()

        return forked(speak_to_the_log)

    # ---- the end of somebody

    def kill_many(self, number: int) -> Iterator[bool]:
        """After each kill, and when what was killed is back: whether it was of the database."""
        for way in self.plan(number):
            time.sleep(self.rng.uniform(*BETWEEN_KILLS_S))
            self.look_after()
            while (hit := self._kill(way)) == GONE:
                self.look_after()
            self.kills[way, hit] += 1
            yield way in OF_THE_DATABASE

    def plan(self, number: int) -> list[str]:
        """Each way in its share, the most frequent first where there are few; in random order."""
        total = sum(WAYS.values())
        shares = {way: number * share / total for way, share in WAYS.items()}
        plan = [way for way, share in shares.items() for _ in range(int(share))]
        rest = sorted(WAYS, key=lambda way: int(shares[way]) - shares[way])
        plan += rest[: number - len(plan)]
        self.rng.shuffle(plan)
        return plan

    def _kill(self, way: str) -> str:
        match way:
            case "postmaster":
                at_work = self._at_work()
                self.server.kill_postmaster()
                self.server.start()
                return at_work
            case "postmaster, again while it recovers":
                return self._kill_twice()
            case "a session of the database":
                return self._kill_session()
            case "another process of the database":
                return self._kill_helper()
            case "worker":
                return self._kill_worker()
            case "driver of the ledger":
                return self._kill_part(f"driver-{self.rng.randrange(DRIVERS)}")
            case part:
                return self._kill_part(part)

    def _kill_twice(self) -> str:
        self.server.kill_postmaster()
        after_s = self.rng.uniform(*RECOVERY_KILL_AFTER_S)
        was_hit = self.server.start_and_kill_while_it_recovers(after_s=after_s)
        if was_hit:
            self.server.start()
        return "recovering" if was_hit else "ready again"

    def _kill_session(self) -> str:
        """Looks for one that is in the middle of something, and for a moment only."""
        for _ in range(40):
            sessions = self.server.look(
                "select pid, state from pg_stat_activity"
                " where backend_type = 'client backend' and pid <> pg_backend_pid()"
                " and application_name <> 'captain'"
            )
            busy = [one for one in sessions if one[1] in ("active", "idle in transaction")]
            if busy or self.rng.random() < 0.05:
                break
        for pid, state in self.rng.sample(busy or sessions, len(busy or sessions)):
            if self.server.kill_and_recover(int(str(pid))):
                return {"active": "in a statement", "idle in transaction": "in a transaction"}.get(
                    str(state), "idle"
                )
        return GONE

    def _kill_helper(self) -> str:
        found = self.server.look(
            "select pid, backend_type from pg_stat_activity"
            " where backend_type in ('checkpointer', 'background writer', 'walwriter')"
        )
        for pid, kind in self.rng.sample(found, len(found)):
            if self.server.kill_and_recover(int(str(pid))):
                return str(kind)
        return GONE

    def _kill_worker(self) -> str:
        for _ in range(20):
            found = self.server.look(
                "select count(*) from procrastinate_jobs where status = 'doing'"
            )
            if is_busy := bool(found and found[0][0]):
                break
            time.sleep(0.02)
        worker = self.rng.choice(self.workers)
        self.workers.remove(worker)
        kill(worker)
        os.waitpid(worker, 0)
        self._start_worker()
        return "jobs under way" if is_busy else "no job under way"

    def _kill_part(self, name: str) -> str:
        kill(self.pids[name])
        os.waitpid(self.pids.pop(name), 0)
        is_pending = Diary(self.cast.diary(name)).read().pending is not None
        self._start(name)
        return "in a deed" if is_pending else "between two deeds"

    def _at_work(self) -> str:
        found = self.server.look(
            "select count(*) from pg_stat_activity where backend_type = 'client backend'"
            " and pid <> pg_backend_pid() and state in ('active', 'idle in transaction')"
        )
        return "sessions at work" if found and found[0][0] else "no session at work"

    # ---- a peaceful end

    def stop_parts(self) -> None:
        """All end what they are at, also what a killed one had begun."""
        for pid in self.pids.values():
            os.kill(pid, signal.SIGTERM)
        for name, pid in self.pids.items():
            until(partial(_has_ended, pid), timeout_s=STOP_TIMEOUT_S, what=f"the end of {name}")
        self.pids.clear()

    def stop_workers(self) -> None:
        for pid in self.workers:
            os.kill(pid, signal.SIGTERM)
        for pid in self.workers:
            until(partial(_has_ended, pid), timeout_s=STOP_TIMEOUT_S, what="the end of a worker")
        self.workers.clear()

    def end_everybody(self) -> None:
        """Whatever happened: nothing stays."""
        for pid in (*self.pids.values(), *self.workers):
            if kill(pid):
                os.waitpid(pid, 0)
        self.pids.clear()
        self.workers.clear()


def _has_ended(pid: int) -> bool:
    return os.waitpid(pid, os.WNOHANG)[0] == pid


@contextmanager
def provisioning() -> Iterator[str]:
    """The simulator, which counts what it delivered; it alone is never killed."""
    command = [sys.executable, "-m", "simulators.glassfish", "--port", "0"]
    with subprocess.Popen(
        [*command, "--hang-ms", "600", "--work-ms", "100"], stdout=subprocess.PIPE, text=True,
        preexec_fn=partial(end_with_the_parent, signal.SIGKILL),
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            said = process.stdout.readline().split()
            assert said[:1] == ["READY"], "provisioning did not start"
            yield said[2].removeprefix("url=")
        finally:
            process.terminate()

"""`club run` as somebody at a terminal meets it: started as a program, ended by a signal."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

from club.local_postgres import is_root
from club.processes import STOP_TIMEOUT_S
from tests.ports import free_port

BASE = Path(__file__).resolve().parents[2]
READY_TIMEOUT_S = 180
NOBODY = 65534


@dataclass
class Running:
    home: Path
    port: int
    process: subprocess.Popen[str]

    def until_ready(self) -> None:
        deadline = time.monotonic() + READY_TIMEOUT_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(self.output())
            try:
                if self.get("/health/ready")["status"] == "ready":
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        raise AssertionError("not ready in time")

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return json.load(answer)

    def end(self, by: signal.Signals) -> int:
        self.process.send_signal(by)
        return self.process.wait(STOP_TIMEOUT_S + 15)

    def output(self) -> str:
        """Everything it printed; it must have ended."""
        return self.process.communicate(timeout=60)[0]


Start = Callable[..., Running]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[Running] = []

    def start(home: Path, *, user: int | None = None, **environment: str) -> Running:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("CLUB_", "DATABASE"))}
        port = int(environment.setdefault("PORT", str(free_port())))
        process = subprocess.Popen(
            [*as_user(user), sys.executable, "-m", "club", "run"],
            cwd=BASE,
            env=inherited | {"CLUB_DEMO": "0", "CLUB_HOME": str(home)} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        started.append(Running(home, port, process))
        return started[-1]

    yield start
    for club in started:
        if club.process.poll() is None:
            club.end(signal.SIGTERM)


@pytest.fixture
def home() -> Iterator[Path]:
    # A short path that any account can enter: pytest's own folders are closed and deep.
    folder = Path(mkdtemp(prefix="club-test-"))
    folder.chmod(0o755)
    yield folder / "home"
    shutil.rmtree(folder)


def as_user(uid: int | None) -> list[str]:
    if uid is None:
        return []
    # The program that setpriv starts is still opened with root's rights; the one after it is not.
    return ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "env"]


def can_enter(uid: int) -> bool:
    """False where root keeps the checkout or the interpreter in a folder of its own."""
    read = f"import django, os; os.listdir({str(BASE)!r})"
    tried = subprocess.run(
        [*as_user(uid), sys.executable, "-c", read], cwd="/", capture_output=True, check=False
    )
    return tried.returncode == 0


def left_behind(home: Path, *, within_s: float = 10) -> list[str]:
    """Processes of that CLUB_HOME that are still there after a moment."""
    deadline = time.monotonic() + within_s
    while (found := processes_of(home)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def processes_of(home: Path) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
        except OSError:
            continue
        if os.fsencode(home) in told:
            found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


def test_ctrl_c_leaves_nothing_behind_and_a_second_launcher_is_refused_meanwhile(
    home: Path, start: Start, own_database_url: str
):
    club = start(home, DATABASE_URL=own_database_url)
    club.until_ready()
    assert len(processes_of(home)) >= 4
    assert (home / "secret-key").stat().st_mode & 0o777 == 0o600

    refused = start(home, DATABASE_URL=own_database_url)
    assert refused.process.wait(30) == 1
    (line,) = refused.output().splitlines()
    assert line.startswith(f"Error: another `club run` uses {home}")
    assert club.get("/health/live") == {"status": "live"}

    assert club.end(signal.SIGINT) == 0
    assert left_behind(home) == []
    assert f"http://127.0.0.1:{club.port}/office/" in club.output()


@pytest.mark.launcher
def test_two_clubs_side_by_side_end_apart_whatever_kills_them(home: Path, start: Start):
    first = start(home)
    first.until_ready()
    assert first.end(signal.SIGHUP) == 0
    assert left_behind(home) == []

    beside = home.with_name("beside")
    copy_with_owners(home, beside)
    (beside / "secret-key").unlink()
    again, other = start(home), start(beside)
    again.until_ready()
    other.until_ready()
    assert (home / "secret-key").read_text() != (beside / "secret-key").read_text()

    again.process.kill()
    assert left_behind(home, within_s=STOP_TIMEOUT_S + 10) == []
    assert other.get("/health/ready") == {"status": "ready"}

    (worker,) = [p for p in Path("/proc").glob("[0-9]*") if is_worker_of(beside, p)]
    os.kill(int(worker.name), signal.SIGKILL)
    assert other.process.wait(STOP_TIMEOUT_S + 15) == 1
    assert left_behind(beside) == []
    line = "Error: the worker ended by itself (signal SIGKILL), so everything ends"
    assert other.output().splitlines()[-1] == line


def copy_with_owners(source: Path, target: Path) -> None:
    shutil.copytree(source, target, symlinks=True)
    for path in (source, *source.rglob("*")):
        status = path.lstat()
        os.chown(
            target / path.relative_to(source),
            status.st_uid,
            status.st_gid,
            follow_symlinks=False,
        )


def is_worker_of(home: Path, process: Path) -> bool:
    try:
        command = (process / "cmdline").read_bytes().split(b"\0")
        return b"worker" in command and os.fsencode(home) in (process / "environ").read_bytes()
    except OSError:
        return False


def test_a_taken_port_is_one_clear_line_and_nothing_is_made(home: Path, start: Start):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        club = start(home, PORT=str(port))

        assert club.process.wait(20) == 1
    (line,) = club.output().splitlines()
    assert line == (
        f"Error: port {port} cannot be used (Address already in use): set PORT to another one"
    )
    assert not home.exists()


def test_an_unreachable_database_is_one_clear_line(home: Path, start: Start):
    club = start(home, DATABASE_URL=f"postgresql://club@127.0.0.1:{free_port()}/club")

    assert club.process.wait(20) == 1
    (line,) = club.output().splitlines()
    assert line.startswith("Error: DATABASE_URL cannot be reached: ")
    assert "refused" in line
    assert left_behind(home) == []


def test_a_home_that_cannot_be_made_is_one_clear_line(start: Start):
    club = start(Path("/proc/club"))

    assert club.process.wait(20) == 1
    (line,) = club.output().splitlines()
    assert line.startswith("Error: /proc/club cannot be used")


@pytest.mark.launcher
def test_the_demo_runs_as_an_ordinary_user_wherever_one_can_enter(home: Path, start: Start):
    user = NOBODY if is_root() and can_enter(NOBODY) else None
    if user is not None:
        os.chown(home.parent, user, user)
    club = start(home, user=user, CLUB_DEMO="1")
    club.until_ready()

    servers_account = {NOBODY} if is_root() else {os.geteuid()}
    owners = {path.lstat().st_uid for path in home.rglob("*")}
    assert owners == servers_account | ({os.geteuid()} if user is None else {user})
    with urllib.request.urlopen(f"http://127.0.0.1:{club.port}/demo/phone/", timeout=20) as phone:
        assert phone.status == 200

    assert club.end(signal.SIGTERM) == 0
    assert left_behind(home) == []
    printed = club.output()
    assert "register: received 6919" in printed
    assert "admin / bee-admin-demo" in printed
    assert ("You are root" in printed) == (is_root() and user is None)

"""Child processes that live and die together: what `club run` is made of.

Each child has its own process group, so that a terminal's Ctrl-C reaches the launcher alone and the
order of stopping is ours. A launcher that is killed takes its children along: on Linux the kernel
tells them.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from club.errors import ClubError

LOOK_EVERY_S = 0.1
STOP_TIMEOUT_S = 15  # a job under way may end; then it is killed, and runs again later


class ChildEnded(ClubError):
    """A child that should live has ended, or a step failed; the message names it."""

    code = "child_ended"


class Stopped(ClubError):
    """Somebody asked us to stop: not an error, but the way out of whatever was under way."""

    code = "stopped"


@dataclass(frozen=True)
class Child:
    name: str
    process: subprocess.Popen[Any]
    is_last: bool = False
    """Ends after the others, who still talk to it while they end."""


@dataclass
class Family:
    """The children and their end. `environment` is what all of them get."""

    environment: Mapping[str, str]
    children: list[Child] = field(default_factory=list)
    watched: list[Child] = field(default_factory=list)
    """Somebody else's children: their end is ours, but we do not end them."""
    stopped_by: int | None = None

    def listen_to_signals(self) -> None:
        """SIGINT too: a job in the background of a script inherits it ignored."""
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), self._stop_soon)

    def start(
        self,
        name: str,
        *command: str,
        environment: Mapping[str, str] | None = None,
        is_last: bool = False,
        when_orphaned: signal.Signals = signal.SIGTERM,
    ) -> None:
        process = self._spawn(
            command, environment or {}, capture=False, when_orphaned=when_orphaned
        )
        self.children.append(Child(name, process, is_last))

    def run_to_end(
        self, name: str, *command: str, environment: Mapping[str, str] | None = None
    ) -> str:
        """Run one step and return what it printed. Raises ChildEnded when it failed."""
        child = Child(name, self._spawn(command, environment or {}, capture=True))
        self.children.append(child)
        while child.process.poll() is None:
            self.look(ending=child)
            time.sleep(LOOK_EVERY_S)
        self.children.remove(child)
        output = str(child.process.communicate()[0])
        if self.stopped_by is not None:
            raise Stopped
        if child.process.returncode != 0:
            raise ChildEnded(f"{name} failed ({how_it_ended(child.process.returncode)})")
        return output

    def look(self, *, ending: Child | None = None) -> None:
        """Raises Stopped or ChildEnded as soon as there is a reason to end; `ending` may end."""
        if self.stopped_by is not None:
            raise Stopped
        for child in (*self.children, *self.watched):
            if child is not ending and child.process.poll() is not None:
                how = how_it_ended(child.process.returncode)
                raise ChildEnded(f"{child.name} ended by itself ({how}), so everything ends")

    def watch(self) -> None:
        """Stay until there is a reason to end, which is raised."""
        while True:
            self.look()
            time.sleep(LOOK_EVERY_S)

    def stop(self) -> None:
        """Ask all to end, wait, and leave nothing of their groups behind."""
        for is_last in (False, True):
            stop_together([child.process for child in self.children if child.is_last is is_last])
        self.children.clear()

    def _stop_soon(self, number: int, _frame: object) -> None:
        self.stopped_by = number

    def _spawn(
        self,
        command: tuple[str, ...],
        environment: Mapping[str, str],
        *,
        capture: bool,
        when_orphaned: signal.Signals = signal.SIGTERM,
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            # What a child has to say it says on stderr; the launcher's own output stays readable.
            stdout=subprocess.PIPE if capture else subprocess.DEVNULL,
            text=True,
            env={**self.environment, **environment},
            start_new_session=True,
            preexec_fn=partial(end_with_the_parent, when_orphaned)
            if sys.platform == "linux"
            else None,
        )


def stop_together(processes: list[subprocess.Popen[Any]]) -> None:
    for process in processes:
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + STOP_TIMEOUT_S
    for process in processes:
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(0, deadline - time.monotonic()))
        kill_group(process)
        process.wait()


def end_with_the_parent(by: signal.Signals) -> None:
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, by)


def kill_group(process: subprocess.Popen[Any]) -> None:
    """A child killed by somebody else may have left its own children in the group."""
    if hasattr(os, "killpg"):
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return
    elif process.poll() is None:
        process.kill()


def how_it_ended(status: int) -> str:
    return f"status {status}" if status >= 0 else f"signal {signal.Signals(-status).name}"

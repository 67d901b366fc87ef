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

from club.errors import ClubError

LOOK_EVERY_S = 0.1
STOP_TIMEOUT_S = 15  # a job under way may end; then it is killed, and runs again later


class ChildEnded(ClubError):
    """A child that should live has ended, or a step failed; the message names it."""

    code = "child_ended"


class Stopped(ClubError):
    """Somebody asked us to stop: not an error, but the way out of whatever was under way."""

    code = "stopped"


@dataclass
class Family:
    """The children, youngest last. `environment` is what all of them get."""

    environment: Mapping[str, str]
    children: list[tuple[str, subprocess.Popen[str]]] = field(default_factory=list)
    stopped_by: int | None = None

    def listen_to_signals(self) -> None:
        """SIGINT too: a job in the background of a script inherits it ignored."""
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), self._stop_soon)

    def start(self, name: str, *command: str, environment: Mapping[str, str] | None = None) -> None:
        self.children.append((name, self._spawn(command, environment or {}, capture=False)))

    def run_to_end(
        self, name: str, *command: str, environment: Mapping[str, str] | None = None
    ) -> str:
        """Run one step and return what it printed. Raises ChildEnded when it failed."""
        child = self._spawn(command, environment or {}, capture=True)
        self.children.append((name, child))
        while child.poll() is None:
            self.look(ending=name)
            time.sleep(LOOK_EVERY_S)
        self.children.remove((name, child))
        output, _ = child.communicate()
        if self.stopped_by is not None:
            raise Stopped
        if child.returncode != 0:
            raise ChildEnded(f"{name} failed ({how_it_ended(child.returncode)})")
        return output

    def look(self, *, ending: str = "") -> None:
        """Raises Stopped or ChildEnded as soon as there is a reason to end; `ending` may end."""
        if self.stopped_by is not None:
            raise Stopped
        for name, child in self.children:
            if name != ending and child.poll() is not None:
                raise ChildEnded(
                    f"{name} ended by itself ({how_it_ended(child.returncode)}), so everything ends"
                )

    def watch(self) -> None:
        """Stay until there is a reason to end, which is raised."""
        while True:
            self.look()
            time.sleep(LOOK_EVERY_S)

    def stop(self) -> None:
        """Ask all to end, wait, and leave nothing of their groups behind."""
        for _, child in reversed(self.children):
            if child.poll() is None:
                child.terminate()
        deadline = time.monotonic() + STOP_TIMEOUT_S
        for _, child in reversed(self.children):
            with suppress(subprocess.TimeoutExpired):
                child.wait(max(0, deadline - time.monotonic()))
            kill_group(child)
            child.wait()
        self.children.clear()

    def _stop_soon(self, number: int, _frame: object) -> None:
        self.stopped_by = number

    def _spawn(
        self, command: tuple[str, ...], environment: Mapping[str, str], *, capture: bool
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            # What a child has to say it says on stderr; the launcher's own output stays readable.
            stdout=subprocess.PIPE if capture else subprocess.DEVNULL,
            text=True,
            env={**self.environment, **environment},
            start_new_session=True,
            preexec_fn=end_with_the_parent if sys.platform == "linux" else None,
        )


def end_with_the_parent() -> None:
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def kill_group(child: subprocess.Popen[str]) -> None:
    """A child killed by somebody else may have left its own children in the group."""
    if hasattr(os, "killpg"):
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return
    elif child.poll() is None:
        child.kill()


def how_it_ended(status: int) -> str:
    return f"status {status}" if status >= 0 else f"signal {signal.Signals(-status).name}"

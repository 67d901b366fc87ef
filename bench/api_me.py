"""How fast a subscriber's first screen is: GET /api/v1/me beside a bare Django view on the same
server that reads one row, with 200,000 subscribers of three lots each.

Real granian as `club serve` starts it, real tokens, eight connections kept alive, a client of bare
sockets. Short slices of both alternate there and back, each repeat gives one ratio, and the median
is the figure: a shared machine's load moves both alike. The two programs' peak memory is read from
the kernel afterwards, the worker's after it has decided a register of payments.
"""

import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypedDict
from uuid import uuid4

from django.db import connection
from django.utils import timezone

from club import serving
from club.accrual import inbox
from club.accrual.models import Kind, Queued
from club.demo import programme
from club.signin import tokens
from club.signin.tokens import Session

SUBSCRIBERS = 200_000
SUBSCRIBERS_A_BATCH = 20_000
LOTS = 3
CONNECTIONS = 8
REPEATS = 5
SLICE_S = 3
PAYMENTS = 5_000
PAYMENTS_A_CALL = 1_000
START_S_MAX = 60
DECIDE_S_MAX = 120
FIRST_MSISDN = 998_900_000_000

MAKE_SUBSCRIBERS = """
insert into subscribers_subscriber (id, msisdn, status, tariff, region, language, joined_at)
select s, (%(first_msisdn)s + s)::text, 'active', 'start', 'TAS',
       (array['uz', 'uz-cyrl', 'ru', 'kaa', 'en'])[1 + s %% 5], now() - interval '1 year'
  from generate_series(1, %(subscribers)s) s
"""
# By the ledger's own door for batches, so that the books are right.
MAKE_BALANCES = """
with granted as (
    select s, m from generate_series(%(first)s::bigint, %(last)s::bigint) s,
                     generate_series(1, %(lots)s) m),
lists as (
    select array_agg(s order by s, m) as subscribers,
           array_agg('opening' || m order by s, m) as refs,
           array_agg(current_date + m * 30 order by s, m) as expiries
      from granted)
select fresh from lists, ledger.post_many(
    5::smallint, subscribers, refs,
    array_fill(current_date, array[cardinality(refs)]),
    array_fill(1000::bigint, array[cardinality(refs)]),
    expiries,
    array_fill(0, array[cardinality(refs)]),
    array_fill('\\x00112233445566778899aabbccddeeff'::bytea, array[cardinality(refs)]))
"""


class Figure(TypedDict):
    value: float
    unit: str
    baseline: str


def run(url: str) -> dict[str, Figure]:
    """Measure on the migrated, empty database at `url`."""
    prepare()
    with served(url) as (process, port):
        of_me, of_bare = me_requests(), bare_requests()
        for requests in (of_me, of_bare):
            load(port, requests)  # warms both; not counted
        slices = [
            [load(port, requests) for requests in pair]
            for repeat in range(REPEATS)
            for pair in [(of_me, of_bare) if repeat % 2 == 0 else (of_bare, of_me)]
        ]
        server_mib = peak_mib(process.pid)
    pairs = [pair if repeat % 2 == 0 else pair[::-1] for repeat, pair in enumerate(slices)]
    worker_mib = worker_peak_mib(url)

    me, bare = ([pair[side] for pair in pairs] for side in (0, 1))
    rates = {name: statistics.median(map(rate, side)) for name, side in (("me", me), ("b", bare))}
    ratio = statistics.median(rate(one) / rate(other) for one, other in pairs)
    waits = sorted(wait for each in me for wait in each)
    bare_waits = sorted(wait for each in bare for wait in each)
    beside = f"bare view {rates['b']:,.0f}/s"
    return {
        "api_me": {"value": ratio, "unit": "ratio", "baseline": "bare view, one row (>= 0.5)"},
        "api_me_rate": {"value": rates["me"], "unit": "requests/s", "baseline": beside},
        "api_me_p50": milliseconds(waits, bare_waits, 0.50),
        "api_me_p99": milliseconds(waits, bare_waits, 0.99),
        "memory_server_mib": {
            "value": server_mib,
            "unit": "MiB",
            "baseline": "peak, all its processes",
        },
        "memory_worker_mib": {
            "value": worker_mib,
            "unit": "MiB",
            "baseline": f"peak, {PAYMENTS} payments",
        },
    }


def rate(waits: list[float]) -> float:
    return len(waits) / SLICE_S


def milliseconds(waits: list[float], bare: list[float], part: float) -> Figure:
    def at(sorted_waits: list[float]) -> float:
        return sorted_waits[int(len(sorted_waits) * part)] * 1000

    return {"value": at(waits), "unit": "ms", "baseline": f"bare view {at(bare):.1f} ms"}


# ---- what is there to read ---------------------------------------------------------------------


def prepare() -> None:
    programme.load(now=timezone.now())
    with connection.cursor() as cursor:
        values: dict[str, int] = {"subscribers": SUBSCRIBERS, "first_msisdn": FIRST_MSISDN}
        cursor.execute(MAKE_SUBSCRIBERS, values)
        for first in range(1, SUBSCRIBERS + 1, SUBSCRIBERS_A_BATCH):
            last = first + SUBSCRIBERS_A_BATCH - 1
            cursor.execute(MAKE_BALANCES, {"first": first, "last": last, "lots": LOTS})
        cursor.execute("analyze")


# ---- the server and its clients ----------------------------------------------------------------


@contextmanager
def served(url: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The server as `club serve` starts it, on a free port, ended with its children."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "bench.api_settings"}
    environment["CLUB_LOG"] = "ERROR"
    process = subprocess.Popen(serving.command(port=port), env=environment, start_new_session=True)
    try:
        wait_for(port, process)
        yield process, port
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_S_MAX
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the server did not start")


def me_requests() -> list[bytes]:
    now = timezone.now()
    sessions = (Session(subscriber_id=each, family=uuid4()) for each in some_subscribers())
    return [
        request("/api/v1/me", f"Authorization: Bearer {tokens.access_token(each, now=now)}\r\n")
        for each in sessions
    ]


def bare_requests() -> list[bytes]:
    return [request(f"/bench/bare/{each}") for each in some_subscribers()]


def some_subscribers() -> list[int]:
    return random.Random(1).sample(range(1, SUBSCRIBERS + 1), 20_000)


def request(path: str, headers: str = "") -> bytes:
    return (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Language: uz\r\n{headers}\r\n"
    ).encode()


def load(port: int, requests: list[bytes]) -> list[float]:
    """One slice: how long each answer took, in seconds, over all connections."""
    until = time.monotonic() + SLICE_S
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        shares = [
            pool.submit(ask, port, requests[number::CONNECTIONS], until)
            for number in range(CONNECTIONS)
        ]
        return [wait for share in shares for wait in share.result()]


def ask(port: int, requests: list[bytes], until: float) -> list[float]:
    waits = []
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connected:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        number = 0
        while (begun := time.monotonic()) < until:
            connected.sendall(requests[number % len(requests)])
            read_answer(connected)
            waits.append(time.monotonic() - begun)
            number += 1
    return waits


def read_answer(connected: socket.socket) -> None:
    received = connected.recv(65536)
    while b"\r\n\r\n" not in received:
        received += connected.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200 "):
        raise RuntimeError(f"not an answer to count: {head[:200]!r}")
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
    while len(body) < length:
        body += connected.recv(65536)


# ---- memory ------------------------------------------------------------------------------------


def worker_peak_mib(url: str) -> float:
    """The peak of `club worker` while it decides a register's worth of payments."""
    now = timezone.now()
    for first in range(0, PAYMENTS, PAYMENTS_A_CALL):
        inbox.receive(
            [payment(number, now) for number in range(first, first + PAYMENTS_A_CALL)], now=now
        )
    environment = os.environ | {"DATABASE_URL": url}
    command = [sys.executable, "-m", "club.cli", "worker"]
    process = subprocess.Popen(command, env=environment, start_new_session=True)
    try:
        until = time.monotonic() + DECIDE_S_MAX
        while Queued.objects.exists():
            if time.monotonic() > until or process.poll() is not None:
                raise RuntimeError("the worker did not decide the payments")
            time.sleep(0.2)
        return peak_mib(process.pid)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def payment(number: int, now: datetime) -> inbox.Incoming:
    return inbox.Incoming(
        source="bench",
        kind=Kind.PAYMENT,
        external_id=str(number),
        msisdn=str(FIRST_MSISDN + 1 + number),
        occurred_at=now - timedelta(minutes=1),
        amount_tiyin=5_000_000,
        channel="app",
        details={},
    )


def peak_mib(pid: int) -> float:
    """The peak of a process and of all its children together, in MiB."""
    pids = [pid]
    for parent in pids:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            pids += map(int, task.read_text().split())
    lines = [
        line for each in pids for line in Path(f"/proc/{each}/status").read_text().splitlines()
    ]
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024

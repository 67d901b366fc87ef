"""Ports for servers that a test starts, and how to tell that one of them is there.

They lie below those that the system gives to whoever asks for any: a server that is killed and
started again must find its port still free, and who knocks meanwhile must not reach himself.
"""

import random
import socket
import time
from collections.abc import Callable
from pathlib import Path

LOOPBACK = "127.0.0.1"
LOWEST = 10_000
TRIES = 100
READY_TIMEOUT_S = 90
HANDED_OUT = Path("/proc/sys/net/ipv4/ip_local_port_range")
HANDED_OUT_FROM_ELSEWHERE = 49_152  # RFC 6335, as macOS and Windows do
# Not the generator that tests seed: two of them that run side by side would ask for the same port.
_random = random.SystemRandom()


def free_port() -> int:
    """One that nobody listens on, and that nobody is given who did not ask for it by its number."""
    for _ in range(TRIES):
        port = _random.randrange(LOWEST, _handed_out_from())
        with socket.socket() as probe:
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")


def wait_until(
    is_so: Callable[[int], bool], port: int, *, timeout_s: float = READY_TIMEOUT_S
) -> None:
    deadline = time.monotonic() + timeout_s
    while not is_so(port):
        assert time.monotonic() < deadline, f"port {port}: not {is_so.__name__} for {timeout_s} s"
        time.sleep(0.1)


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def is_closed(port: int) -> bool:
    return not is_open(port)


def _handed_out_from() -> int:
    if HANDED_OUT.exists():
        return int(HANDED_OUT.read_text().split()[0])
    return HANDED_OUT_FROM_ELSEWHERE

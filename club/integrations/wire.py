"""One HTTP exchange that ends in time, and says whether the request can have left this machine.

HTTP libraries bound each read, so an answer that drips a byte a second never ends; here a deadline
bounds the whole exchange. Nothing is ever sent twice: no retries, no redirects, no proxy from the
environment.
"""

import ssl
import time
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import httpcore


class NotSent(Exception):
    """No byte of the request left: sending it later is safe."""


class NoAnswer(Exception):
    """The request may have arrived; what became of it is not known."""


@dataclass(frozen=True)
class Answer:
    status_code: int
    headers: Mapping[str, str]
    content: bytes
    encoding: str | None = None


class Wire:
    """A pool of connections to one system. Safe to share between threads."""

    def __init__(
        self,
        *,
        connect_timeout_s: float,
        answer_timeout_s: float,
        answer_bytes_max: int = 256 * 1024,
        connections_max: int = 8,
    ):
        """`connections_max` is a bulkhead: a slow system cannot take more of our workers."""
        self._connect_timeout_s = connect_timeout_s
        self._answer_timeout_s = answer_timeout_s
        self._answer_bytes_max = answer_bytes_max
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=connections_max,
            # Shorter than servers keep an idle connection, so that we seldom write into a closed one.
            keepalive_expiry=4,
            network_backend=_Backend(),
        )

    def post(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send once and read the whole answer. Raises NotSent or NoAnswer, nothing else."""
        deadline = _deadline.set(
            time.monotonic() + self._connect_timeout_s + self._answer_timeout_s
        )
        try:
            return self._exchange(url, body=body, headers=headers)
        except (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout) as error:
            raise NotSent(type(error).__name__) from error
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
            raise NoAnswer(type(error).__name__) from error
        finally:
            _deadline.reset(deadline)

    def _exchange(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> Answer:
        timeouts_s = {
            "pool": self._connect_timeout_s,
            "connect": self._connect_timeout_s,
            "write": self._answer_timeout_s,
            "read": self._answer_timeout_s,
        }
        with self._pool.stream(
            "POST",
            url,
            headers=list(headers.items()),
            content=body,
            extensions={"timeout": timeouts_s},
        ) as response:
            content = b""
            for chunk in response.iter_stream():
                content += chunk
                if len(content) > self._answer_bytes_max:
                    raise NoAnswer("the answer is too large")
            return Answer(
                status_code=response.status,
                headers={
                    name.decode("latin-1").title(): value.decode("latin-1")
                    for name, value in response.headers
                },
                content=content,
            )


_deadline: ContextVar[float] = ContextVar("wire_deadline")


def _within(timeout_s: float | None) -> float:
    """What is left of this exchange, when that is less than the time-out of one operation."""
    left_s = max(_deadline.get() - time.monotonic(), 0.001)  # Zero would mean: do not block.
    return left_s if timeout_s is None else min(timeout_s, left_s)


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream):
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if time.monotonic() >= _deadline.get():
            raise httpcore.ReadTimeout("the exchange took too long")
        return self._stream.read(max_bytes, timeout=_within(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, timeout=_within(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, _within(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    def __init__(self) -> None:
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        return _Stream(
            self._backend.connect_tcp(host, port, _within(timeout), local_address, socket_options)
        )

    def sleep(self, seconds: float) -> None:
        self._backend.sleep(seconds)

"""A bad network between us and an HTTP peer, on loopback, one fault at a time."""

import socket
import struct
import threading
import time
from http.client import HTTPConnection
from socketserver import StreamRequestHandler, ThreadingTCPServer
from types import TracebackType
from typing import Literal, Self
from urllib.parse import urlsplit, urlunsplit

Fault = Literal[
    "none",
    "cut_before_the_request",
    "cut_after_the_request",
    "half_an_answer",
    "black_hole",
    "slow_drip",
    "delivered_twice",
]
BODY_BYTES_MAX = 1024 * 1024
DRIP_S = 0.1


class ChaosProxy(ThreadingTCPServer):
    """Stands before `upstream`; `url` is its own address, `fault` may be changed at any time."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, upstream: str, *, fault: Fault = "none"):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.fault = fault
        self.upstream = urlsplit(upstream)
        host = f"127.0.0.1:{self.server_address[1]}"
        self.url = urlunsplit(self.upstream._replace(netloc=host))
        self.is_over = threading.Event()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.is_over.set()
        self.shutdown()
        self._thread.join()
        self.server_close()

    def forward(self, path: str, headers: dict[str, str], body: bytes) -> bytes:
        """The peer's answer as one block of bytes with a length."""
        peer = HTTPConnection(self.upstream.hostname or "", self.upstream.port or 80, timeout=60)
        try:
            peer.request("POST", path, body, headers)
            answer = peer.getresponse()
            content = answer.read()
        finally:
            peer.close()
        kind = answer.getheader("Content-Type", "")
        head = f"HTTP/1.1 {answer.status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}\r\n\r\n"
        return head.encode() + content


class _Handler(StreamRequestHandler):
    server: ChaosProxy

    def handle(self) -> None:
        if self.server.fault == "cut_before_the_request":
            self._reset()
            return
        while request := self._request():
            if not self._answer(*request):
                return

    def _answer(self, path: str, headers: dict[str, str], body: bytes) -> bool:
        """Do what the fault says; False when the connection is of no more use."""
        if self.server.fault == "black_hole":
            self.server.is_over.wait(60)  # The request has vanished: neither peer nor answer.
            return False
        answer = self.server.forward(path, headers, body)
        match self.server.fault:
            case "cut_after_the_request":
                self._reset()
                return False
            case "half_an_answer":
                self.wfile.write(answer[: len(answer) // 2])
                self._reset()
                return False
            case "slow_drip":
                for octet in answer:
                    self.wfile.write(bytes([octet]))
                    if self.server.is_over.wait(DRIP_S):
                        return False
            case "delivered_twice":
                self.wfile.write(self.server.forward(path, headers, body))
            case _:
                self.wfile.write(answer)
        return True

    def _request(self) -> tuple[str, dict[str, str], bytes] | None:
        first = self.rfile.readline().decode("latin-1").split()
        if len(first) != 3:
            return None
        headers: dict[str, str] = {}
        while line := self.rfile.readline().strip().decode("latin-1"):
            name, _, value = line.partition(":")
            headers[name.title()] = value.strip()
        length = int(headers["Content-Length"])
        assert length <= BODY_BYTES_MAX
        return first[1], headers, self.rfile.read(length)

    def _reset(self) -> None:
        """Close with RST instead of FIN."""
        self.wfile.flush()
        time.sleep(0.02)  # What was written is on its way before the reset overtakes it.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def finish(self) -> None:
        try:
            super().finish()
        except OSError:
            return  # The client gave up first; that is what it is here to do.

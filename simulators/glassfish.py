"""The operator's provisioning service, as a small real server on loopback.

    python -m simulators.glassfish --port P [--hang-ms N] [--work-ms N]

It speaks the contract of `club/integrations/glassfish` through the same codec as our own doors,
and answers by the end of the number, like the Java peer in `tests/peers/jaxws`:

    404 unknown subscriber, typed fault SUBS-404       503 server fault before it is accepted
    409 already active, typed fault SOC-409            504 accepts, then hangs
    422 accepts, refuses a moment later (SOC-422)      505 hangs, then loses the request
    anything else is accepted, and done a moment later 506 hangs, then accepts: it was only late

`GET /requests` shows what arrived; numbers are not kept.
"""

import argparse
import json
import signal
import sys
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

from club.integrations.glassfish import (
    ALREADY_ACTIVE,
    FAULT,
    PORT,
    SERVICE,
    UNKNOWN_REQUEST,
    WSDL,
)
from club.integrations.soap import CONTENT_TYPE, BadMessage, Codec

PATH = "/SubscriberService"
REQUESTS_MAX = 10_000  # The oldest are forgotten: a simulator runs for days.
BODY_BYTES_MAX = 64 * 1024
IDLE_S = 30


class SubscriberFault(Exception):
    def __init__(self, code: str, text: str):
        super().__init__(code)
        self.code = code
        self.text = text


@dataclass
class Request:
    request_id: str
    soc: str
    arrivals: int = 0
    switched_on: int = 0
    is_refused: bool = False
    settled_at_s: float | None = None
    """On the monotonic clock; None while the request is not accepted."""


class Subscribers:
    """The service itself: what it accepted, and what became of it."""

    def __init__(self, *, hang_s: float, work_s: float):
        self._hang_s = hang_s
        self._work_s = work_s
        self._lock = threading.Lock()
        self._requests: OrderedDict[str, Request] = OrderedDict()

    def add_service(
        self, *, token: str, msisdn: str, soc: str, request_id: str
    ) -> dict[str, str | None]:
        del token  # Any will do here.
        self._arrived(request_id, soc)
        match msisdn[-3:]:
            case "404":
                raise SubscriberFault("SUBS-404", "Абонент топилмади")
            case "409":
                raise SubscriberFault(ALREADY_ACTIVE, "Хизмат аллақачон уланган")
            case "503":
                raise RuntimeError("provisioning is down")
            case "504":
                self._accept(request_id)
                time.sleep(self._hang_s)
            case "505":
                time.sleep(self._hang_s)
                raise RuntimeError("the request was lost")
            case "506":
                time.sleep(self._hang_s)
                self._accept(request_id)
            case ending:
                self._accept(request_id, is_refused=ending == "422")
        return self.request_status(request_id=request_id)

    def request_status(self, *, request_id: str) -> dict[str, str | None]:
        with self._lock:
            request = self._requests.get(request_id)
            if request is None or request.settled_at_s is None:
                raise SubscriberFault(UNKNOWN_REQUEST, "Сўров топилмади")
            is_settled = time.monotonic() >= request.settled_at_s
        answer: dict[str, str | None] = {"requestId": request_id, "state": "ACCEPTED"}
        if is_settled and request.is_refused:
            answer |= {"state": "REFUSED", "code": "SOC-422", "message": "Тарифга мос эмас"}
        elif is_settled:
            answer |= {"state": "DONE", "message": "Хизмат уланди"}
        return answer

    def arrived(self) -> list[dict[str, str | int]]:
        with self._lock:
            return [
                {
                    "requestId": each.request_id,
                    "soc": each.soc,
                    "arrivals": each.arrivals,
                    "switchedOn": each.switched_on,
                }
                for each in self._requests.values()
            ]

    def _arrived(self, request_id: str, soc: str) -> None:
        with self._lock:
            request = self._requests.setdefault(request_id, Request(request_id, soc))
            request.arrivals += 1
            while len(self._requests) > REQUESTS_MAX:
                self._requests.popitem(last=False)

    def _accept(self, request_id: str, *, is_refused: bool = False) -> None:
        """The same request id never switches on twice."""
        with self._lock:
            request = self._requests.get(request_id)
            if request is None or request.settled_at_s is not None:
                return
            request.settled_at_s = time.monotonic() + self._work_s
            request.is_refused = is_refused
            request.switched_on += not is_refused


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE_S
    wbufsize = -1  # One packet an answer, not one a header.
    server: "Server"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == PATH and parts.query.lower() == "wsdl":
            self._answer(200, self.server.codec.wsdl(address=self.server.url), CONTENT_TYPE)
        elif parts.path == "/requests":
            body = json.dumps({"requests": self.server.subscribers.arrived()})
            self._answer(200, body.encode(), "application/json")
        else:
            self._answer(404, b"", "text/plain")

    def do_POST(self) -> None:
        try:
            body = self._body()
            status, answer = self.server.answer(body)
        except BadMessage as error:
            status, answer = 500, self.server.codec.fault("Client", error.message)
        self._answer(status, answer, CONTENT_TYPE)

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if urlsplit(self.path).path != PATH or not length.isdecimal():
            self.close_connection = True  # What follows is not read, so no request can follow it.
            raise BadMessage("nothing is served here")
        if int(length) > BODY_BYTES_MAX:
            self.close_connection = True
            raise BadMessage("the request is too large", bytes_max=BODY_BYTES_MAX)
        return self.rfile.read(int(length))

    def _answer(self, status: int, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Quiet: what arrived is shown at /requests."""


class Server(ThreadingHTTPServer):
    daemon_threads = True  # A hanging answer does not keep the process alive.

    def __init__(self, port: int, *, hang_s: float = 30, work_s: float = 0.3):
        super().__init__(("127.0.0.1", port), Handler)
        self.codec = Codec(WSDL, service=SERVICE, port=PORT, body_bytes_max=BODY_BYTES_MAX)
        self.subscribers = Subscribers(hang_s=hang_s, work_s=work_s)
        self.url = f"http://127.0.0.1:{self.server_port}{PATH}"

    def answer(self, body: bytes) -> tuple[int, bytes]:
        """HTTP status and envelope. Raises BadMessage."""
        call = self.codec.decode(body)
        try:
            result = self._call(call.operation, call.arguments)
        except SubscriberFault as fault:
            values = {"code": fault.code, "message": fault.text}
            return 500, self.codec.fault("Server", fault.text, detail=FAULT, values=values)
        except RuntimeError as error:
            return 500, self.codec.fault("Server", str(error))
        return 200, self.codec.encode(call.operation, {"return": result})

    def _call(self, operation: str, arguments: dict[str, Any]) -> dict[str, str | None]:
        if operation == "addService":
            return self.subscribers.add_service(
                token=arguments["token"],
                msisdn=arguments["msisdn"],
                soc=arguments["soc"],
                request_id=arguments["requestId"],
            )
        return self.subscribers.request_status(request_id=arguments["requestId"])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away while we hung is what this simulator is for."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--hang-ms", type=int, default=30_000)
    parser.add_argument("--work-ms", type=int, default=300)
    options = parser.parse_args()
    with Server(
        options.port, hang_s=options.hang_ms / 1000, work_s=options.work_ms / 1000
    ) as server:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _end)
        print(f"READY glassfish url={server.url}", flush=True)
        server.serve_forever()


def _end(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    main()

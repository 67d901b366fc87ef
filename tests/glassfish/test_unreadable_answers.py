"""Answers that nobody should send: each is unknown, none is an error of ours."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from club.integrations.glassfish.provisioning import GlassfishProvisioning
from club.outcomes import Refused, Unknown
from tests.glassfish.conftest import point_at

ENVELOPE = '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{}</s:Body></s:Envelope>'
ANSWER = (
    '<c:addServiceResponse xmlns:c="urn:club:subscribers"><return><requestId>{}</requestId>'
    "<state>{}</state></return></c:addServiceResponse>"
)
FAULT = "<s:Fault><faultcode>s:Server</faultcode><faultstring>x</faultstring>{}</s:Fault>"
TYPED = '<detail><c:SubscriberFault xmlns:c="urn:club:subscribers">{}</c:SubscriberFault></detail>'


class Parrot(ThreadingHTTPServer):
    """Says what it was told to say."""

    status = 200
    content = b""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)

    def says(self, status: int, content: str | bytes) -> None:
        self.status = status
        self.content = content.encode() if isinstance(content, str) else content


class _Handler(BaseHTTPRequestHandler):
    server: Parrot

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.server.status)
        self.send_header("Content-Type", "text/xml; charset=utf-8")
        self.send_header("Content-Length", str(len(self.server.content)))
        self.end_headers()
        self.wfile.write(self.server.content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Quiet."""


@pytest.fixture
def parrot(settings: Any) -> Iterator[Parrot]:
    with Parrot() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        point_at(f"http://127.0.0.1:{server.server_port}/", settings)
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (200, ""),
        (202, ""),
        (500, ""),
        (502, "<html><body>Bad gateway<br></body></html>"),
        (502, "<html><body>Bad gateway</body></html>"),
        (200, "<html><body>Log in</body></html>"),
        (200, "done"),
        (200, "<a/>"),
        (200, b"\xff\xfe\x00"),
        (200, ENVELOPE[:-20]),
        (200, '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"/>'),
        (200, ENVELOPE.format("")),
        (200, ENVELOPE.format('<c:addServiceResponse xmlns:c="urn:club:subscribers"/>')),
        (200, ENVELOPE.format(ANSWER.format("another", "DONE"))),
        (200, ENVELOPE.format(ANSWER.format("r-1", "MAYBE"))),
        (200, ENVELOPE.format(ANSWER.format("r-1", "DONE").replace("state", "stage"))),
        (200, "<!DOCTYPE a>" + ENVELOPE.format(ANSWER.format("r-1", "DONE"))),
        (200, ENVELOPE.format(ANSWER.format("r-1", "DONE")) + " " * 300_000),
        (500, ENVELOPE.format(FAULT.format(""))),
        (500, ENVELOPE.format(FAULT.format("<detail><other/></detail>"))),
        (500, ENVELOPE.format(FAULT.format(TYPED.format("")))),
        (500, ENVELOPE.format(FAULT.format(TYPED.format("<code/>")))),
        (302, ""),
    ],
)
def test_an_answer_nobody_can_read_is_unknown(parrot: Parrot, status: int, content: str | bytes):
    parrot.says(status, content)

    outcome = GlassfishProvisioning().submit(
        service_code="PACK", msisdn="998901234541", request_id="r-1"
    )

    assert isinstance(outcome, Unknown)


def test_a_typed_fault_without_a_text_is_still_a_refusal(parrot: Parrot):
    parrot.says(500, ENVELOPE.format(FAULT.format(TYPED.format("<code>SUBS-1</code>"))))

    outcome = GlassfishProvisioning().submit(
        service_code="PACK", msisdn="998901234541", request_id="r-1"
    )

    assert outcome == Refused("SUBS-1", "")

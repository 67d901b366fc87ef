"""A paying agent: the other side of ESPP, which nobody outside the operator can have.

`PayingAgent` speaks as an agent does — check, then the payment's document, and after a silence the
question what became of it — over any transport that takes bytes and gives bytes. As a program it
is a small server on loopback with the demo phone's "top up" before it:

    python -m simulators.espp --port P --club http://127.0.0.1:8000/intake/espp

    POST /payments {"msisdn": "998901234567", "amount_uzs": 50000, "agent": "paynet"}

It answers 201 with the payment's id, 422 with the refusal's sentence, 504 when nobody knows.
"""

import argparse
import itertools
import json
import secrets
import signal
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType
from typing import TypeVar

import httpx

from club.clock import TASHKENT
from club.errors import ClubError
from club.integrations.espp import control_code, messages
from club.integrations.espp.messages import (
    Accept,
    Accepted,
    AskState,
    Cancel,
    Cancelled,
    Check,
    Permitted,
    State,
)
from club.outcomes import Done, Refused, Unknown

Expected = TypeVar("Expected", Permitted, Accepted, State, Cancelled)

Post = Callable[[bytes], bytes]
"""Sends a message, returns the answer; raises OSError or httpx.HTTPError when there is none."""

AGENTS = ("beepul", "paynet", "bank", "shop")
BODY_BYTES_MAX = 4_096


def over_http(url: str, client: httpx.Client | None = None) -> Post:
    """`client` carries the certificates where mutual TLS is asked for."""
    client = client or httpx.Client(timeout=10)

    def post(message: bytes) -> bytes:
        answer = client.post(url, content=message, headers={"Content-Type": "application/xml"})
        return answer.raise_for_status().content

    return post


class PayingAgent:
    """One agent. Its payment ids begin with `prefix` and count up."""

    def __init__(
        self, post: Post, *, agent: str = "beepul", contract: str = "", prefix: str = ""
    ) -> None:
        self.agent, self.contract = agent, contract
        self._post = post
        self._prefix = prefix or secrets.token_hex(6)
        self._numbers = itertools.count(1)

    def pay(
        self, msisdn: str, *, amount_uzs: int, at: datetime, payment_id: str = ""
    ) -> Done[Accept] | Refused | Unknown:
        """Check and pay. Done carries the document, by which the payment can be cancelled."""
        permitted = self.check(msisdn, amount_uzs=amount_uzs)
        if not isinstance(permitted, Done):
            return permitted
        document = self.document(
            msisdn,
            amount_uzs=amount_uzs,
            at=at,
            payment_id=payment_id,
            espp_id=permitted.value.espp_id,
        )
        accepted = self.accept(document)
        if isinstance(accepted, Unknown):
            # Never a second document with another id: first ask what became of this one.
            state = self.state(document)
            return Done(document) if isinstance(state, Done) else accepted
        return Done(document) if isinstance(accepted, Done) else accepted

    def check(self, msisdn: str, *, amount_uzs: int) -> Done[Permitted] | Refused | Unknown:
        request = Check(
            phone=msisdn,
            amount_tiyin=amount_uzs * 100,
            agent=self.agent,
            contract=self.contract,
        )
        return self._ask(request, Permitted)

    def document(
        self,
        msisdn: str,
        *,
        amount_uzs: int,
        at: datetime,
        payment_id: str = "",
        espp_id: str = "",
    ) -> Accept:
        unsigned = Accept(
            phone=msisdn,
            amount_tiyin=amount_uzs * 100,
            payment_id=payment_id or f"{self._prefix}-{next(self._numbers)}",
            paid_at=at,
            terminal_at=at,
            espp_id=espp_id,
            agent=self.agent,
            contract=self.contract,
        )
        return replace(unsigned, control_code=control_code.with_md5(messages.texts(unsigned)))

    def accept(self, document: Accept) -> Done[Accepted] | Refused | Unknown:
        return self._ask(document, Accepted)

    def state(self, document: Accept) -> Done[State] | Refused | Unknown:
        request = AskState(
            espp_id=document.espp_id,
            payment_id=document.payment_id,
            agent=self.agent,
            contract=self.contract,
        )
        return self._ask(request, State)

    def cancel(self, document: Accept, *, at: datetime) -> Done[Cancelled] | Refused | Unknown:
        unsigned = Cancel(
            phone=document.phone,
            amount_tiyin=document.amount_tiyin,
            payment_id=document.payment_id,
            cancelled_at=at,
            espp_id=document.espp_id,
            agent=self.agent,
            contract=self.contract,
        )
        signed = replace(unsigned, control_code=control_code.with_md5(messages.texts(unsigned)))
        return self._ask(signed, Cancelled)

    def _ask(
        self, request: messages.Request, wanted: type[Expected]
    ) -> Done[Expected] | Refused | Unknown:
        try:
            answer = messages.parse(self._post(messages.write(request)))
        except httpx.ConnectError as error:
            return Refused("no_connection", str(error), is_for_now=True)
        except httpx.HTTPStatusError as error:
            if error.response.is_client_error:
                return Refused(str(error.response.status_code), error.response.text)
            return Unknown(str(error))
        except (httpx.HTTPError, OSError, ClubError) as error:
            return Unknown(str(error))
        if isinstance(answer, wanted):
            return Done(answer)
        if isinstance(answer, messages.Refusal):
            return Refused(str(answer.number), answer.text)
        return Unknown(f"{answer.name} is no answer to {request.name}")


class Server(ThreadingHTTPServer):
    """The agents' tills: `POST /payments` pays through the agent it names."""

    daemon_threads = True

    def __init__(self, port: int, *, post: Post) -> None:
        super().__init__(("127.0.0.1", port), Till)
        self.agents = {code: PayingAgent(post, agent=code) for code in AGENTS}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Till(BaseHTTPRequestHandler):
    server: Server
    timeout = 30

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        if self.path != "/payments" or not 0 < size <= BODY_BYTES_MAX:
            return self._say(404, "POST /payments, with a little JSON")
        try:
            wish = json.loads(self.rfile.read(size))
            msisdn, amount_uzs = str(wish["msisdn"]), int(wish["amount_uzs"])
            agent = self.server.agents[wish.get("agent", AGENTS[0])]
        except (ValueError, KeyError, TypeError, AttributeError):
            return self._say(400, "msisdn, amount_uzs and one of our agents, please")
        match agent.pay(msisdn, amount_uzs=amount_uzs, at=datetime.now(TASHKENT)):
            case Done(document):
                return self._say(201, document.payment_id)
            case Refused(_, text):
                return self._say(422, text)
            case Unknown():
                return self._say(504, "nobody knows yet what became of the payment")

    def _say(self, status: int, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing: a request line is of no use here."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--club", default="http://127.0.0.1:8000/intake/espp")
    options = parser.parse_args()
    with Server(options.port, post=over_http(options.club)) as till:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _end)
        print(f"READY espp url={till.url}", flush=True)
        till.serve_forever()


def _end(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    main()

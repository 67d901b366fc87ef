import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from club.ledger import queries as books
from club.messages.models import Message
from club.signin import actions as signin
from club.signin.tokens import Tokens
from club.subscribers.models import Subscriber
from tests.builders import Club

API = "/api/v1"


@dataclass
class App:
    """The subscriber's app: it speaks HTTP only. `who` is None before signing in."""

    who: Subscriber | None = None
    tokens: Tokens | None = None
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    def asks(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The answer, with its JSON as `.data`."""
        if self.tokens and "authorization" not in headers:
            headers["authorization"] = f"Bearer {self.tokens.access_token}"
        sent = {"data": json.dumps(body), "content_type": "application/json"} if body else {}
        answer = self.client.generic(method, API + path, headers=headers, **sent)
        answer.data = json.loads(answer.content) if answer.content else None
        return answer

    def get(self, path: str, **headers: str) -> Any:
        return self.asks("GET", path, **headers)

    def post(self, path: str, body: Any, **headers: str) -> Any:
        return self.asks("POST", path, body, **headers)

    def orders(self, reward: str, points: int, *, key: str = "key-00000001") -> Any:
        return self.post("/orders", {"reward": reward, "points": points}, idempotency_key=key)

    def spendable(self) -> int:
        return self.get("/me").data["spendable_points"]

    def held(self) -> int:
        assert self.who is not None
        day = timezone.localdate()
        return books.balance(subscriber_id=self.who.id, day=day).held_points


def code_in_the_message(msisdn: str) -> str:
    text = Message.objects.filter(msisdn=msisdn, template="otp").latest("id").text
    return "".join(c for c in text if c.isdigit())


def signed_in(who: Subscriber) -> App:
    now = timezone.now()
    signin.request_code(msisdn=who.msisdn, address="192.0.2.7", language=None, now=now)
    tokens = signin.redeem_code(
        msisdn=who.msisdn, code=code_in_the_message(who.msisdn), address="192.0.2.7", now=now
    )
    return App(who=who, tokens=tokens)


@pytest.fixture
def club(db: None) -> Club:
    """The programme, open now: the door has a clock of its own."""
    return Club(now=timezone.now()).open()


@pytest.fixture
def stranger(club: Club) -> App:
    return App()


@pytest.fixture
def aziza(club: Club) -> App:
    """Signed in, with 1,000 points or a little more."""
    who = club.subscriber(language="kaa")
    club.earns(who, 1_000_000)
    return signed_in(who)


@pytest.fixture
def bobur(club: Club) -> App:
    """Signed in, without points."""
    return signed_in(club.subscriber(language="ru"))


@pytest.fixture
def newest_code() -> Callable[[str], str]:
    return code_in_the_message

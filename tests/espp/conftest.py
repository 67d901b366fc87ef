"""An agent that is known here, the programme, and the door."""

from collections.abc import Callable
from datetime import datetime

import pytest
from django.test import Client
from django.utils import timezone

from club.accrual.models import Conflict, Event, Register, Rejection
from club.demo import programme
from club.integrations.espp import messages
from club.subscribers.models import Subscriber
from simulators.espp import PayingAgent

AZIZA = "998901234567"
AGENTS = {
    "beepul": {"channel": "app", "contract": "C-17"},
    "paynet": {"channel": "kiosk"},
}


@pytest.fixture
def now() -> datetime:
    return timezone.now().replace(microsecond=0)


@pytest.fixture
def aziza(db, now) -> Subscriber:
    return Subscriber.objects.create(msisdn=AZIZA, joined_at=now)


@pytest.fixture(autouse=True)
def agents(settings) -> dict[str, dict[str, str]]:
    settings.ESPP_AGENTS = {code: dict(entry) for code, entry in AGENTS.items()}
    settings.IS_DEMO = False
    return settings.ESPP_AGENTS


@pytest.fixture
def open_club(db, now) -> None:
    programme.load(now=now)


@pytest.fixture
def post(client: Client, open_club) -> Callable[..., object]:
    """POST /intake/espp, as it comes from the wire."""

    def send(body: bytes, **headers: str):
        return client.post(
            "/intake/espp", data=body, content_type="application/xml", headers=headers
        )

    return send


@pytest.fixture
def agent(post) -> PayingAgent:
    """The agent "beepul" at that door."""
    return PayingAgent(lambda body: post(body).content, agent="beepul", contract="C-17")


@pytest.fixture
def told(post) -> Callable[[messages.Request], messages.Answer]:
    """What an agent is told for a request."""
    return lambda request: messages.parse(post(messages.write(request)).content)


@pytest.fixture
def nothing_was_written(open_club) -> Callable[[], bool]:
    def check() -> bool:
        return not any(each.objects.exists() for each in (Event, Conflict, Rejection, Register))

    return check

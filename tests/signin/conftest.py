from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from club.languages import CODES
from club.messages.models import Message, Template
from club.signin import actions as signin
from club.signin.tokens import Tokens
from club.subscribers.models import Subscriber

NOON = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)


@dataclass
class Phone:
    """Somebody with a number who wants in; what the SMS said is read from the outbox."""

    msisdn: str = "998901234541"
    address: str = "192.0.2.7"
    now: datetime = NOON

    def later(self, **delta: float) -> "Phone":
        self.now += timedelta(**delta)
        return self

    def asks(self, *, language: str | None = None) -> None:
        signin.request_code(
            msisdn=self.msisdn, address=self.address, language=language, now=self.now
        )

    def read(self) -> str:
        """The newest code in the phone's inbox."""
        text = Message.objects.filter(msisdn=self.msisdn).latest("id").text
        return text.split()[0]

    def wrong(self) -> str:
        return f"{(int(self.read()) + 1) % 1_000_000:06}"

    def enters(self, code: str) -> Tokens:
        return signin.redeem_code(msisdn=self.msisdn, code=code, address=self.address, now=self.now)

    def refreshes(self, token: str) -> Tokens:
        return signin.refresh(token=token, now=self.now)

    def signs_in(self) -> Tokens:
        self.asks()
        return self.enters(self.read())


@pytest.fixture
def texts(db: None) -> None:
    Template.objects.update_or_create(
        code="otp", defaults={"texts": {code: "{code} " + code for code in CODES}}
    )


@pytest.fixture
def stranger(texts: None) -> Phone:
    return Phone(msisdn="998909999999")


@pytest.fixture
def phone(texts: None) -> Phone:
    phone = Phone()
    Subscriber.objects.create(msisdn=phone.msisdn, language="kaa", joined_at=NOON)
    return phone

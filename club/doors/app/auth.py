"""Who speaks. Reads believe a signed token; writes also ask whether its session is alive."""

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone, translation
from ninja.security import HttpBearer

from club.doors.app.door import AppRequest
from club.languages import UZBEK
from club.signin import limits, queries, tokens
from club.signin.errors import SessionEnded
from club.signin.tokens import Session
from club.subscribers.models import Subscriber


class SignedInRequest(AppRequest):
    """Everything a signed-in subscriber can reach starts from `auth.subscriber_id`."""

    auth: Session


class AccessToken(HttpBearer):
    """The access token of POST /auth/token."""

    def authenticate(self, request: HttpRequest, token: str) -> Session:
        session = tokens.read_access_token(token, now=timezone.now())
        assert isinstance(request, HttpRequest)
        if not getattr(request, "asked_language", None):
            speak_to(session.subscriber_id)
        return session


class AccessTokenForWrites(AccessToken):
    """The same token, and its session must not be signed out; so many writes a minute."""

    def authenticate(self, request: HttpRequest, token: str) -> Session:
        session = super().authenticate(request, token)
        limit = limits.parse(settings.API_WRITES_PER_SUBSCRIBER)
        use = limits.Use("write_of_subscriber", str(session.subscriber_id), limit)
        limits.take([use], now=timezone.now())
        if not queries.is_alive(session):
            raise SessionEnded("signed out, or not active any more")
        return session


def speak_to(subscriber_id: int) -> None:
    """Without Accept-Language the subscriber's own language counts."""
    own = Subscriber.objects.filter(id=subscriber_id).values_list("language", flat=True).first()
    translation.activate(own or UZBEK)

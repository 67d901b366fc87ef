"""The two tokens of a session: a signed one that needs no look-up, and a secret one that does.

The access token says who and until when and is believed for its ten minutes; the refresh token is
a random secret of which only the hash is stored. Neither carries personal data.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.core import signing

from club.signin.errors import SessionEnded

ACCESS_LIFETIME = timedelta(minutes=10)
REFRESH_LIFETIME = timedelta(days=30)
REFRESH_BYTES = 32
TOKEN_CHARS_MAX = 200


@dataclass(frozen=True)
class Session:
    """Who speaks, and in which chain of refresh tokens that was proved."""

    subscriber_id: int
    family: UUID


@dataclass(frozen=True)
class Tokens:
    session: Session
    access_token: str
    refresh_token: str
    expires_in_s: int = int(ACCESS_LIFETIME.total_seconds())
    refresh_expires_in_s: int = int(REFRESH_LIFETIME.total_seconds())


def access_token(session: Session, *, now: datetime) -> str:
    expires_at_s = int((now + ACCESS_LIFETIME).timestamp())
    return _signer().sign(f"{session.subscriber_id}.{session.family.hex}.{expires_at_s}")


def read_access_token(token: str, *, now: datetime) -> Session:
    """The session an access token stands for; no query. Raises SessionEnded: forged or too old."""
    if len(token) > TOKEN_CHARS_MAX:
        raise SessionEnded("this is not an access token")
    try:
        subscriber_id, family, expires_at_s = _signer().unsign(token).split(".")
    except signing.BadSignature:
        raise SessionEnded("this is not an access token") from None
    if int(expires_at_s) <= now.timestamp():
        raise SessionEnded("the access token is too old")
    return Session(subscriber_id=int(subscriber_id), family=UUID(family))


def new_refresh_token() -> str:
    return secrets.token_urlsafe(REFRESH_BYTES)


def hash_of(refresh_token: str) -> bytes:
    """256 random bits need no salt and no slow hash: there is nothing to guess."""
    return hashlib.sha256(refresh_token.encode()).digest()


def _signer() -> signing.Signer:
    return signing.Signer(salt="club.signin.access", sep="~")

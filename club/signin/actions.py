"""Signing in by a one-time code, staying signed in by rotating tokens, signing out.

Whoever asks learns nothing about a number: unknown ones take the same steps with the same
statements, and every limit bites for them as well.
"""

import secrets
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.utils.crypto import constant_time_compare, salted_hmac

from club.messages import actions as messages
from club.signin import limits, tokens
from club.signin.errors import CodeExpired, CodeWrong, SessionEnded, SigninError
from club.signin.models import Family, OneTimeCode, RefreshToken, Tally
from club.signin.tokens import Session, Tokens
from club.subscribers.models import Status, Subscriber

CODE_DIGITS = 6
CODE_LIFETIME = timedelta(minutes=3)
CODE_TRIES_MAX = 5
REFRESH_GRACE = timedelta(seconds=10)
"""So long may a used token come again: its answer got lost on the way, or two tabs asked at once."""


def request_code(*, msisdn: str, address: str, language: str | None, now: datetime) -> None:
    """Send a one-time code to an active subscriber; the answer to anybody else is the same.

    `msisdn` in the form of subscribers.rules.msisdn, `address` the caller's network address. The
    text is in `language`, or in the subscriber's own when that is None. A new code replaces the old.
    Raises TooFast for everyone alike.
    """
    limits.take(
        [
            limits.Use("code_of_msisdn", msisdn, limits.parse(settings.SIGNIN_CODES_PER_MSISDN)),
            limits.Use(
                "code_of_address",
                address,
                limits.parse(settings.SIGNIN_CODES_PER_ADDRESS),
            ),
        ],
        now=now,
    )
    _issue_code(msisdn=msisdn, language=language, now=now)


@transaction.atomic
def _issue_code(*, msisdn: str, language: str | None, now: datetime) -> None:
    subscriber = Subscriber.objects.filter(msisdn=msisdn, status=Status.ACTIVE).first()
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"
    salt = secrets.token_bytes(16)
    OneTimeCode.objects.bulk_create(
        [
            OneTimeCode(
                msisdn=msisdn,
                code_hash=_code_hash(msisdn=msisdn, code=code, salt=salt),
                salt=salt,
                created_at=now,
                expires_at=now + CODE_LIFETIME,
                tries_left=CODE_TRIES_MAX,
            )
        ],
        update_conflicts=True,
        unique_fields=["msisdn"],
        update_fields=["code_hash", "salt", "created_at", "expires_at", "tries_left"],
    )
    spoken = subscriber.language if subscriber else settings.LANGUAGE_CODE
    with transaction.atomic():
        messages.queue(
            "otp",
            msisdn=msisdn,
            language=language or spoken,
            values={"code": code, "minutes": CODE_LIFETIME // timedelta(minutes=1)},
            dedupe_key=f"otp:{uuid4()}",
            now=now,
            lifetime=CODE_LIFETIME,
            subscriber_id=subscriber.id if subscriber else None,
            is_secret=True,
        )
        if subscriber is None:
            # The message is written and taken back: an unknown number costs as long as a known one.
            transaction.set_rollback(True)


def redeem_code(*, msisdn: str, code: str, address: str, now: datetime) -> Tokens:
    """Exchange a code for the first tokens of a new family. A right code works once.

    Raises TooFast (by address), CodeWrong with `tries_left`, CodeExpired. A wrong try is kept even
    though it raises, and parallel tries queue for the row: five are five.
    """
    limit = limits.parse(settings.SIGNIN_TRIES_PER_ADDRESS)
    limits.take([limits.Use("try_of_address", address, limit)], now=now)
    outcome = _try_code(msisdn=msisdn, code=code, now=now)
    if isinstance(outcome, SigninError):
        raise outcome
    return outcome


@transaction.atomic
def _try_code(*, msisdn: str, code: str, now: datetime) -> Tokens | SigninError:
    """Returned, not raised: an exception would take the used-up try back."""
    kept = OneTimeCode.objects.select_for_update().filter(msisdn=msisdn).first()
    if kept is None or kept.expires_at <= now or kept.tries_left == 0:
        return CodeExpired("ask for a new code")
    hashed = _code_hash(msisdn=msisdn, code=code, salt=bytes(kept.salt))
    subscriber = Subscriber.objects.filter(msisdn=msisdn, status=Status.ACTIVE).first()
    if constant_time_compare(hashed, bytes(kept.code_hash)) and subscriber:
        kept.delete()
        family = Family.objects.create(subscriber_id=subscriber.id, started_at=now)
        return _new_tokens(family, now=now)
    kept.tries_left -= 1
    kept.save(update_fields=["tries_left"])
    return CodeWrong("this is not the code that was sent", tries_left=kept.tries_left)


def refresh(*, token: str, now: datetime) -> Tokens:
    """Exchange a refresh token for new tokens of the same family; each works once.

    A used token that comes again revokes its whole family: one of the two who hold it is a thief.
    The exception is the grace of ten seconds, while its successor is unused: the successor is then
    replaced, so that there is never more than one living token, and whoever holds the replaced one
    will be noticed when it is used. Raises SessionEnded.
    """
    outcome = _exchange(token_hash=tokens.hash_of(token), now=now)
    if isinstance(outcome, SigninError):
        raise outcome
    return outcome


@transaction.atomic
def _exchange(*, token_hash: bytes, now: datetime) -> Tokens | SigninError:
    """Returned, not raised: an exception would take the revocation back."""
    family = Family.objects.select_for_update().filter(tokens__token_hash=token_hash).first()
    if family is None:
        return SessionEnded("unknown refresh token")
    kept = family.tokens.get(token_hash=token_hash)
    if family.revoked_at or kept.expires_at <= now:
        return SessionEnded("signed out, or the refresh token is too old")
    if kept.replaced_at or (kept.used_at and not _answer_was_lost(kept, now=now)):
        _revoke(family.id, now=now)
        return SessionEnded("the refresh token was used before")
    if not Subscriber.objects.filter(id=family.subscriber_id, status=Status.ACTIVE).exists():
        _revoke(family.id, now=now)
        return SessionEnded("the subscriber is not active")

    if kept.used_at:
        family.tokens.filter(token_hash=kept.successor_hash).update(replaced_at=now)
    fresh = _new_tokens(family, now=now)
    kept.used_at = kept.used_at or now
    kept.successor_hash = tokens.hash_of(fresh.refresh_token)
    kept.save(update_fields=["used_at", "successor_hash"])
    return fresh


def _answer_was_lost(kept: RefreshToken, *, now: datetime) -> bool:
    assert kept.used_at is not None
    successor = kept.family.tokens.get(token_hash=kept.successor_hash)
    return now - kept.used_at <= REFRESH_GRACE and successor.used_at is None


def sign_out(*, session: Session, now: datetime) -> None:
    """Revoke every refresh token of this session. Twice is as good as once."""
    _revoke(session.family, now=now)


def _revoke(family_id: UUID, *, now: datetime) -> None:
    Family.objects.filter(id=family_id, revoked_at=None).update(revoked_at=now)


def forget_old(*, now: datetime, rows_max: int) -> int:
    """Delete what no longer decides anything: old codes, ended windows, expired tokens.

    At most `rows_max` of each; the number deleted. Run again until it is less.
    """
    deleted = 0
    for expired in (
        OneTimeCode.objects.filter(expires_at__lt=now),
        Tally.objects.filter(ends_at__lt=now),
        RefreshToken.objects.filter(expires_at__lt=now),
        Family.objects.filter(tokens=None),
    ):
        oldest = list(expired.values_list("pk", flat=True)[:rows_max])
        deleted += expired.filter(pk__in=oldest).delete()[0]
    return deleted


def _new_tokens(family: Family, *, now: datetime) -> Tokens:
    secret = tokens.new_refresh_token()
    family.tokens.create(
        token_hash=tokens.hash_of(secret), issued_at=now, expires_at=now + tokens.REFRESH_LIFETIME
    )
    session = Session(subscriber_id=family.subscriber_id, family=family.id)
    return Tokens(
        session=session,
        access_token=tokens.access_token(session, now=now),
        refresh_token=secret,
    )


def _code_hash(*, msisdn: str, code: str, salt: bytes) -> bytes:
    """Salted per row and keyed with the installation's secret: a stolen table tells no code."""
    return salted_hmac(b"club.signin.code" + salt, f"{msisdn}:{code}", algorithm="sha256").digest()

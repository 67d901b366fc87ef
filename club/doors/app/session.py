import re
from typing import Annotated, Literal

from django.utils import timezone
from ninja import Body, Router, Schema, Status
from pydantic import Field

from club.accrual import own_events
from club.doors.app.auth import AccessToken, SignedInRequest
from club.doors.app.door import AppRequest, address
from club.doors.app.schemas import In, or_problems
from club.signin import actions as signin
from club.signin.tokens import Tokens
from club.subscribers import rules as subscribers

router = Router()
PLATFORM = re.compile(r"[a-z0-9]{1,20}")
Msisdn = Annotated[str, Field(pattern=r"^998[0-9]{9}$", examples=["998901234567"])]


class CodeIn(In):
    msisdn: Msisdn


class OtpGrant(In):
    """A one-time code from the SMS."""

    grant: Literal["otp"]
    msisdn: Msisdn
    code: Annotated[str, Field(pattern=r"^[0-9]{6}$", examples=["123456"])]


class RefreshGrant(In):
    """The refresh token of the answer before. Each works once."""

    grant: Literal["refresh"]
    refresh_token: Annotated[str, Field(min_length=20, max_length=100)]


class TokensOut(Schema):
    """Keep the access token in memory only. `expires_in` is in seconds."""

    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105
    access_token: str
    expires_in: int
    refresh_token: str
    refresh_expires_in: int


@router.post("/auth/otp", response=or_problems({202: None}, 400, 413, 415, 422, 429))
def ask_for_code(request: AppRequest, body: CodeIn) -> Status[None]:
    """Send a one-time code by SMS. The answer is the same whether the number is known or not."""
    signin.request_code(
        msisdn=subscribers.msisdn(body.msisdn),
        address=address(request),
        language=request.asked_language,
        now=timezone.now(),
    )
    return Status(202, None)


@router.post("/auth/token", response=or_problems({200: TokensOut}, 400, 401, 413, 415, 422, 429))
def issue_tokens(
    request: AppRequest,
    body: Body[Annotated[OtpGrant | RefreshGrant, Field(discriminator="grant")]],
) -> TokensOut:
    """Exchange a one-time code, or the last refresh token, for new tokens.

    The app does so whenever it is opened, and says in the header `X-App-Platform` what it runs on.
    """
    now = timezone.now()
    match body:
        case OtpGrant():
            tokens = signin.redeem_code(
                msisdn=body.msisdn, code=body.code, address=address(request), now=now
            )
        case RefreshGrant():
            tokens = signin.refresh(token=body.refresh_token, now=now)
    # No other request has to be looked at: access tokens live for minutes, and in memory only.
    own_events.visit(
        subscriber_id=tokens.session.subscriber_id, platform=_platform(request), now=now
    )
    return _told(tokens)


@router.delete("/auth/session", auth=AccessToken(), response=or_problems({204: None}, 401))
def sign_out(request: SignedInRequest) -> Status[None]:
    """Sign out: no token of this session can be refreshed any more."""
    signin.sign_out(session=request.auth, now=timezone.now())
    return Status(204, None)


def _platform(request: AppRequest) -> str:
    given = request.headers.get("X-App-Platform", "")
    return given if PLATFORM.fullmatch(given) else ""


def _told(tokens: Tokens) -> TokensOut:
    return TokensOut(
        access_token=tokens.access_token,
        expires_in=tokens.expires_in_s,
        refresh_token=tokens.refresh_token,
        refresh_expires_in=tokens.refresh_expires_in_s,
    )

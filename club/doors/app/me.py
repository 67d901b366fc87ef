from datetime import date, datetime
from typing import Annotated

from django.utils import timezone, translation
from ninja import Router, Schema
from pydantic import Field

from club.clock import day_of
from club.doors.app.auth import AccessToken, AccessTokenForWrites, SignedInRequest
from club.doors.app.schemas import In, Language, LevelOut, Points, or_problems
from club.languages import CODES
from club.reports import me, wording
from club.subscribers import actions as subscribers
from club.subscribers.rules import masked

router = Router()


class WorthOut(Schema):
    """What the spendable points are worth: 100 tiyin are one so'm; `text` is ready to be shown."""

    tiyin: int
    text: str = Field(examples=["24 960 soʻm"])


class ExpiringOut(Schema):
    """`expires_on` is the last day on which these points are good (Asia/Tashkent)."""

    expires_on: date
    points: Points


class PromisedOut(Schema):
    """Points that become spendable at `promised_at`."""

    promised_at: datetime
    points: Points


class MeOut(Schema):
    """Held points are promised to an order, pending ones come later, arrears are repaid first."""

    msisdn: str = Field(description="Masked", examples=["+998 90 ••• •• 41"])
    language: Language
    spendable_points: Points
    held_points: Points
    pending_points: Points
    arrears_points: Points
    worth: WorthOut
    tier: LevelOut
    expiring: list[ExpiringOut]
    pending: list[PromisedOut]
    as_of: datetime


class MeIn(In):
    language: Annotated[str, Field(pattern=f"^({'|'.join(CODES)})$", examples=["uz"])]


@router.get("/me", auth=AccessToken(), response=or_problems({200: MeOut}, 401))
def show_me(request: SignedInRequest) -> MeOut:
    """Balance, worth, level, and what expires when. `as_of` is the server's time."""
    now = timezone.now()
    found = me.of(
        subscriber_id=request.auth.subscriber_id,
        language=request.asked_language,
        day=day_of(now),
    )
    translation.activate(request.asked_language or found.language)
    return MeOut(
        msisdn=masked(found.msisdn),
        language=found.language,
        spendable_points=found.balance.spendable_points,
        held_points=found.balance.held_points,
        pending_points=found.balance.pending_points,
        arrears_points=found.balance.arrears_points,
        worth=WorthOut(tiyin=found.worth_tiyin, text=wording.money(found.worth_tiyin)),
        tier=LevelOut(code=found.level.code, name=found.level.name, rank=found.level.rank),
        expiring=[ExpiringOut(expires_on=each.on, points=each.points) for each in found.expiries],
        pending=[
            PromisedOut(promised_at=each.promised_at, points=each.points) for each in found.promised
        ],
        as_of=now,
    )


@router.patch(
    "/me",
    auth=AccessTokenForWrites(),
    response=or_problems({200: MeOut}, 400, 401, 413, 415, 422, 429),
)
def change_me(request: SignedInRequest, body: MeIn) -> MeOut:
    """Choose the language of messages, and of answers to requests that ask for none."""
    subscribers.choose_language(subscriber_id=request.auth.subscriber_id, language=body.language)
    return show_me(request)

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from django.utils import timezone, translation
from ninja import Path, Router, Schema
from pydantic import Field

from club.doors.app.auth import AccessToken, SignedInRequest
from club.doors.app.schemas import CODE, or_problems
from club.reports import offers

router = Router()


class CampaignOfferOut(Schema):
    """`title` is what the lines of the history that it brings are called."""

    title: str
    text: str


class CampaignOut(Schema):
    """`gives` is the one sentence to show, `offers` are all of them, beginning with it. Validity ends before `valid_to`; null is for ever. `legal` is
    the beginning of the terms, all of them where `legal_is_whole`; empty where there are none."""

    key: str
    name: str
    gives: str = Field(examples=["1 point for every 1 000 UZS: for payments, on Saturdays"])
    offers: Sequence[CampaignOfferOut]
    valid_from: datetime | None
    valid_to: datetime | None
    legal: str
    legal_is_whole: bool


class CampaignsOut(Schema):
    items: Sequence[CampaignOut]


@router.get("/campaigns", auth=AccessToken(), response=or_problems({200: CampaignsOut}, 401))
def show_campaigns(request: SignedInRequest) -> CampaignsOut:
    """The campaigns in force that can bring this subscriber points."""
    found = offers.in_force(
        subscriber_id=request.auth.subscriber_id,
        language=translation.get_language(),
        now=timezone.now(),
    )
    return CampaignsOut(items=[CampaignOut.from_orm(one) for one in found])


@router.get(
    "/campaigns/{key}",
    auth=AccessToken(),
    response=or_problems({200: CampaignOut}, 401, 404, 422),
)
def show_campaign(
    request: SignedInRequest, key: Annotated[str, Path(pattern=CODE, max_length=60)]
) -> CampaignOut:
    """One of them, with the whole legal text."""
    found = offers.one(
        subscriber_id=request.auth.subscriber_id,
        key=key,
        language=translation.get_language(),
        now=timezone.now(),
    )
    return CampaignOut.from_orm(found)

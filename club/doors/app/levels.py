from datetime import date, datetime
from typing import Annotated

from django.utils import timezone, translation
from ninja import Router, Schema
from pydantic import Field

from club.doors.app.auth import AccessToken, SignedInRequest
from club.doors.app.schemas import LevelOut, or_problems
from club.engagement import gifts
from club.languages import in_language
from club.reports import wording
from club.tiers import queries as tiers
from club.tiers.models import Tier
from club.tiers.queries import Progress
from club.tiers.rules import Measure

router = Router()
Measured = Annotated[int, Field(description="In the scheme's measure; money in tiyin")]


class NextLevelOut(LevelOut):
    """`reached_on` is the day on which it is reached at the pace of the last 90 days, and `text` says so;
    both are null where it would take more than two years."""

    threshold: Measured
    missing: Measured
    reached_on: date | None
    text: str | None


class LowerLevelOut(LevelOut):
    """Where the subscriber stands from `falls_on` on, unless more comes in until then."""

    falls_on: date
    text: str


class BenefitsOut(Schema):
    """`free_transfers_left`: how many more gifts of this calendar month cost no fee."""

    discount_percent: int
    free_transfers_per_month: int
    free_transfers_left: int


class SchemeOut(Schema):
    code: str
    name: str
    measure: Measure


class ProgressOut(Schema):
    """`since` is null for whoever never stood on another level. `given_until` is the last day of a level
    that was given as a gift."""

    scheme: SchemeOut
    level: LevelOut
    since: datetime | None
    measured: Measured
    benefits: BenefitsOut
    next: NextLevelOut | None
    falls: LowerLevelOut | None
    given_until: date | None


class LevelsOut(Schema):
    items: list[ProgressOut]


@router.get("/me/levels", auth=AccessToken(), response=or_problems({200: LevelsOut}, 401))
def show_levels(request: SignedInRequest) -> LevelsOut:
    """The subscriber in every scheme of levels: what counts, what comes next and when."""
    subscriber_id, now = request.auth.subscriber_id, timezone.now()
    found = tiers.progress(subscriber_id=subscriber_id, now=now)
    sent = gifts.sent_this_month(subscriber_id=subscriber_id, now=now)
    return LevelsOut(items=[_told(each, gifts_sent=sent) for each in found])


def _told(progress: Progress, *, gifts_sent: int) -> ProgressOut:
    benefits = tiers.benefits_of(progress.tier)
    return ProgressOut(
        scheme=SchemeOut(
            code=progress.scheme.code,
            name=in_language(progress.scheme.names, translation.get_language()),
            measure=Measure(progress.scheme.measure),
        ),
        level=LevelOut(code=progress.tier.code, name=_name(progress.tier), rank=progress.tier.rank),
        since=progress.since,
        measured=progress.measured,
        benefits=BenefitsOut(
            discount_percent=benefits.discount_percent,
            free_transfers_per_month=benefits.free_transfers_per_month,
            free_transfers_left=gifts.free_left(benefits, sent=gifts_sent),
        ),
        next=_next(progress, progress.next) if progress.next else None,
        falls=_falls(progress.falls_to, progress.falls_on)
        if progress.falls_to and progress.falls_on
        else None,
        given_until=progress.given_until,
    )


def _next(progress: Progress, tier: Tier) -> NextLevelOut:
    on = progress.reached_on
    return NextLevelOut(
        code=tier.code,
        name=_name(tier),
        rank=tier.rank,
        threshold=tier.threshold,
        missing=progress.missing,
        reached_on=on,
        text=wording.reaches(_name(tier), on) if on else None,
    )


def _falls(tier: Tier, on: date) -> LowerLevelOut:
    name = _name(tier)
    return LowerLevelOut(
        code=tier.code, name=name, rank=tier.rank, falls_on=on, text=wording.falls(name, on)
    )


def _name(tier: Tier) -> str:
    return in_language(tier.names, translation.get_language())

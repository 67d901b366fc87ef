from datetime import datetime
from typing import Annotated

from django.utils import timezone, translation
from ninja import Path, Router, Schema
from pydantic import Field

from club.catalogue import queries as catalogue
from club.catalogue.models import Reward
from club.clock import day_of
from club.doors.app.auth import AccessToken, SignedInRequest
from club.doors.app.schemas import CODE, LevelOut, Points, or_problems
from club.languages import in_language
from club.ledger import queries as ledger
from club.tiers import queries as tiers
from club.tiers.queries import Privileges

router = Router()
REWARDS_MAX = 500


class RewardOut(Schema):
    """`price_points` is this subscriber's price, `full_price_points` that without their level's discount.
    `missing_points` is what the balance lacks; 0 when it is affordable. `level_required` is null unless
    they have to rise to it first: until then an order is refused."""

    code: str
    name: str
    description: str
    category: str
    price_points: Points
    full_price_points: Points
    level_required: LevelOut | None
    is_affordable: bool
    missing_points: Points
    valid_to: datetime | None = Field(description="The end of its sale; null when none is set")


class CatalogueOut(Schema):
    items: list[RewardOut]
    spendable_points: Points


@router.get("/catalogue", auth=AccessToken(), response=or_problems({200: CatalogueOut}, 401))
def show_catalogue(request: SignedInRequest) -> CatalogueOut:
    """Everything on sale now, in the order in which it is shown."""
    now = timezone.now()
    spendable = _spendable_points(request, now)
    privileges = tiers.privileges(subscriber_id=request.auth.subscriber_id)
    rewards = catalogue.on_sale(now=now)[:REWARDS_MAX]
    return CatalogueOut(
        items=[_told(reward, spendable, privileges) for reward in rewards],
        spendable_points=spendable,
    )


@router.get(
    "/catalogue/{code}", auth=AccessToken(), response=or_problems({200: RewardOut}, 401, 404, 422)
)
def show_reward(
    request: SignedInRequest, code: Annotated[str, Path(pattern=CODE, max_length=60)]
) -> RewardOut:
    now = timezone.now()
    reward = catalogue.reward_on_sale(code=code, now=now)
    privileges = tiers.privileges(subscriber_id=request.auth.subscriber_id)
    return _told(reward, _spendable_points(request, now), privileges)


def _spendable_points(request: SignedInRequest, now: datetime) -> int:
    balance = ledger.balance(subscriber_id=request.auth.subscriber_id, day=day_of(now))
    return balance.spendable_points


def _told(reward: Reward, spendable: int, privileges: Privileges) -> RewardOut:
    language = translation.get_language()
    price = privileges.price_points(reward.price_points)
    missing = max(0, price - spendable)
    level = None if privileges.reach(reward.level_min) else reward.level_min
    return RewardOut(
        code=reward.code,
        name=in_language(reward.names, language),
        description=in_language(reward.descriptions, language),
        category=reward.category,
        price_points=price,
        full_price_points=reward.price_points,
        level_required=LevelOut(
            code=level.code, name=in_language(level.names, language), rank=level.rank
        )
        if level
        else None,
        is_affordable=missing == 0,
        missing_points=missing,
        valid_to=reward.valid_to,
    )

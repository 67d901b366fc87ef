from datetime import datetime

from django.db.models import Q, QuerySet

from club.catalogue.models import Reward
from club.errors import ClubError


class RewardUnavailable(ClubError):
    code = "reward_unavailable"


def on_sale(*, now: datetime) -> QuerySet[Reward]:
    """Rewards that can be bought at `now`, in the order in which they are shown."""
    return Reward.objects.select_related("level_min").filter(
        Q(valid_to=None) | Q(valid_to__gt=now), valid_from__lte=now
    )


def reward_on_sale(*, code: str, now: datetime) -> Reward:
    """One reward by its code. Raises RewardUnavailable: unknown, not yet or no longer on sale."""
    reward = on_sale(now=now).filter(code=code).first()
    if reward is None:
        raise RewardUnavailable(
            "this reward is not on sale; choose one from the catalogue", code=code
        )
    return reward

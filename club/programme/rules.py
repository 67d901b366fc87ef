from dataclasses import dataclass
from datetime import date

from club.ledger import expiry_rules
from club.ledger.expiry_rules import ExpiryPolicy


@dataclass(frozen=True, slots=True)
class Life:
    """How long points live: at least so many months, and then until where the policy ends."""

    policy: ExpiryPolicy
    months: int


def expires_on(earned_on: date, *, life: Life) -> date:
    """The last day on which points earned on `earned_on` are good.

    >>> expires_on(date(2026, 1, 31), life=Life(ExpiryPolicy.MONTH_END, months=1))
    datetime.date(2026, 2, 28)
    """
    return expiry_rules.expires_on(earned_on, policy=life.policy, life_months=life.months)


def worth_tiyin(points: int, *, point_worth_tiyin: int) -> int:
    """What so many points are worth, in tiyin (1 so'm = 100 tiyin)."""
    return points * point_worth_tiyin


def breakage_basis_points(*, expired: int, redeemed: int) -> int | None:
    """The part that expired of all points that ended, in hundredths of a percent; None: none ended.

    >>> breakage_basis_points(expired=1, redeemed=2)
    3333
    >>> breakage_basis_points(expired=0, redeemed=0) is None
    True
    """
    ended = expired + redeemed
    return expired * 10_000 // ended if ended > 0 else None

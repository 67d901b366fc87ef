from dataclasses import dataclass
from datetime import date

from club.errors import ClubError
from club.ledger import queries as ledger
from club.ledger.expiry_rules import ExpiryPolicy
from club.programme.models import Programme
from club.programme.rules import Life, breakage_basis_points, worth_tiyin


@dataclass(frozen=True, slots=True)
class Liability:
    """What the programme owes of one fund's points at the end of a day. `breakage_basis_points` is the
    part that expired of all that ended until then, in hundredths of a percent; None: nothing ended."""

    code: str
    outstanding_points: int
    worth_tiyin: int
    breakage_basis_points: int | None


class ProgrammeNotConfigured(ClubError):
    code = "programme_not_configured"


def current() -> Programme:
    """The programme's settings, read afresh so that a change counts at once.

    Raises ProgrammeNotConfigured on an empty database: load one with `club demo load`.
    """
    programme = Programme.objects.first()
    if programme is None:
        raise ProgrammeNotConfigured("no programme is configured: run `club demo load`")
    return programme


def life() -> Life:
    """How long points live that are earned now. Raises ProgrammeNotConfigured."""
    return life_of(current())


def life_of(settings: Programme) -> Life:
    return Life(ExpiryPolicy(settings.expiry_policy), months=settings.points_life_months)


def liabilities(*, day: date) -> list[Liability]:
    """By fund, at the worth that a point has now. Raises ProgrammeNotConfigured."""
    point_worth_tiyin = current().point_worth_tiyin
    found = ledger.programme_accounts(first=date.min, last=day)
    return [
        Liability(
            code=one.code,
            outstanding_points=one.account.outstanding_points,
            worth_tiyin=worth_tiyin(
                one.account.outstanding_points, point_worth_tiyin=point_worth_tiyin
            ),
            breakage_basis_points=breakage_basis_points(
                expired=one.account.expired_points, redeemed=one.account.redeemed_points
            ),
        )
        for one in found
    ]

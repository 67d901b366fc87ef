from club.errors import ClubError
from club.ledger.expiry_rules import ExpiryPolicy
from club.programme.models import Programme
from club.programme.rules import Life


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

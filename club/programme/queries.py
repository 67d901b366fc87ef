from club.errors import ClubError
from club.programme.models import Programme


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

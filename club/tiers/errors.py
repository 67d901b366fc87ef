"""What can be wrong with levels, or with a request about them."""

from club.errors import ClubError


class TiersError(ClubError):
    code = "levels_error"


class BadScheme(TiersError):
    """The file is no scheme of levels. Value: problems, a list of {where, place, what}."""

    code = "bad_scheme"


class NoSuchScheme(TiersError):
    code = "no_such_scheme"


class NoSuchLevel(TiersError):
    code = "no_such_level"


class LevelOfAnother(TiersError):
    """A level's code is one scheme's alone. Values: level, scheme."""

    code = "level_of_another_scheme"


class LevelInUse(TiersError):
    """Somebody has stood on it, or a reward asks for it, so it cannot go. Value: level."""

    code = "level_in_use"


class FirstLevelIsFixed(TiersError):
    """Everybody begins there, and the programme names its main scheme by it. Value: level."""

    code = "first_level_is_fixed"


class BadEnd(TiersError):
    """A given level ends today at the earliest. Value: days_max."""

    code = "bad_end"


class TooManyToCount(TiersError):
    """Looking at everybody took longer than whoever asked can wait. Value: timeout_s."""

    code = "too_many_to_count"


class NobodyThere(TiersError):
    """Levels are given to subscribers."""

    code = "no_such_subscriber"


class LevelTooLow(TiersError):
    """Something is for those who stand higher. Value: level, its name in every language."""

    code = "level_too_low"

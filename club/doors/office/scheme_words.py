"""What is wrong with the file of a scheme of levels, in the words of staff.

What is wrong with any file (a missing field, a number that is none) is said as of campaigns.
"""

from django.utils.translation import gettext_lazy as _
from pydantic import ValidationError

from club.accrual import campaign_words
from club.accrual.campaign_problems import Problem, problems_of
from club.accrual.campaign_words import Told
from club.doors.office import change_words
from club.tiers.errors import BadScheme

SENTENCES = {
    "level_twice": _("The level {level} is there twice. Give one of them another code."),
    "first_threshold": _("The first level, {level}, is everybody's: its threshold is 0."),
    "thresholds_fall": _(
        "{above} stands above {below}, so it has to begin at more than {threshold}."
    ),
    "tenure_window": _("Months in the club count from joining on: leave window_months null."),
    "window_not_whole": _(
        "What counts are whole periods of {period} months; {window} months are none."
    ),
    "measure_without_events": _("What counts here is no event: leave event_type empty."),
    "never_reached": _("{level} is never reached: {months} months have at most {days} days."),
}


def told(error: BadScheme, text: str) -> list[Told]:
    """Every problem at its place; none where the text as a whole is at fault."""
    if not isinstance(error.__cause__, ValidationError):
        return []
    return [_told(problem) for problem in problems_of(error.__cause__, text)]


def _told(problem: Problem) -> Told:
    keys = [str(key) for key in problem.place]
    sentence = SENTENCES.get(problem.code)
    return Told(
        where="/".join(keys),
        place=change_words.place_in_words(
            # Counted from one, as the places of a difference are.
            [str(key + 1) if isinstance(key, int) else key for key in problem.place]
        ),
        what=campaign_words.sentence(problem.code, problem.values)
        if sentence is None
        else campaign_words.filled(str(sentence), problem.values),
    )

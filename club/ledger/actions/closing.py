"""Closing the books' days: the programme's accounts are counted once nothing more can come."""

from datetime import date

from club.ledger.actions.calling import call
from club.ledger.errors import told_in_words


def count_day() -> date | None:
    """Counts the programme's accounts of the next day in order; None when that day is not closed yet.

    A transaction of its own, in which nobody waits: call until it is None. A day is counted once.
    """
    day: date | None
    with told_in_words():
        (day,) = call("select ledger.count_day()", [])
    return day

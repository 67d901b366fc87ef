"""Old months leave the journal, and stay provable."""

from datetime import date

from club.ledger.actions.calling import call
from club.ledger.errors import BadPosting, told_in_words
from club.ledger.queries.reading import rows
from club.ledger.rules import Detached
from club.ledger.seals import checking


def detach_month(*, month: date, today: date) -> Detached:
    """Takes the oldest month out of the journal, once every day that has postings of it is sealed
    and verified; what it did to balances and lots is carried forward. Its table stays, under
    `ledger.past`: to be read, dumped, dropped, or brought back, which this same call takes up.

    Events of that month are refused from now on (DayOutsideBooks), reversals, too (MonthDetached).
    Run it at a quiet hour: it reads the month, and locks the journal for an instant at the end.
    Raises DayOutsideBooks (no such month), BadPosting (not the oldest one, not old enough, not
    sealed, its seals do not hold, or promises of it are open), BooksBusy.
    """
    ((was_detached,),) = rows("select ledger.is_detached(%s)", [month])
    postings = 0
    if not was_detached:
        if breach := next(checking.check(of_month=month), None):
            raise BadPosting(f"the month is not what was sealed: {breach.sentence()}")
        with told_in_words():
            (postings,) = call("select ledger.detach_month(%s, %s)", [month, today])
    with told_in_words():
        (is_attached,) = call("select ledger.attach_past(%s)", [month])
        (name,) = call("select ledger.month_of(%s)", [month])
    return Detached(not was_detached, bool(is_attached), int(postings), f"ledger.{name}")

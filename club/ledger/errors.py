"""What can be wrong with a request to the ledger, and the one place that reads it from SQL."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, DataError

from club.errors import ClubError
from club.savepoints import savepoint


class LedgerError(ClubError):
    code = "ledger_error"


class NotEnoughPoints(LedgerError):
    """Values: available_points, asked_points."""

    code = "not_enough_points"


class KeyReused(LedgerError):
    """The idempotency key stands for other content already. Value: key."""

    code = "idempotency_key_reused"


class NoSuchPosting(LedgerError):
    """Value: key. A reversal may come before its original: keep it and try again."""

    code = "no_such_posting"


class NoSuchHold(LedgerError):
    """Value: hold_id."""

    code = "no_such_hold"


class AlreadyClosed(LedgerError):
    """The hold was captured or released in another way. Values: hold_id, captured_points."""

    code = "hold_closed"


class UnknownSubscriber(LedgerError):
    """Nobody has this number. Value: subscriber_id."""

    code = "unknown_subscriber"


class WrongFund(LedgerError):
    """There is no such fund, or the points are another one's. Value: fund."""

    code = "wrong_fund"


class TransferRefused(LedgerError):
    """The rules of transfers forbid it; the subclasses say which."""

    code = "transfer_refused"


class TransfersFrozen(TransferRefused):
    """After a SIM swap or a change of owner. Values: frozen_until, reason."""

    code = "transfers_frozen"


class TransferLimitReached(TransferRefused):
    """Values: period ("day" or "month"), left_points, left_times (null: no limit), resets_on."""

    code = "transfer_limit_reached"


class PointsTooYoung(TransferRefused):
    """Enough points, but they came too recently. Values: transferable_points, min_age_days."""

    code = "points_too_young"


class NoSuchBudget(LedgerError):
    """Value: budget."""

    code = "no_such_budget"


class BudgetSpent(LedgerError):
    """The goodwill budget has not that much left, or not on this day. Values: budget, left_points."""

    code = "budget_spent"


class NoSuchPot(LedgerError):
    """There is no such family pot, or it was closed. Value: pot_id."""

    code = "no_such_pot"


class NotInPot(LedgerError):
    """Not a member, or not one who may do this. Values: pot_id, subscriber_id."""

    code = "not_in_pot"


class AlreadyInPot(LedgerError):
    """One pot at a time: leave the other one first. Value: pot_id."""

    code = "already_in_pot"


class OpenHolds(LedgerError):
    """Points are still set aside for an order: end the order first. Value: held_points."""

    code = "open_holds"


class AlreadyMerged(LedgerError):
    """The account was merged into another one before. Values: subscriber_id, successor_id."""

    code = "already_merged"


class ClockWentBack(LedgerError):
    """A moment lies before one that the books have closed already. Value: after."""

    code = "clock_went_back"


class MomentInFuture(LedgerError):
    """The past is asked for, and this moment is still to come. Value: at."""

    code = "moment_in_future"


class BeforeTheBooks(LedgerError):
    """The past is asked for, and at this moment the subscriber's postings of a month that was detached
    since were not all there: how it went is not known any more. Value: since, the first moment told."""

    code = "before_the_books"


class BadPosting(LedgerError):
    """Makes no sense to the books; the subclasses say what."""

    code = "bad_posting"


class BadAmount(BadPosting):
    """Not 1 to 10^12 points; or a number, of points or of somebody, beyond what the books can count."""

    code = "bad_amount"


class TooMany(BadPosting):
    """More in one call than the books take. Value: limit."""

    code = "too_many"


class DayOutsideBooks(BadPosting):
    """The books have no month for this day. Value: day, where it is known."""

    code = "day_outside_books"


class MonthDetached(DayOutsideBooks):
    """The posting's month was detached from the books: it is not reversed. Values: day, key."""

    code = "month_detached"


class BooksBusy(LedgerError):
    """Somebody reads or writes what has to stand still for an instant: try again."""

    code = "books_busy"


class SealsUnavailable(LedgerError):
    """The folder of the seals cannot be written: no day is sealed meanwhile, and none is lost."""

    code = "seals_unavailable"


class NotReversible(BadPosting):
    """A reversal, a repayment and an extension are not reversed. Value: kind."""

    code = "not_reversible"


class MoreThanLeft(BadPosting):
    """More than the posting or the hold has left. Values: left_points, asked_points."""

    code = "more_than_left"


class BadCursor(LedgerError):
    """The statement's cursor is not one that a page gave out."""

    code = "bad_cursor"


# The functions in sql/ raise these states; their DETAIL is a JSON object of values.
_ERRORS: dict[str, type[LedgerError]] = {
    "LG402": NotEnoughPoints,
    "LG404": NoSuchPosting,
    "LG405": NoSuchHold,
    "LG406": UnknownSubscriber,
    "LG407": NoSuchPot,
    "LG408": NoSuchBudget,
    "LG409": KeyReused,
    "LG410": AlreadyClosed,
    "LG411": WrongFund,
    "LG412": NotInPot,
    "LG413": BudgetSpent,
    "LG414": TransferLimitReached,
    "LG415": TransfersFrozen,
    "LG416": PointsTooYoung,
    "LG417": ClockWentBack,
    "LG418": OpenHolds,
    "LG419": AlreadyMerged,
    "LG420": AlreadyInPot,
    "LG422": BadPosting,
    "LG423": BadAmount,
    "LG424": DayOutsideBooks,
    "LG425": NotReversible,
    "LG426": MoreThanLeft,
    "LG427": TooMany,
    "LG428": MonthDetached,
    "LG430": MomentInFuture,
    "LG431": BeforeTheBooks,
    "55P03": BooksBusy,  # A lock that was not to be had in time.
    "22003": BadAmount,  # A number, given or summed up, beyond bigint.
    "2201W": BadPosting,  # A limit below zero.
    "23502": BadPosting,  # Nothing where there must be something.
}


@contextmanager
def told_in_words() -> Iterator[None]:
    """Runs a verb so that its refusal is a LedgerError and the caller's transaction stays usable:
    a refused statement would otherwise leave it broken, hence the savepoint."""
    try:
        with savepoint():
            yield
    except (ValueError, OverflowError) as error:
        # Never sent: half a character, a NUL in a text, a moment after the last one.
        raise BadPosting("a text or a moment that the books cannot keep") from error
    except DatabaseError as error:
        if (told := _in_words(error)) is None:
            raise
        raise told from error


def _in_words(error: DatabaseError) -> LedgerError | None:
    state = getattr(error.__cause__, "sqlstate", None)
    diag = getattr(error.__cause__, "diag", None)
    if diag is None:
        return None
    if state is None and isinstance(error, DataError):
        return BadPosting("a text that the books cannot keep")  # Refused by the driver.
    if state == "23514" and diag.constraint_name is None:
        # No partition takes the row. (A broken check constraint has a name.)
        return DayOutsideBooks("the books have no month for this day")
    if state not in _ERRORS:
        return None
    is_ours = state.startswith("LG")
    values = json.loads(diag.message_detail) if is_ours and diag.message_detail else {}
    return _ERRORS[state](diag.message_primary or "", **values)

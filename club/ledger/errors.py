"""What can be wrong with a request to the ledger, and the one place that reads it from SQL."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, transaction

from club.errors import ClubError


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


class BadPosting(LedgerError):
    """Makes no sense to the books: an amount of zero, a reversal of a reversal, more than is left.
    Values, where they help: left_points, asked_points."""

    code = "bad_posting"


class BadCursor(LedgerError):
    """The statement's cursor is not one that a page gave out."""

    code = "bad_cursor"


# The functions in sql/ raise these states; their DETAIL is a JSON object of values.
_ERRORS: dict[str, type[LedgerError]] = {
    "LG402": NotEnoughPoints,
    "LG404": NoSuchPosting,
    "LG405": NoSuchHold,
    "LG409": KeyReused,
    "LG410": AlreadyClosed,
    "LG422": BadPosting,
    "22003": BadPosting,  # A sum beyond bigint.
}


@contextmanager
def told_in_words() -> Iterator[None]:
    """Runs a verb so that its refusal is a LedgerError and the caller's transaction stays usable:
    a refused statement would otherwise leave it broken, hence the savepoint."""
    try:
        with transaction.atomic():
            yield
    except DatabaseError as error:
        if (told := _in_words(error)) is None:
            raise
        raise told from error


def _in_words(error: DatabaseError) -> LedgerError | None:
    state = getattr(error.__cause__, "sqlstate", None)
    diag = getattr(error.__cause__, "diag", None)
    if diag is None:
        return None
    if state == "23514" and diag.constraint_name is None:
        # No partition takes the row. (A broken check constraint has a name.)
        return BadPosting("the books have no month for this day")
    if state not in _ERRORS:
        return None
    is_ours = state.startswith("LG")
    values = json.loads(diag.message_detail) if is_ours and diag.message_detail else {}
    return _ERRORS[state](diag.message_primary or "", **values)

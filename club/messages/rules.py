"""What becomes of a message after an attempt and after its receipts. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final, TypeAlias

from club.outcomes import Done, Refused, Unknown

RETRY_S_MAX: Final = 300
UNKNOWN_ATTEMPTS_MAX_OF_SECRET: Final = 2
"""A one-time code may arrive twice; a person without a code is locked out."""

Outcome: TypeAlias = Done[str] | Refused | Unknown


class State(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"  # committed before the socket is touched: after a crash it means unknown
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    EXPIRED = "expired"


@dataclass(frozen=True)
class Next:
    """`retry_after` is set exactly when the message goes back into the queue."""

    state: State
    error: str = ""
    retry_after: timedelta | None = None


def after_attempt(
    *, last: Outcome, is_whole: bool, is_secret: bool, attempts: int, unknown_attempts: int
) -> Next:
    """The state after one attempt, from the outcome of the last part it tried.

    `is_whole`: nothing is left to submit if that part was taken. `attempts` and
    `unknown_attempts` count this one. A refusal that time may cure is tried again until the message
    expires. An unknown is tried again only for a one-time code, and once; everything else would
    rather not arrive than arrive twice, stays unknown, and is seen as such.
    """
    if isinstance(last, Done):
        return Next(State.SENT) if is_whole else Next(State.QUEUED, retry_after=timedelta(0))
    if isinstance(last, Refused):
        if last.is_for_now:
            return Next(State.QUEUED, last.code, retry_after(attempts))
        return Next(State.REFUSED, last.code)
    if is_secret and unknown_attempts < UNKNOWN_ATTEMPTS_MAX_OF_SECRET:
        return Next(State.QUEUED, last.why, retry_after(attempts))
    return Next(State.UNKNOWN, last.why)


def retry_after(attempts: int) -> timedelta:
    """Twice as long after every attempt.

    >>> [retry_after(attempts).total_seconds() for attempts in (1, 2, 5, 50)]
    [2.0, 4.0, 32.0, 300.0]
    """
    return timedelta(seconds=min(RETRY_S_MAX, 2 ** min(attempts, 16)))


def after_receipts(parts: Sequence[State]) -> State:
    """The state of a message whose parts have all been taken: it arrived when all of it did.

    >>> after_receipts([State.DELIVERED, State.SENT]).value
    'sent'
    """
    if any(part == State.UNDELIVERED for part in parts):
        return State.UNDELIVERED
    if any(part == State.UNKNOWN for part in parts):
        return State.UNKNOWN
    if parts and all(part == State.DELIVERED for part in parts):
        return State.DELIVERED
    return State.SENT

"""When an order is sent again, when its status is asked, and what an answer proves."""

from datetime import timedelta

from club.orders.ports import Outcome
from club.outcomes import Refused, Unknown

KEY_CHARACTERS_MAX = 80

RETRY_AFTER = (
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
)
"""The pause after each attempt of which no byte left; after the last one the order is refused."""

ASK_AFTER = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=5),
    timedelta(hours=1),
)
"""The pause before each question about an unknown outcome; the last one repeats."""

LOOK_AFTER = (
    timedelta(seconds=1),
    timedelta(seconds=2),
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
)
"""The pause before each question about a request that the other side has accepted."""

DESK_AFTER = timedelta(hours=24)
"""An order open this long after it was sent is shown at the incident desk."""
ASK_AT_DESK_AFTER = timedelta(days=1)

JOB_SLACK = timedelta(minutes=1)
"""How late a job may be before the sweep takes its step."""
SENDING_MAX = timedelta(minutes=2)
"""Longer than any call can last: whoever was sending has died."""
LATE_ARRIVAL_MAX = timedelta(minutes=2)
"""How long a request that we gave up may still be on its way to the other side."""

GRACE = timedelta(days=7)
"""Points that expired while an order held them come back for this long."""


def retry_after(*, attempts: int) -> timedelta | None:
    """The pause after the `attempts`-th attempt that could not be sent; None: give up.

    >>> retry_after(attempts=1), retry_after(attempts=6)
    (datetime.timedelta(seconds=10), None)
    """
    assert attempts >= 1
    return RETRY_AFTER[attempts - 1] if attempts <= len(RETRY_AFTER) else None


def ask_after(*, is_accepted: bool, checks: int, sent_for: timedelta) -> timedelta:
    """The pause before the next question, after `checks` of them.

    >>> ask_after(is_accepted=False, checks=0, sent_for=timedelta(seconds=10)).seconds
    5
    >>> ask_after(is_accepted=True, checks=99, sent_for=timedelta(days=2)).days
    1
    """
    if sent_for >= DESK_AFTER:
        return ASK_AT_DESK_AFTER
    pauses = LOOK_AFTER if is_accepted else ASK_AFTER
    return pauses[min(checks, len(pauses) - 1)]


def proved(answer: Outcome, *, is_accepted: bool, sent_for: timedelta) -> Outcome:
    """What an answer to the question for the status proves about the order.

    That the question itself could not be asked proves nothing. That the other side does not know
    the request proves that it never arrived, but only when it can no longer be under way, and
    not when the other side had accepted it: then it has forgotten, and may well have delivered.

    >>> proved(Refused("unknown_request"), is_accepted=False, sent_for=timedelta(minutes=5))
    Refused(code='unknown_request', text='', is_for_now=False)
    >>> proved(Refused("unknown_request"), is_accepted=False, sent_for=timedelta(seconds=5))
    Unknown(why='it has not arrived yet')
    >>> proved(Refused("unknown_request"), is_accepted=True, sent_for=timedelta(minutes=5))
    Unknown(why='it was accepted, and is not known any more')
    """
    if not isinstance(answer, Refused):
        return answer
    if answer.is_for_now:
        return Unknown("its status could not be asked")
    if answer.code != "unknown_request":
        return answer
    if is_accepted:
        return Unknown("it was accepted, and is not known any more")
    if sent_for < LATE_ARRIVAL_MAX:
        return Unknown("it has not arrived yet")
    return answer

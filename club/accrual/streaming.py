"""`club broker`: takes events from a stream into the inbox, each at least once, and so once in effect.

A batch is committed before it is settled. Whatever dies in between, the messages come again, and the
inbox knows them: duplicates, nothing else.
"""

import logging
import signal
from collections.abc import Sequence
from threading import Event as Flag
from typing import cast

from django.db import InterfaceError, OperationalError, close_old_connections
from django.utils import timezone

from club import ports
from club.accrual import inbox, intake
from club.accrual.counts import Counts
from club.accrual.inbox import Receipt, Verdict
from club.accrual.intake import Told
from club.accrual.ports import EventStream, Message, StreamLost
from club.programme.queries import ProgrammeNotConfigured

log = logging.getLogger(__name__)

BATCH_MESSAGES = 1_000
WAIT_S = 1.0
PAUSE_S_MIN, PAUSE_S_MAX = 0.5, 30.0

NOT_NOW = (StreamLost, OperationalError, InterfaceError, ProgrammeNotConfigured)
"""What is nobody's fault among the messages: they come again."""


def main() -> None:
    """Run until SIGTERM or SIGINT; a batch under way is finished."""
    stopping = Flag()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    run(cast(EventStream, ports.bound("event_stream")), stopping=stopping)


def run(stream: EventStream, *, stopping: Flag) -> None:
    """Take batch after batch; return once `stopping` is set. What cannot be done now is tried again
    after a pause, longer each time."""
    pause_s, was_told = PAUSE_S_MIN, ""
    while not stopping.is_set():
        try:
            take_batch(stream)
            pause_s = PAUSE_S_MIN
            if was_told:
                log.warning("taking events again")
            was_told = ""
        except NOT_NOW as error:
            stream.close()  # The messages that were not settled go back.
            told = str(error).splitlines()[0]
            if told != was_told:
                log.warning("events wait: %s", told)
            was_told = told
            stopping.wait(pause_s)
            pause_s = min(pause_s * 2, PAUSE_S_MAX)
    stream.close()


def take_batch(stream: EventStream, *, wait_s: float = WAIT_S) -> Counts:
    """Give what the stream has to the inbox, commit, then settle it. What the inbox rejects is kept there with
    its reason, and is dead to the stream. Raises StreamLost, and what the database raises."""
    counts = Counts()
    messages = stream.receive(limit=BATCH_MESSAGES, wait_s=wait_s)
    if not messages:
        return counts
    close_old_connections()
    receipts = _take(messages)
    for receipt in receipts:
        counts.add(receipt)
    both = zip(messages, receipts, strict=True)
    stream.settle(messages, dead=[m for m, receipt in both if receipt.verdict == Verdict.REJECTED])
    return counts


def _take(messages: Sequence[Message]) -> list[Receipt]:
    """All together; if that raises, halve until what raises stands alone."""
    now = timezone.now()
    try:
        return intake.take([Told(message.octets) for message in messages], now=now)
    except NOT_NOW:
        raise
    except Exception as error:
        if len(messages) > 1:
            middle = len(messages) // 2
            return [*_take(messages[:middle]), *_take(messages[middle:])]
        log.exception("a message could not be taken in")
        (poison,) = messages
        return [
            inbox.reject(
                source=intake.SOURCE_UNKNOWN,
                code="cannot_be_taken",
                reason=f"taking it in raised {type(error).__name__}",
                raw=poison.octets.decode(errors="replace"),
                line=None,
                now=now,
            )
        ]

"""What was decided, before it is written down."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from club.accrual.models import EventState
from club.accrual.rules.explain import Reason
from club.accrual.rules.facts import Facts
from club.accrual.rules.granting import Because
from club.accrual.taking import Taken


class Line(NamedTuple):
    """What one rule version decided about one event; a row of Decision. Made by the thousand, hence
    a tuple: a frozen dataclass takes three times as long to make."""

    subscriber_id: int
    event_id: int
    rule_id: str
    rule_hash: str
    wanted: int
    granted: int
    reason: Reason
    because: Because | None = None
    promised_at: datetime | None = None
    fund: int = 0


class Settled(NamedTuple):
    """An event's new state, with the decisions that brought it there."""

    event: Taken
    state: EventState
    note: str = ""
    facts: Facts | None = None
    asked: Sequence[str] = ()
    """The hashes of the rule versions that were in force."""
    lines: Sequence[Line] = ()

"""What a rule wants for one event: the pure half of a decision."""

from typing import NamedTuple

from club.accrual.rules.explain import Reason
from club.accrual.rules.facts import Facts
from club.accrual.rules.model import Fixed
from club.accrual.rules.to_python import Compiled
from club.tuples import new

GRANTED = Reason.GRANTED
"""A member of an enumeration is looked up in Python: not for each event."""


class Want(NamedTuple):
    wanted: int
    """Points before the cap per event."""
    points: int
    reason: Reason


def want(compiled: Compiled, points: int, facts: Facts) -> Want:
    """What a rule wants whose function said `points`, with the reason: the same as `explain` says, at
    a tenth of its price."""
    if points == compiled.cap_per_event:
        wanted = compiled.wanted(*facts)
        return Want(wanted, points, Reason.CAPPED if wanted > points else Reason.GRANTED)
    if points > 0:
        return new(Want, (points, points, GRANTED))
    if not isinstance(compiled.rule.reward, Fixed) and (facts.amount or 0) <= 0:
        return Want(0, 0, Reason.NO_AMOUNT)
    return Want(0, 0, Reason.ROUNDS_TO_ZERO if compiled.holds(*facts) else Reason.CONDITION)

"""What a rule wants for one event: the pure half of a decision."""

from typing import NamedTuple

from club.accrual.rules.explain import Reason, explain
from club.accrual.rules.facts import Facts
from club.accrual.rules.model import Fixed
from club.accrual.rules.to_python import Compiled


class Want(NamedTuple):
    wanted: int
    """Points before the cap per event."""
    points: int
    reason: Reason


def want(compiled: Compiled, points: int, facts: Facts) -> Want:
    """What a rule wants whose function said `points`, with the reason.

    The same as `explain` says, at a tenth of its price: the tree is walked only at the cap.
    """
    if points == compiled.rule.reward.cap_per_event:
        told = explain(compiled.rule, facts, version="")
        assert told.points == points, "the readers of a rule agree"
        return Want(told.wanted, points, told.reason)
    if points > 0:
        return Want(points, points, Reason.GRANTED)
    if not isinstance(compiled.rule.reward, Fixed) and (facts.amount or 0) <= 0:
        return Want(0, 0, Reason.NO_AMOUNT)
    return Want(0, 0, Reason.ROUNDS_TO_ZERO if compiled.holds(*facts) else Reason.CONDITION)

"""Which of the events that meet a rule's condition count: the n-th, one that completes a streak, one
that reaches a milestone.

Two counters of the rule and the subscriber know the past. What was *seen* in a period holds events
and amounts, whether they counted or not; a *streak* holds its last period, as a number, and its length.
Like limits they follow the order in which events are decided: one that comes late, for a period
before the streak's last, neither lengthens nor breaks it.
"""

from datetime import datetime
from typing import NamedTuple

from club.accrual.rules.counting import Place, Used, period_of
from club.accrual.rules.model import Milestone, Nth, Occasion, Rule, Streak
from club.clock import TASHKENT


class Reached(NamedTuple):
    """How often an event counts, 0 for not yet; and how far the subscriber has come with it."""

    times: int
    have: int
    """Events of the period, periods of the streak, or tiyin of the period."""


def place_of(rule: Rule, *, subscriber_id: int, at: datetime) -> Place | None:
    """The counter of the rule's occasion; None where it has none."""
    match rule.occasion:
        case None:
            return None
        case Streak():
            return Place("ever", f"streak:{rule.id}", subscriber_id)
        case Nth(period=period) | Milestone(period=period):
            return Place(period_of(period, at), f"seen:{rule.id}", subscriber_id)


def advance(occasion: Occasion, before: Used, *, amount: int, at: datetime) -> tuple[Used, Reached]:
    """Count one event that meets the condition; `amount` is its own, in tiyin."""
    if isinstance(occasion, Streak):
        return _lengthened(occasion, before, number_of(occasion, at))
    after = Used(before.points + amount, before.times + 1)
    if isinstance(occasion, Nth):
        is_it = after.times % occasion.n == 0 if occasion.repeats else after.times == occasion.n
        return after, Reached(int(is_it), after.times)
    times = after.points // occasion.amount - before.points // occasion.amount
    if not occasion.repeats:
        times = int(before.points < occasion.amount <= after.points)
    return after, Reached(times, after.points)


def take_back(occasion: Occasion, before: Used, *, amount: int) -> Used:
    """An event was cancelled. Its streak stays: other events may stand in the same period, and the
    points that it brought by itself are taken back anyhow."""
    if isinstance(occasion, Streak):
        return before
    return Used(max(before.points - amount, 0), max(before.times - 1, 0))


def number_of(streak: Streak, at: datetime) -> int:
    """The period of an event in Tashkent as a number; the next one has the next number.

    >>> from datetime import UTC
    >>> at = datetime(2026, 12, 31, 20, tzinfo=UTC)  # the first hour of the new year
    >>> month = Streak(length=3, period="month")
    >>> number_of(month, at) - number_of(month, at.replace(day=30))
    1
    """
    day = at.astimezone(TASHKENT).date()
    match streak.period:
        case "day":
            return day.toordinal()
        case "week":
            return (day.toordinal() - day.weekday()) // 7
        case "month":
            return day.year * 12 + day.month


def _lengthened(streak: Streak, before: Used, number: int) -> tuple[Used, Reached]:
    last, length = before
    if length and number <= last:  # this period has counted already, or is a late one
        return before, Reached(0, length)
    length = length + 1 if length and number == last + 1 else 1
    is_it = length % streak.length == 0 if streak.repeats else length == streak.length
    return Used(number, length), Reached(int(is_it), length)

"""Every reason of a decision as one sentence for its subscriber. One function a reason.

Django's language has to be the reader's while they are called. Numbers of others never appear: of
what all share, only that it is used up.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from club.accrual.rules.explain import Reason
from club.accrual.rules.model import Limit, Milestone, Nth, Occasion, Streak
from club.accrual.rules.nearest import Change
from club.clock import day_of, months_later
from club.languages import Texts
from club.reports.decisions import ExplainedDecision
from club.reports.why.clauses import clause
from club.reports.why.reader import Reader
from club.reports.wording import day, money, number

DAYS_COUNTED_MAX = 60
"""Days further away than these are told by their date."""


@dataclass(frozen=True)
class Case:
    """One decision with what its sentence needs. `instead` are the names of the rule that counted in
    its place."""

    decision: ExplainedDecision
    changes: tuple[Change, ...] | None
    instead: Texts | None
    occurred_on: date
    reader: Reader


def sentence(case: Case) -> str:
    """One plain sentence; a reason of another release is told in general. Points that are not there any more
    are not told as if they were."""
    taken = case.decision.taken_back
    if taken and taken.restored_on is None:
        return _("These points had been credited by mistake, and were taken back")
    told = REASONS.get(case.decision.reason)
    return told(case) if told else _not_this_time(case)


# ---- points came -----------------------------------------------------------------------------
def _granted(case: Case) -> str:
    told = _("This offer counts in full: {points}").format(points=points(case.decision.granted))
    return _with_the_day(told, case)


def _capped(case: Case) -> str:
    told = _("This offer gives no more at once: {points}").format(
        points=points(case.decision.granted)
    )
    return _with_the_day(told, case)


def _cut(case: Case) -> str:
    told = _("{granted} of {wanted} points. {why}").format(
        granted=number(case.decision.granted),
        wanted=number(case.decision.wanted),
        why=_limit(case),
    )
    return _with_the_day(told, case)


def _with_the_day(told: str, case: Case) -> str:
    steps = case.decision.steps
    if steps is None or not steps.confirm_after_days:
        return told
    spendable_on = case.occurred_on + timedelta(days=steps.confirm_after_days)
    return _("{told}; they can be spent from {day} on").format(told=told, day=day(spendable_on))


# ---- none came -------------------------------------------------------------------------------
def _condition(case: Case) -> str:
    if not case.changes:
        return _("Several terms of this offer were not met")
    if len(case.changes) > 1:
        first, second = (clause(change, case.reader) for change in case.changes)
        return _("This offer counts {first} and {second}").format(first=first, second=second)
    (change,) = case.changes
    facts = case.decision.facts
    match change.field, change.value:
        case "amount", int(wanted) if facts and wanted > (facts.amount or 0):
            return _("Pay {amount} more at once and it counts").format(
                amount=money(wanted - (facts.amount or 0))
            )
        case "tenure_months", int(wanted) if facts and wanted > (facts.tenure_months or 0):
            return _tenure(wanted, case.reader)
        case _:
            return _("This offer counts {when}").format(when=clause(change, case.reader))


def _tenure(months: int, reader: Reader) -> str:
    begins_on = months_later(reader.joined_on, months)
    left = (begins_on - reader.today).days
    if left <= 0:
        return _("This offer counts for you from {day} on").format(day=day(begins_on))
    if left > DAYS_COUNTED_MAX:
        return _("This offer begins for you on {day}").format(day=day(begins_on))
    return ngettext(
        "{n} more day to your next bonus", "{n} more days to your next bonus", left
    ).format(n=left)


def _no_amount(case: Case) -> str:
    return _("There was no amount to count points from")


def _too_small(case: Case) -> str:
    return _condition(case) if case.changes else _("It was too small for a whole point")


def _outstacked(case: Case) -> str:
    if case.instead is None:
        return _("Another offer counted instead")
    return _("Another offer counted instead: {offer}").format(offer=case.reader.text(case.instead))


def _excluded(case: Case) -> str:
    if case.instead is None:
        return _("It does not go together with another offer that counted")
    return _("It does not go together with another offer that counted: {offer}").format(
        offer=case.reader.text(case.instead)
    )


def _limit(case: Case) -> str:
    because = case.decision.because
    if because is None or because.limit is None:
        return _not_this_time(case)
    told = (
        _had(because.limit)
        if because.limit.each == "subscriber"
        else _("Everything that was set aside for this offer has been given out")
    )
    return told if case.decision.resets_at is None else _anew(told, case)


def _anew(told: str, case: Case) -> str:
    at = case.decision.resets_at
    assert at is not None
    moment = day(at.date()) + (f" {at:%H:%M}" if at.time() != time() else "")
    return _("{told}; it begins anew on {moment}").format(told=told, moment=moment)


def _had(limit: Limit) -> str:
    told = {
        "hour": _("You have had everything that this offer gives an hour: {amount}"),
        "day": _("You have had everything that this offer gives a day: {amount}"),
        "week": _("You have had everything that this offer gives a week: {amount}"),
        "month": _("You have had everything that this offer gives a month: {amount}"),
        "ever": _("You have had everything that this offer gives in all: {amount}"),
    }
    return told[limit.period].format(amount=_most(limit))


def _most(limit: Limit) -> str:
    if limit.unit == "points":
        return points(limit.most)
    return ngettext("{n} time", "{n} times", limit.most).format(n=number(limit.most))


def _not_yet(case: Case) -> str:
    because = case.decision.because
    if because is None or because.occasion is None:
        return _not_this_time(case)
    left = _left(because.occasion, because.used)
    if left is None:
        told = _("This offer has counted already")
        return told if case.decision.resets_at is None else _anew(told, case)
    told = _to_go(because.occasion, because.used, left)
    if case.decision.resets_at is None:
        return told
    last_day = day_of(case.decision.resets_at - timedelta(microseconds=1))
    return _("{told}, by {day}").format(told=told, day=day(last_day))


def _left(occasion: Occasion, have: int) -> int | None:
    """How many events, periods or tiyin are missing; None where it has come and comes no more."""
    match occasion:
        case Nth(n=whole) | Streak(length=whole) | Milestone(amount=whole):
            have_of_it = have % whole if occasion.repeats and have % whole else have
            return whole - have_of_it if have_of_it < whole else None


def _to_go(occasion: Occasion, have: int, left: int) -> str:
    match occasion:
        case Nth():
            return ngettext(
                "{n} more time to your next bonus", "{n} more times to your next bonus", left
            ).format(n=number(left))
        case Milestone():
            return _("Pay {amount} more in all to your next bonus").format(amount=money(left))
        case Streak(period="day"):
            return ngettext(
                "{n} more day on end to your next bonus",
                "{n} more days on end to your next bonus",
                left,
            ).format(n=left)
        case Streak(period="week"):
            return ngettext(
                "{n} more week on end to your next bonus",
                "{n} more weeks on end to your next bonus",
                left,
            ).format(n=left)
        case Streak():
            return ngettext(
                "{n} more month on end to your next bonus",
                "{n} more months on end to your next bonus",
                left,
            ).format(n=left)


def _holdout(case: Case) -> str:
    return _("This offer was not for your number")


def _cancelled(case: Case) -> str:
    return _("The payment was cancelled before it brought points")


def _reversed(case: Case) -> str:
    return _("The payment was cancelled, so its points were taken back")


def _withdrawn(case: Case) -> str:
    return _("The payment was cancelled, so the points promised for it will not come")


def _clawed(case: Case) -> str:
    return _("The payment was cancelled; its points had been taken back before")


def _not_this_time(case: Case) -> str:
    return _("This offer did not count this time")


REASONS: Mapping[str, Callable[[Case], str]] = {
    Reason.GRANTED: _granted,
    Reason.CAPPED: _capped,
    Reason.CONDITION: _condition,
    Reason.NO_AMOUNT: _no_amount,
    Reason.ROUNDS_TO_ZERO: _too_small,
    Reason.OUTSTACKED: _outstacked,
    Reason.EXCLUDED: _excluded,
    Reason.LIMIT: _limit,
    Reason.CUT: _cut,
    Reason.NOT_YET: _not_yet,
    Reason.HOLDOUT: _holdout,
    Reason.CANCELLED: _cancelled,
    Reason.REVERSED: _reversed,
    Reason.WITHDRAWN: _withdrawn,
    Reason.CLAWED: _clawed,
}


def points(count: int) -> str:
    return ngettext("{n} point", "{n} points", count).format(n=number(count))

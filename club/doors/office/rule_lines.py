"""A rule in the words of staff, line by line: for what it brings how much to whom, and up to where."""

from collections.abc import Iterator
from typing import NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from club.accrual.rules.model import (
    All,
    AnyOf,
    Boost,
    Compare,
    Condition,
    Fixed,
    InSegment,
    Limit,
    Milestone,
    Not,
    Nth,
    Occasion,
    OneOf,
    Percentage,
    PerUnit,
    Rule,
    Streak,
)
from club.doors.office.why import JOINTS, PERIODS, WHOSE, Levels, clause
from club.doors.office.words import word
from club.reports.wording import money, number

COUNTED = {
    "hour": gettext_lazy("counted from the beginning of each hour"),
    "day": gettext_lazy("counted from the beginning of each day"),
    "week": gettext_lazy("counted from the beginning of each week"),
    "month": gettext_lazy("counted from the beginning of each month"),
    "ever": gettext_lazy("counted over all time"),
}


class Line(NamedTuple):
    """`depth` is how far it is indented."""

    depth: int
    text: str


def lines_of(rule: Rule, levels: Levels) -> Iterator[Line]:
    """From what it waits for to what it excludes, in the order in which it is decided."""
    events = ", ".join(word("event_kind", name) for name in rule.trigger)
    yield Line(0, f"{word('fact', 'event_type')}: {events}")
    if rule.when is not None:
        yield from condition_lines(rule.when, levels)
    if rule.occasion is not None:
        yield Line(0, _occasion(rule.occasion))
    yield from _reward(rule, levels)
    for limit in rule.limits:
        yield Line(0, f"{WHOSE[limit.of, limit.each]}: {limit_in_words(limit)}")
    if rule.stacking is not None:
        sentence = (
            _("Of the rules of the group “{group}” the first that brings anything counts")
            if rule.stacking.mode == "first"
            else _("Of the rules of the group “{group}” the one that brings the most counts")
        )
        yield Line(0, sentence.format(group=rule.stacking.group))
    if rule.excludes:
        yield Line(0, _("Never together with: {rules}").format(rules=", ".join(rule.excludes)))
    if rule.priority:
        yield Line(0, _("Priority: {n}").format(n=number(rule.priority)))


def condition_lines(condition: Condition, levels: Levels, depth: int = 0) -> Iterator[Line]:
    """A condition from top to bottom, what is inside of something indented."""
    match condition:
        case Compare(field=field, op=op, value=wanted):
            yield Line(depth, clause(field, op, wanted, levels))
        case OneOf(field=field, values=values):
            yield Line(depth, clause(field, "one_of", values, levels))
        case InSegment(segment=segment):
            yield Line(depth, clause("segments", "in_segment", segment, levels))
        case All(of=parts) | AnyOf(of=parts):
            yield Line(depth, str(JOINTS[condition.kind]))
            for part in parts:
                yield from condition_lines(part, levels, depth + 1)
        case Not(of=part):
            yield Line(depth, str(JOINTS["not"]))
            yield from condition_lines(part, levels, depth + 1)


def limit_in_words(limit: Limit) -> str:
    """How much of what in which period."""
    words = (
        ngettext("{n} point", "{n} points", limit.most)
        if limit.unit == "points"
        else ngettext("{n} time", "{n} times", limit.most)
    )
    return str(PERIODS[limit.period]).format(most=words.format(n=number(limit.most)))


def _occasion(occasion: Occasion) -> str:
    match occasion:
        case Nth(n=n, period=period, repeats=repeats):
            sentence = (
                _("Of such events every no. {n} counts, {counted}")
                if repeats
                else _("Of such events only no. {n} counts, {counted}")
            )
            return sentence.format(n=number(n), counted=COUNTED[period])
        case Streak(length=length, period=period, repeats=repeats):
            on_end = {
                "day": ngettext("{n} day on end", "{n} days on end", length),
                "week": ngettext("{n} week on end", "{n} weeks on end", length),
                "month": ngettext("{n} month on end", "{n} months on end", length),
            }[period]
            sentence = (
                _("Only after such events in {on_end}, and again after as many more")
                if repeats
                else _("Only after such events in {on_end}")
            )
            return sentence.format(on_end=on_end.format(n=number(length)))
        case Milestone(amount=amount, period=period, repeats=repeats):
            sentence = (
                _("Only when their amounts reach {amount}, and again with as much more; {counted}")
                if repeats
                else _("Only when their amounts reach {amount}, {counted}")
            )
            return sentence.format(amount=money(amount), counted=COUNTED[period])


def _reward(rule: Rule, levels: Levels) -> Iterator[Line]:
    reward = rule.reward
    match reward:
        case Fixed(points=points):
            yield Line(0, _("Brings {points}").format(points=_points(points)))
        case PerUnit(per=per, points=points):
            yield Line(0, _price(_("Brings {points} for every full {per}"), per, points))
            for rate in reward.rates:
                yield Line(
                    1, _price(_("but {points} for every full {per} if"), rate.per, rate.points)
                )
                yield from condition_lines(rate.when, levels, 2)
        case Percentage(basis_points=basis_points):
            yield Line(
                0,
                _("Brings {percent} % of the amount, a point for each so'm").format(
                    percent=f"{basis_points / 100:g}"
                ),
            )
    for boost in reward.boosts:
        yield from _boost(boost, levels)
    most = _("One event brings at most {points} points")
    if not (
        isinstance(reward, Fixed) and not reward.boosts and reward.points <= reward.cap_per_event
    ):
        yield Line(0, most.format(points=number(reward.cap_per_event)))
    if days := reward.confirm_after_days:
        yield Line(
            0,
            ngettext("Can be spent {n} day later", "Can be spent {n} days later", days).format(
                n=number(days)
            ),
        )


def _boost(boost: Boost, levels: Levels) -> Iterator[Line]:
    yield Line(0, _("Boost “{name}”, the first of these that holds:").format(name=boost.name))
    for case in boost.cases:
        yield Line(1, _("× {factor} if").format(factor=f"{case.percent / 100:g}"))
        yield from condition_lines(case.when, levels, 2)
    yield Line(1, _("× {factor} otherwise").format(factor=f"{boost.otherwise / 100:g}"))


def _price(sentence: str, per: int, points: int) -> str:
    return sentence.format(points=_points(points), per=money(per))


def _points(points: int) -> str:
    return ngettext("{n} point", "{n} points", points).format(n=number(points))

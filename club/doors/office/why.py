"""A decision in the words of staff: what the rule asked, what it saw, and how it counted.

Sentences are made here from the tree whenever somebody asks; nothing of them is stored.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from club.accrual.rules.explain import Answer, Base, Boosted, Branch, Explanation, Leaf
from club.accrual.rules.facts import COMMON
from club.accrual.rules.granting import Because
from club.accrual.rules.model import Milestone, Nth, Occasion, Streak
from club.doors.office.words import word
from club.languages import UZBEK, Texts, in_language
from club.reports.decisions import ExplainedDecision
from club.reports.wording import money, number

OPS = {
    "eq": gettext_lazy("is {want}"),
    "ne": gettext_lazy("is not {want}"),
    "lt": gettext_lazy("is less than {want}"),
    "le": gettext_lazy("is at most {want}"),
    "gt": gettext_lazy("is more than {want}"),
    "ge": gettext_lazy("is at least {want}"),
    "one_of": gettext_lazy("is one of: {want}"),
    "in_segment": gettext_lazy("{want} is one of them"),
}
WEEKDAYS = (
    gettext_lazy("Monday"),
    gettext_lazy("Tuesday"),
    gettext_lazy("Wednesday"),
    gettext_lazy("Thursday"),
    gettext_lazy("Friday"),
    gettext_lazy("Saturday"),
    gettext_lazy("Sunday"),
)
WEEK = tuple(range(1, 8))
ORDERS = {
    "lt": lambda place: WEEK[:place],
    "le": lambda place: WEEK[: place + 1],
    "gt": lambda place: WEEK[place + 1 :],
    "ge": lambda place: WEEK[place:],
}
JOINTS = {
    "all": gettext_lazy("All of these hold:"),
    "any": gettext_lazy("At least one of these holds:"),
    "not": gettext_lazy("This does not hold:"),
}


WHOSE = {
    ("rule", "subscriber"): gettext_lazy("This rule, for one subscriber"),
    ("rule", "all"): gettext_lazy("This rule, for all subscribers together"),
    ("campaign", "subscriber"): gettext_lazy("The campaign, for one subscriber"),
    ("campaign", "all"): gettext_lazy("The campaign, for all subscribers together"),
}
PERIODS = {
    "hour": gettext_lazy("at most {most} an hour"),
    "day": gettext_lazy("at most {most} a day"),
    "week": gettext_lazy("at most {most} a week"),
    "month": gettext_lazy("at most {most} a month"),
    "ever": gettext_lazy("at most {most} in all"),
}


Levels = Mapping[str, Texts]
"""The names of the programme's levels by their codes, as `Reader` has them."""


@dataclass(frozen=True)
class Clause:
    """One line of a condition; `depth` is how far it is indented."""

    is_met: bool
    depth: int
    text: str
    saw: str


@dataclass(frozen=True)
class Step:
    text: str
    points: str


def facts_seen(decisions: Sequence[ExplainedDecision], levels: Levels) -> list[tuple[str, str]]:
    """Every fact that the rules saw, which is the same for all of them, named and in words; of those that
    some types of event alone have, what this one had."""
    for decision in decisions:
        if decision.facts is not None:
            return [
                (word("fact", name), value(name, got, levels))
                for name, got in decision.facts._asdict().items()
                if name in COMMON or got is not None
            ]
    return []


def clauses(answer: Answer, levels: Levels, depth: int = 0) -> Iterator[Clause]:
    """The condition from top to bottom, each line with what it found."""
    match answer:
        case Leaf(ok=ok, field=field, op=op, want=want, got=got):
            yield Clause(ok, depth, clause(field, op, want, levels), value(field, got, levels))
        case Branch(ok=ok, word=joint, parts=parts):
            yield Clause(ok, depth, str(JOINTS[joint]), "")
            for part in parts:
                yield from clauses(part, levels, depth + 1)


def clause(field: str, op: str, want: object, levels: Levels) -> str:
    """What is asked of one fact. Days of the week are named one by one: nobody says "at least Saturday"."""
    wanted = want if isinstance(want, tuple) else (want,)
    if field == "weekday" and op in ORDERS:
        place = WEEK.index(want) if want in WEEK else None
        if place is not None:
            wanted, op = ORDERS[op](place), "one_of"
    if op == "one_of" and len(wanted) == 1:
        op = "eq"
    told = ", ".join(value(field, one, levels) for one in wanted)
    is_yes_or_no = op == "eq" and isinstance(want, bool)
    return f"{word('fact', field)}: {told if is_yes_or_no else str(OPS[op]).format(want=told)}"


def steps(explanation: Explanation) -> Iterator[Step]:
    """How the points were counted, in the order in which the rule counts them."""
    base = explanation.base
    if base is None:
        return
    yield Step(base_sentence(base), number(base.points))
    for boost in explanation.boosts:
        yield Step(boost_sentence(boost), f"× {boost.percent / 100:g}")
    if explanation.points < explanation.wanted:
        yield Step(
            _("One event brings at most {points} points").format(
                points=number(explanation.cap_per_event)
            ),
            number(explanation.points),
        )


def because(decision: ExplainedDecision) -> str:
    """What made the grant smaller than what the rule wanted, where the event alone did not."""
    reason = decision.because
    if reason is None:
        return ""
    if reason.occasion is not None:
        have, whole = _come(reason.occasion, reason.used)
        return _again(
            _("Its occasion has not come: {have} of {whole}.").format(have=have, whole=whole),
            decision,
        )
    if reason.limit is None:
        return _("What counted instead: {rule}").format(rule=reason.rule_id)
    sentence = _("{whose}: {limit}. Used before: {used}.").format(
        whose=WHOSE[reason.limit.of, reason.limit.each],
        limit=str(PERIODS[reason.limit.period]).format(most=_amount(reason, reason.limit.most)),
        used=_amount(reason, reason.used),
    )
    return _again(sentence, decision)


def _come(occasion: Occasion, have: int) -> tuple[str, str]:
    """How far it has come, and how far it has to: events, so'm or periods on end."""
    match occasion:
        case Nth(n=whole) | Streak(length=whole):
            return number(have), number(whole)
        case Milestone(amount=whole):
            return money(have), money(whole)


def _again(sentence: str, decision: ExplainedDecision) -> str:
    if decision.resets_at is None:
        return sentence
    again = _("Begins anew on {moment}.").format(moment=f"{decision.resets_at:%d.%m.%Y %H:%M}")
    return f"{sentence} {again}"


def _amount(reason: Because, amount: int) -> str:
    in_points = reason.limit is not None and reason.limit.unit == "points"
    words = (
        ngettext("{n} point", "{n} points", amount)
        if in_points
        else ngettext("{n} time", "{n} times", amount)
    )
    return words.format(n=number(amount))


def base_sentence(base: Base) -> str:
    if base.amount is not None and base.basis_points is not None:
        return _("{percent} % of {amount}, a point for each so'm").format(
            amount=money(base.amount), percent=f"{base.basis_points / 100:g}"
        )
    if base.amount is None or base.per is None or base.points_per_unit is None:
        return _("The same points for every such event")
    if base.rate is None:
        sentence = _("{amount}: points for every full {per}, {points} each")
    else:
        sentence = _("{amount}, at a special rate: points for every full {per}, {points} each")
    return sentence.format(
        amount=money(base.amount), per=money(base.per), points=number(base.points_per_unit)
    )


def boost_sentence(boost: Boosted) -> str:
    if boost.case is None:
        return _("Boost “{name}”: none of its cases held").format(name=boost.name)
    return _("Boost “{name}”: its case {place} held").format(name=boost.name, place=boost.case + 1)


def value(field: str, got: object, levels: Levels) -> str:
    """A fact as people read it; a level that is gone by its code."""
    if got is None:
        return _("not known")
    match field, got:
        case "amount" | "lowest_balance_tiyin", int():
            return money(got)
        case "weekday", int():
            return str(WEEKDAYS[got - 1])
        case "tier", str() if got in levels:
            return in_language(levels[got], (get_language() or UZBEK).lower())
        case "hour", int():
            return f"{got:02}:00"
        case "segments", tuple():
            return ", ".join(got) or "–"
        case _, bool():
            return _("yes") if got else _("no")
        case "channel", str():
            return word("channel", got)
        case "event_type", str():
            return word("event_kind", got)
        case _:
            return str(got)

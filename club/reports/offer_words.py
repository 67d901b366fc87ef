"""What a rule gives, as one plain sentence for whoever may get it: the points, then for what, when and
how often. Django's language has to be the reader's while it is made.

No name of a field, of a list or of a tariff: of those it is enough that the reader meets them.
"""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from math import gcd

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from club.accrual.rules import event_types
from club.accrual.rules.model import (
    BASIS_POINTS,
    AnyReward,
    Fixed,
    Limit,
    Milestone,
    Nth,
    Occasion,
    Percentage,
    Period,
    PerUnit,
    Rule,
    Streak,
)
from club.accrual.rules.nearest import Change
from club.accrual.rules.terms import AUDIENCE, Term, terms_of
from club.accrual.rules.to_python import compiled
from club.reports import wording
from club.reports.why.clauses import clause, either
from club.reports.why.reader import Reader
from club.reports.why.sentences import points

TOLD_BY_VALUES = {"channel", "hour", "weekday", "is_holiday", "is_birthday", "tier"}
SILENT = AUDIENCE - {"tier"}
"""Facts about the readers themselves: whoever is shown the offer meets them."""


def sentence(canonical: str, reader: Reader) -> str:
    """What the rule of a stored version gives."""
    rule = compiled(canonical).rule
    terms, has_more = terms_of(canonical, tuple(reader.levels))
    told = [_told(term, reader) for term in terms if term.field not in SILENT]
    has_more |= None in told
    parts = [
        *([] if _is_paying(terms) else _happens(rule)),
        *filter(None, told),
        *([_occasion(rule.occasion)] if rule.occasion else []),
        *_limits(rule),
        *([_("on other terms")] if has_more else []),
        *_later(rule.reward),
    ]
    return f"{_gives(rule.reward)}: {', '.join(parts)}"


def asked(canonical: str, reader: Reader) -> int:
    """Of how many facts it asks something."""
    terms, has_more = terms_of(canonical, tuple(reader.levels))
    return len(terms) + has_more


# ---- how much --------------------------------------------------------------------------------
def _gives(reward: AnyReward) -> str:
    usual, most = _factors(reward)
    match reward:
        case Fixed(points=base, divisor=divisor, cap_per_event=cap):
            least, largest = (min(base * factor // divisor, cap) for factor in (usual, most))
            told = points(largest)
            return told if least == largest else _up_to(told)
        case PerUnit(per=per, points=each, rates=rates, divisor=divisor):
            told = _each(per, each * (usual or most), divisor)
            is_more = most > usual or any(one.points * per > each * one.per for one in rates)
        case Percentage(basis_points=basis_points, divisor=divisor):
            percent = Fraction(basis_points * (usual or most) * BASIS_POINTS, divisor)
            told = _("{percent} % of the amount in points").format(percent=f"{float(percent):g}")
            is_more = most > usual
    if not usual:
        return _up_to(told)
    return _("{gives}, sometimes more").format(gives=told) if is_more else told


def _factors(reward: AnyReward) -> tuple[int, int]:
    """To what the boosts multiply usually, and at most."""
    usual = most = 1
    for boost in reward.boosts:
        usual *= boost.otherwise
        most *= boost.percent_max
    return usual, most


def _each(per: int, multiplied: int, divisor: int) -> str:
    """Whole points for an amount, which is larger where a boost leaves less than one."""
    common = gcd(multiplied, divisor)
    return _("{points} for every {amount}").format(
        points=points(multiplied // common), amount=wording.money(per * (divisor // common))
    )


def _up_to(told: str) -> str:
    return _("up to {points}").format(points=told)


# ---- for what --------------------------------------------------------------------------------
def _happens(rule: Rule) -> Iterator[str]:
    """What has to happen; for a share of a payment it is said already."""
    known = _events()
    told = [known[name] for name in rule.trigger if name in known]
    if len(told) == len(rule.trigger):
        yield either(told)
    else:
        yield _("for what our offers name")


def _events() -> Mapping[str, str]:
    return {
        event_types.PAYMENT: _("for payments"),
        "charge": _("for using our services"),
        "activation": _("for joining us"),
        "tariff_change": _("for changing the tariff"),
        "tenure": _("for staying with us"),
        "birthday": _("on your birthday"),
        "app_visit": _("for opening the app"),
        "participation": _("for taking part"),
        "referral": _("for a friend who joins"),
        "partner_purchase": _("for buying from our partners"),
        "card_linked": _("for linking a bank card"),
        "survey": _("for answering a survey"),
        "month_closed": _("at the end of a month"),
    }


def _is_paying(terms: Sequence[Term]) -> bool:
    """A way of paying is asked for, and so that it is a payment is said: "for paying in the app"."""
    return any(term.field == "channel" and _has_words(term) for term in terms)


def _has_words(term: Term) -> bool:
    """Whether every way of paying that counts has a name that people know."""
    return all(wording.channel(str(code)) for code in term.accepted)


# ---- on which terms --------------------------------------------------------------------------
def _told(term: Term, reader: Reader) -> str | None:
    """None for what has no plain words."""
    match term:
        case Term("amount", least=int(least), most=None):
            return _("from {amount} on").format(amount=wording.money(least))
        case Term("amount", least=None, most=int(most)):
            return _("up to {amount}").format(amount=wording.money(most))
        case Term("amount", least=int(least), most=int(most)):
            return _("from {least} to {most}").format(
                least=wording.money(least), most=wording.money(most)
            )
        case Term("amount", least=None, most=None):
            return ""  # any amount
        case Term("tenure_months" | "lowest_balance_tiyin", least=int(least), most=None):
            return clause(Change(term.field, least, (least,)), reader)
        case Term("channel") if not _has_words(term):
            return None
        case Term("tier") if not set(term.accepted) & set(reader.levels):
            return None
        case Term(field, accepted=(first, *_others)) if field in TOLD_BY_VALUES:
            return clause(Change(field, first, term.accepted), reader)
    return None


def _occasion(occasion: Occasion) -> str:
    match occasion:
        case Nth(n=1, period="ever"):
            return _("for the first time")
        case Nth(n=1, period=period):
            return _("for the first time {within}").format(within=_within(period))
        case Nth(n=n, period=period):
            return ngettext("after {n} time {within}", "after {n} times {within}", n).format(
                n=wording.number(n), within=_within(period)
            )
        case Milestone(amount=amount, period=period):
            return _("when it comes to {amount} {within}").format(
                amount=wording.money(amount), within=_within(period)
            )
        case Streak(length=n, period="day"):
            return ngettext("{n} day on end", "{n} days on end", n).format(n=n)
        case Streak(length=n, period="week"):
            return ngettext("{n} week on end", "{n} weeks on end", n).format(n=n)
        case Streak(length=n):
            return ngettext("{n} month on end", "{n} months on end", n).format(n=n)


def _limits(rule: Rule) -> Iterator[str]:
    """What it gives one subscriber at most; what all share is nobody's business."""
    for limit in rule.limits:
        if limit.each == "subscriber":
            yield _("at most {much} {within}").format(
                much=_most(limit), within=_within(limit.period)
            )


def _later(reward: AnyReward) -> Iterator[str]:
    if days := reward.confirm_after_days:
        told = ngettext("to be spent {n} day later", "to be spent {n} days later", days)
        yield told.format(n=wording.number(days))


def _most(limit: Limit) -> str:
    if limit.unit == "points":
        return points(limit.most)
    return ngettext("{n} time", "{n} times", limit.most).format(n=wording.number(limit.most))


def _within(period: Period) -> str:
    return {
        "hour": _("within an hour"),
        "day": _("within a day"),
        "week": _("within a week"),
        "month": _("within a month"),
        "ever": _("in all"),
    }[period]

"""How the office writes numbers, money and the programme's own texts."""

from collections.abc import Mapping

from django import template
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from club.doors.office import rule_lines, why, words
from club.languages import UZBEK, Texts, in_language
from club.reports import wording
from club.reports.why import telling
from club.subscribers import rules

register = template.Library()

register.filter("number", wording.number)
register.filter("money", wording.money)
register.filter("day", wording.day)
register.filter("masked", rules.masked)


@register.filter
def signed(points: int) -> str:
    """Points with their sign; a real minus, so that it is as wide as the plus."""
    return ("+" if points > 0 else "−" if points < 0 else "") + wording.number(abs(points))


@register.filter
def spaced(msisdn: str) -> str:
    """A whole number in groups, for those who may see it.

    >>> spaced("998901234541")
    '+998 90 123 45 41'
    """
    return f"+{msisdn[:3]} {msisdn[3:5]} {msisdn[5:8]} {msisdn[8:10]} {msisdn[10:]}"


@register.filter
def localized(texts: Texts) -> str:
    """A text of the programme in the language of whoever looks."""
    return in_language(texts, (get_language() or UZBEK).lower())


@register.filter("named")
def fund_name(fund: int, funds: Mapping[int, str]) -> str:
    """A fund as people call it; of one that is not there its number."""
    return funds.get(fund) or _("fund {n}").format(n=fund)


@register.filter
def measured(amount: int, measure: str) -> str:
    """So much of what a scheme of levels counts by."""
    match measure:
        case "money_tiyin":
            return wording.money(amount)
        case "points":
            words = ngettext("{n} point", "{n} points", amount)
        case "events":
            words = ngettext("{n} event", "{n} events", amount)
        case "active_days":
            words = ngettext("{n} day", "{n} days", amount)
        case "tenure_months":
            words = ngettext("{n} month", "{n} months", amount)
        case _:
            words = "{n}"
    return words.format(n=wording.number(amount))


@register.filter
def in_words(code: str, noun: str) -> str:
    """A stored code of one of our nouns, as staff read it."""
    return words.word(noun, code)


@register.filter
def meaning(code: str) -> str:
    """Whether a state is good or bad news: the class that colours its label."""
    return words.MEANINGS.get(code, "plain")


@register.filter
def in_tongue(texts: Texts, language: str) -> str:
    """A text of the programme in the language of whom it is read out to."""
    return in_language(texts, language)


register.filter("told", telling.in_the_readers_language)
register.filter("facts_seen", why.facts_seen)
register.filter("clauses", why.clauses)
register.filter("steps", why.steps)
register.filter("because", why.because)
register.filter("limit_in_words", rule_lines.limit_in_words)

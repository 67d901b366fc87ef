"""What one fact had to be, as the part of a sentence that follows "this offer counts …".

One function a fact. What has no name that people know is told in general: "with another tariff".
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from club.accrual.rules.nearest import Change
from club.reports import wording
from club.reports.why.reader import Reader

HOURS = 24


def clause(change: Change, reader: Reader) -> str:
    return CLAUSES.get(change.field, _detail)(change, reader)


def _amount(change: Change, reader: Reader) -> str:
    return _("with a payment of {amount}").format(amount=wording.money(int(change.value)))


def _channel(change: Change, reader: Reader) -> str:
    ways = [name for code in change.accepted if (name := wording.channel(str(code)))]
    if not ways:
        return _("for paying in another way")
    return _("for paying {way}").format(way=either(ways))


def _hour(change: Change, reader: Reader) -> str:
    spans = [
        _("from {start} to {end}").format(start=f"{first:02}:00", end=f"{(last + 1) % HOURS:02}:00")
        for first, last in _spans(sorted(int(hour) for hour in change.accepted))
    ]
    return both(spans)


def _spans(hours: Sequence[int]) -> list[tuple[int, int]]:
    """The first and the last hour of each unbroken span; a night is one.

    >>> _spans([0, 1, 8, 9, 10, 23]), _spans([12])
    ([(8, 10), (23, 1)], [(12, 12)])
    """
    runs = groupby(enumerate(hours), key=lambda placed: placed[1] - placed[0])
    spans = [[*map(itemgetter(1), run)] for _, run in runs]
    if len(spans) > 1 and spans[0][0] == 0 and spans[-1][-1] == HOURS - 1:
        spans = [*spans[1:-1], spans[-1] + spans[0]]
    return [(span[0], span[-1]) for span in spans]


def _weekday(change: Change, reader: Reader) -> str:
    days = sorted(int(day) for day in change.accepted)
    if days == [6, 7]:
        return _("on Saturdays and Sundays")
    if days == [1, 2, 3, 4, 5]:
        return _("from Monday to Friday")
    names = (
        _("on Mondays"),
        _("on Tuesdays"),
        _("on Wednesdays"),
        _("on Thursdays"),
        _("on Fridays"),
        _("on Saturdays"),
        _("on Sundays"),
    )
    return both([names[day - 1] for day in days])


def _holiday(change: Change, reader: Reader) -> str:
    return _("on public holidays") if change.value else _("on days that are no public holidays")


def _birthday(change: Change, reader: Reader) -> str:
    return _("on your birthday") if change.value else _("on any day but your birthday")


def _tenure(change: Change, reader: Reader) -> str:
    months = int(change.value)
    return ngettext(
        "when you have been with us for {n} month",
        "when you have been with us for {n} months",
        months,
    ).format(n=months)


def _level(change: Change, reader: Reader) -> str:
    known = [*reader.levels]
    codes = [code for code in known if code in change.accepted]
    if not codes:
        return _("with another level")
    names = [reader.text(reader.levels[code]) for code in codes]
    if len(codes) > 1 and codes == known[known.index(codes[0]) :]:
        return _("from level {level} on").format(level=names[0])
    return _("with level {level}").format(level=either(names))


def _tariff(change: Change, reader: Reader) -> str:
    return _("with another tariff")


def _region(change: Change, reader: Reader) -> str:
    return _("in another region")


def _event_type(change: Change, reader: Reader) -> str:
    return _("for payments") if change.value == "payment" else _("for something other than this")


def _lowest_balance(change: Change, reader: Reader) -> str:
    amount = wording.money(int(change.value))
    return _("when the balance does not fall below {amount} in a month").format(amount=amount)


def _list(change: Change, reader: Reader) -> str:
    """Staff name their lists for themselves; whoever is on one was chosen."""
    return _("for those whom we have chosen for it")


def _detail(change: Change, reader: Reader) -> str:
    """What one type of event alone has."""
    return _("on other terms")


CLAUSES: Mapping[str, Callable[[Change, Reader], str]] = {
    "amount": _amount,
    "channel": _channel,
    "hour": _hour,
    "weekday": _weekday,
    "is_holiday": _holiday,
    "is_birthday": _birthday,
    "tenure_months": _tenure,
    "tier": _level,
    "tariff": _tariff,
    "region": _region,
    "event_type": _event_type,
    "lowest_balance_tiyin": _lowest_balance,
    "segments": _list,
}


def both(parts: Sequence[str]) -> str:
    return _listed(parts, _("{some} and {last}"))


def either(parts: Sequence[str]) -> str:
    return _listed(parts, _("{some} or {last}"))


def _listed(parts: Sequence[str], joint: str) -> str:
    *some, last = parts
    return joint.format(some=", ".join(some), last=last) if some else last

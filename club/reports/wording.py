"""How amounts and days are written for people, in the language that is active."""

from datetime import date

from django.utils.translation import gettext as _

NARROW_SPACE = "\u202f"


def number(value: int) -> str:
    """Thousands apart, as all five languages of the programme are read here.

    >>> number(12480) == "12\u202f480"
    True
    """
    return f"{value:,}".replace(",", NARROW_SPACE)


def money(tiyin: int) -> str:
    """An amount in so'm, whole where it is whole; 1 so'm = 100 tiyin."""
    whole, rest = divmod(tiyin, 100)
    amount = number(whole) + (f".{rest:02}" if rest else "")
    return _("{amount} so'm").format(amount=amount)


def day(value: date) -> str:
    """A date as it is written in Uzbekistan.

    >>> day(date(2026, 11, 3))
    '03.11.2026'
    """
    return f"{value:%d.%m.%Y}"


def channel(code: str) -> str | None:
    """A channel of payment in words; None for one that nobody named yet."""
    return {
        "app": _("in the app"),
        "kiosk": _("at a payment kiosk"),
        "bank": _("through a bank"),
        "shop": _("in a shop"),
    }.get(code)


def reaches(level: str, on: date) -> str:
    """When the next level comes, if everything goes on as it does."""
    return _("{level} by {day} at this pace").format(level=level, day=day(on))


def falls(level: str, on: date) -> str:
    """From when somebody stands on a lower level, unless they do something about it."""
    return _("{level} from {day}, unless more comes in").format(level=level, day=day(on))

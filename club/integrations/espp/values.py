"""How ESPP writes a sum, an instant and an id. Strict: what could mean two things is refused."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

from club.clock import TASHKENT
from club.integrations.espp.refusals import BadField, WrongCurrency

UZS = "860"
"""ISO 4217 number of the so'm, as the published agent-payment clients send currencies."""

SUM = re.compile(r"([+-]?)([0-9]{1,16})(?:\.([0-9]{1,6}))?")
MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]{1,9})?"
    r"(?: ?(Z|UTC|[+-][0-9]{2}:?[0-9]{2}))?"
)
COMPACT = re.compile(r"([0-9]{8})([0-9]{6})(?:[0-9]{3})?")
AGENT = re.compile(r"[A-Za-z0-9_.-]{1,40}")
PAYMENT_ID = re.compile(r"[!-:<-~]{1,50}")  # graphic ASCII without the register's semicolon
YEAR_MIN, YEAR_MAX = 2000, 2100


def tiyin(text: str) -> int:
    """A sum in so'm as whole tiyin, exactly. The sign is kept: the inbox says what it refuses.

    Raises BadField for anything but digits with a decimal point, and for parts of a tiyin.

    >>> tiyin("50000"), tiyin("1000.5"), tiyin("0.01"), tiyin("-3.10")
    (5000000, 100050, 1, -310)
    """
    match = SUM.fullmatch(text)
    if match is None:
        raise BadField("a sum is written in digits with a decimal point, like 50000.00")
    sign, whole, fraction = match[1], match[2], (match[3] or "").ljust(2, "0")
    if fraction[2:].strip("0"):
        raise BadField("a sum has at most two decimals, like 50000.00")
    amount_tiyin = int(whole) * 100 + int(fraction[:2])
    return -amount_tiyin if sign == "-" else amount_tiyin


def sum_text(amount_tiyin: int) -> str:
    """The inverse of `tiyin`.

    >>> sum_text(5_000_000), sum_text(-1)
    ('50000.00', '-0.01')
    """
    whole, fraction = divmod(abs(amount_tiyin), 100)
    return f"{'-' if amount_tiyin < 0 else ''}{whole}.{fraction:02}"


def moment(text: str) -> datetime:
    """An instant, in either way the published clients write it; without an offset in Tashkent.

    Fractions of a second are dropped, so that the feed and the register agree. Raises BadField.

    >>> moment("2026-08-01T10:00:00").isoformat(), moment("20260801100000000").isoformat()
    ('2026-08-01T10:00:00+05:00', '2026-08-01T10:00:00+05:00')
    >>> moment("2026-08-01T08:00:00+03:00") == moment("2026-08-01T10:00:00")
    True
    """
    wall, offset = text, None
    if match := MOMENT.fullmatch(text):
        wall, offset = match.groups()
    elif match := COMPACT.fullmatch(text):
        wall = f"{match[1]}T{match[2]}"
    else:
        raise BadField("a time is written like 2026-08-01T10:00:00")
    try:
        zone = TASHKENT if offset is None else _zone(offset)
        at = datetime.fromisoformat(wall).replace(tzinfo=zone)
    except ValueError as error:
        raise BadField("there is no such date or time") from error
    if not YEAR_MIN <= at.year <= YEAR_MAX:
        raise BadField(f"a time lies between the years {YEAR_MIN} and {YEAR_MAX}")
    return at


def _zone(offset: str) -> timezone:
    if offset in ("Z", "UTC"):
        return timezone.utc  # noqa: UP017 — `datetime.UTC` would hide that this is a timezone
    hours, minutes = int(offset[1:3]), int(offset[-2:])
    ahead = timedelta(hours=hours, minutes=minutes)
    return timezone(-ahead if offset[0] == "-" else ahead)


def moment_text(at: datetime) -> str:
    """The wall clock in Tashkent, to the second.

    >>> moment_text(moment("2026-08-01T10:00:00+05:00"))
    '2026-08-01T10:00:00'
    """
    return at.astimezone(TASHKENT).strftime("%Y-%m-%dT%H:%M:%S")


def moment_text_with_offset(at: datetime) -> str:
    return moment_text(at) + "+05:00"


def currency(text: str) -> str:
    if text != UZS:
        raise WrongCurrency(f"only so'm are taken, whose currency number is {UZS}")
    return text


def agent_code(text: str) -> str:
    if not AGENT.fullmatch(text):
        raise BadField("an agent's code has up to 40 letters, digits, dots, hyphens, underscores")
    return text


def payment_id(text: str) -> str:
    if not PAYMENT_ID.fullmatch(text):
        raise BadField("a payment id has up to 50 graphic ASCII characters and no semicolon")
    return text


def short_text(text: str) -> str:
    """Any other field: up to 100 characters, none of them a control character."""
    short_texts([text])
    return text


def short_texts(fields: Sequence[str]) -> None:
    """The same of all fields of a line at once."""
    if len(max(fields, key=len)) > 100 or not "".join(fields).isprintable():
        raise BadField("a field has up to 100 printable characters")

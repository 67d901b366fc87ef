"""The form "what if" on a subscriber's page: what an agent typed, and what would come of it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.http import QueryDict
from django.utils.translation import gettext as _

from club.accrual.rules.facts import AMOUNT_TIYIN_MAX
from club.accrual.rules.model import Scalar
from club.clock import TASHKENT, day_of
from club.doors.office.words import WORDS, word
from club.reports.why import supposing, telling
from club.reports.why.reader import Reader
from club.reports.why.sentences import Case
from club.reports.why.supposing import Supposition
from club.reports.wording import number
from club.subscribers.models import Subscriber

TARIFF_CHARS_MAX = 40
YEARS = range(2000, 2100)
CHANNELS = tuple(WORDS["channel"])


@dataclass(frozen=True)
class WhatIf:
    """What stands in the form, and below it: an answer, or what is wrong with the question."""

    amount: str
    channel: str
    tariff: str
    at: datetime
    channels: Sequence[tuple[str, str]]
    error: str = ""
    supposed: Supposition | None = None
    cases: Sequence[Case] = ()


def what_if(typed: QueryDict, subscriber: Subscriber, reader: Reader, *, now: datetime) -> WhatIf:
    """The form as it was sent, with its answer; filled in with what is so, where nothing was."""
    amount = typed.get("if_amount", "").strip()
    tariff = typed.get("if_tariff", subscriber.tariff).strip()[:TARIFF_CHARS_MAX]
    channel = typed.get("if_channel", CHANNELS[0])
    at = _moment(typed.get("if_at", ""))
    form = WhatIf(
        amount=amount,
        channel=channel,
        tariff=tariff,
        at=at or now.astimezone(TASHKENT),
        channels=[(code, word("channel", code)) for code in CHANNELS],
    )
    if not amount:
        return form
    amount_tiyin = _tiyin(amount)
    if amount_tiyin is None:
        return replace(form, error=_amount_wrong())
    if at is None and typed.get("if_at"):
        return replace(form, error=_("That is no day and time between 2000 and 2099."))
    if channel not in CHANNELS or not tariff.isprintable():
        return replace(
            form, error=_("Choose a channel from the list, and a tariff as it is written.")
        )
    facts: dict[str, Scalar | None] = {
        "amount": amount_tiyin,
        "channel": channel,
        "tariff": tariff or None,
    }
    supposed = supposing.suppose(
        subscriber=subscriber, at=form.at, facts=facts, levels=[*reader.levels]
    )
    cases = telling.cases(
        supposed.decisions,
        occurred_on=day_of(supposed.at),
        reader=reader,
        most=len(supposed.decisions),
    )
    return replace(form, supposed=supposed, cases=cases)


def _moment(text: str) -> datetime | None:
    """A field for a date and a time, in Tashkent.

    >>> _moment("2026-11-22T14:00").isoformat(), _moment("9999-12-31T23:59"), _moment("x")
    ('2026-11-22T14:00:00+05:00', None, None)
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at.replace(tzinfo=TASHKENT) if at.tzinfo is None and at.year in YEARS else None


def _tiyin(text: str) -> int | None:
    """Whole so'm as people write them.

    >>> _tiyin("50 000"), _tiyin("0"), _tiyin("-5"), _tiyin("9" * 30), _tiyin("five")
    (5000000, None, None, None, None)
    """
    digits = re.sub(r"\s", "", text)
    if not digits.isascii() or not digits.isdigit() or len(digits) > len(str(AMOUNT_TIYIN_MAX)):
        return None
    tiyin = int(digits) * 100
    return tiyin if 0 < tiyin <= AMOUNT_TIYIN_MAX else None


def _amount_wrong() -> str:
    return _("Type whole so'm, more than 0 and at most {most}.").format(
        most=number(AMOUNT_TIYIN_MAX // 100)
    )

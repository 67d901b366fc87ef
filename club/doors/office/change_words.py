"""The places and values of a proposal's document in the words of staff.

Campaigns have words of their own (campaign_lines.py); this is for everything else that is proposed.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from club.access.rules import Change, Scalar
from club.accrual.rules.event_types import EVENT_TYPES
from club.clock import TASHKENT
from club.doors.office.templatetags.office import fund_name, localized
from club.doors.office.why import Levels
from club.doors.office.words import word
from club.languages import LANGUAGES
from club.reports.wording import day, number

LANGUAGE_NAMES = dict(LANGUAGES)
SILENT = {"of", "taken", "benefits"}
"""What is inside of these says enough."""
LEFT_OUT = {"form", "digest", "list"}
"""Nothing that somebody decides about."""
HASH = re.compile(r"[0-9a-f]{64}")
PLACES = {
    "code": gettext_lazy("Code"),
    "name": gettext_lazy("Name"),
    "names": gettext_lazy("Names"),
    "members": gettext_lazy("Subscribers"),
    "measure": gettext_lazy("What counts"),
    "event_type": gettext_lazy("Kind of event"),
    "period_months": gettext_lazy("Months from review to review"),
    "window_months": gettext_lazy("Months that count"),
    "grace_days": gettext_lazy("Days of grace after a review"),
    "landing_steps": gettext_lazy("Levels lost at most at once"),
    "notice_days": gettext_lazy("Days of notice before a level is lost"),
    "tiers": gettext_lazy("Levels"),
    "threshold": gettext_lazy("From"),
    "discount_percent": gettext_lazy("Discount on rewards, percent"),
    "free_transfers_per_month": gettext_lazy("Gifts a month without a fee"),
    "campaign": gettext_lazy("Campaign"),
    "since": gettext_lazy("Granted from"),
    "until": gettext_lazy("Granted before"),
    "policy": gettext_lazy("When the points are spent"),
    "decisions": gettext_lazy("Decisions taken back"),
    "points": gettext_lazy("Points taken back"),
    "subscribers": gettext_lazy("Subscribers they are taken from"),
    "owed_points": gettext_lazy("Points that remain owed"),
    "owing_subscribers": gettext_lazy("Subscribers who owe them"),
    "points_by_fund": gettext_lazy("Points of a fund"),
    "clawback": gettext_lazy("Clawback"),
    "subscriber_id": gettext_lazy("Subscriber"),
    "level": gettext_lazy("Level"),
    "ends_on": gettext_lazy("Its last day"),
    "reason": gettext_lazy("Why"),
}
NUMBERED = {"tiers": gettext_lazy("Level {n}"), "versions": gettext_lazy("Version {n}")}
GIVEN_BACK = {
    "decisions": gettext_lazy("Decisions given back"),
    "points": gettext_lazy("Points given back"),
    "subscribers": gettext_lazy("Subscribers they are given back to"),
}


@dataclass(frozen=True, slots=True)
class ToldChange:
    """A change with its place as people read it; `where` is the place in the document."""

    where: str
    place: str
    before: str | None
    after: str | None


def told(
    change: Change, *, levels: Levels, funds: Mapping[int, str], campaigns: Mapping[str, str]
) -> ToldChange | None:
    """None for what nobody decides about."""
    keys = change.place.split("/")
    if not change.place or keys[-1] in LEFT_OUT:
        return None

    def shown(got: Scalar) -> str | None:
        return None if got is None else _value(keys, got, levels=levels, campaigns=campaigns)

    place = " › ".join(_place(keys, funds))
    return ToldChange(change.place, place, shown(change.before), shown(change.after))


def _place(keys: list[str], funds: Mapping[int, str]) -> Iterator[str]:
    above = ""
    for nth, key in enumerate(keys):
        if above in NUMBERED:
            yield str(NUMBERED[above]).format(n=int(key))
        elif above == "points_by_fund":
            yield fund_name(int(key), funds)
        elif above == "names":
            yield LANGUAGE_NAMES.get(key, key)
        elif above == "restored":
            yield str(GIVEN_BACK.get(key, key))
        elif key not in SILENT and key != "restored" and not (key in NUMBERED and keys[nth + 1 :]):
            yield str(PLACES.get(key, key))
        above = key


def _value(keys: list[str], got: Scalar, *, levels: Levels, campaigns: Mapping[str, str]) -> str:
    match keys[-1], got:
        case "measure", str():
            return word("measure", got)
        case "policy", str():
            return word("clawback_policy", got)
        case "event_type", str() if got in EVENT_TYPES:
            return word("event_kind", got)
        case "campaign", str():
            return campaigns.get(got, got)
        case "level", str() if got in levels:
            return localized(levels[got])
        case "ends_on", str():
            return day(date.fromisoformat(got))
        case "since" | "until", str():
            return f"{datetime.fromisoformat(got).astimezone(TASHKENT):%d.%m.%Y %H:%M}"
        case "subscriber_id" | "clawback", int():
            return str(got)
        case _, bool():
            return _("yes") if got else _("no")
        case _, int():
            return number(got)
        case _, str() if HASH.fullmatch(got):
            return got[:12]
        case _, "[]" | "{}" | "":
            return "–"
        case _:
            return str(got)

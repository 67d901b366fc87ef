"""A level that staff give one subscriber until a day: asked for by one, approved by another."""

from datetime import date, datetime, timedelta

from django.db import transaction

from club.access import proposals
from club.access.models import Proposal, Staff
from club.clock import day_of
from club.subscribers import queries as subscribers
from club.tiers import actions
from club.tiers.errors import BadEnd, NobodyThere, NoSuchLevel
from club.tiers.models import GivenLevel, Tier

KIND = "tiers.level"
DAYS_MAX = 731

Document = dict[str, object]
"""subscriber_id, level, ends_on, reason."""


@transaction.atomic
def propose(
    *, subscriber_id: int, level: str, ends_on: date, why: str, by: Staff, now: datetime
) -> Proposal:
    """Ask that a subscriber stand at least on `level` to the end of `ends_on`.

    It replaces what was given in that scheme before; whoever deserves more keeps more. `ends_on` of today
    ends an earlier one. Raises NobodyThere, NoSuchLevel, BadEnd, and as `proposals.propose` does.
    """
    if subscribers.by_id(subscriber_id) is None:
        raise NobodyThere("nobody has this number any more")
    document: Document = {
        "subscriber_id": subscriber_id,
        "level": level,
        "ends_on": ends_on.isoformat(),
        "reason": why.strip(),
    }
    tier = _checked(document, day=day_of(now))
    return proposals.propose(
        kind=KIND,
        subject_id=subject_of(scheme=tier.scheme_id, subscriber_id=subscriber_id),
        document=document,
        why=why,
        by=by,
        now=now,
    )


def subject_of(*, scheme: str, subscriber_id: int) -> str:
    """What a proposal is about: one waits at a time for each subscriber and scheme."""
    return f"{scheme}:{subscriber_id}"


@transaction.atomic
def give(document: Document, now: datetime) -> None:
    """Give the level of an approved document, and move its subscriber at once.

    Raises NoSuchLevel, BadEnd.
    """
    tier = _checked(document, day=day_of(now))
    subscriber_id = _subscriber_id(document)
    GivenLevel.objects.update_or_create(
        subscriber_id=subscriber_id,
        scheme=tier.scheme,
        defaults={"tier": tier, "ends_on": _ends_on(document), "reason": str(document["reason"])},
    )
    actions.reconsider(subscriber_ids=[subscriber_id], now=now)


def current(document: Document, now: datetime) -> Document | None:
    """What is given in the document's scheme already."""
    given = GivenLevel.objects.filter(
        subscriber_id=_subscriber_id(document),
        scheme__tiers=str(document["level"]),
        ends_on__gte=day_of(now),
    ).first()
    if given is None:
        return None
    return {
        "subscriber_id": given.subscriber_id,
        "level": given.tier_id,
        "ends_on": given.ends_on.isoformat(),
        "reason": given.reason,
    }


def _checked(document: Document, *, day: date) -> Tier:
    tier = Tier.objects.filter(code=str(document["level"])).select_related("scheme").first()
    if tier is None:
        raise NoSuchLevel(f"there is no level {document['level']}", level=document["level"])
    if not day <= _ends_on(document) <= day + timedelta(days=DAYS_MAX):
        raise BadEnd(
            f"it ends today at the earliest, and within {DAYS_MAX} days", days_max=DAYS_MAX
        )
    return tier


def _ends_on(document: Document) -> date:
    return date.fromisoformat(str(document["ends_on"]))


def _subscriber_id(document: Document) -> int:
    return int(str(document["subscriber_id"]))

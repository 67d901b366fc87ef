"""The form on a subscriber's page that asks for a level until a day; somebody else answers it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.http import HttpRequest

from club.access.models import Proposal, Staff
from club.access.proposals import WHY_CHARS_MAX
from club.clock import day_of
from club.errors import ClubError
from club.subscribers.models import Subscriber
from club.tiers import giving, measuring
from club.tiers.errors import BadEnd
from club.tiers.measuring import Ladder
from club.tiers.proposed import KINDS

PERMISSION = KINDS["level"].may_ask


@dataclass(frozen=True)
class Form:
    """What stands in it, and what was wrong with what was sent."""

    ladders: Sequence[Ladder]
    level: str
    ends_on: str
    why: str
    first_day: date
    last_day: date
    error: ClubError | None
    why_chars_max: int = WHY_CHARS_MAX


def form(request: HttpRequest, *, error: ClubError | None, now: datetime) -> Form | None:
    """None for those who may not ask."""
    if not request.user.has_perm(PERMISSION):
        return None
    today = day_of(now)
    return Form(
        ladders=measuring.ladders(),
        level=request.POST.get("level", ""),
        ends_on=request.POST.get("ends_on", ""),
        why=request.POST.get("why", ""),
        first_day=today,
        last_day=today + timedelta(days=giving.DAYS_MAX),
        error=error,
    )


def ask(request: HttpRequest, subscriber: Subscriber, *, by: Staff, now: datetime) -> Proposal:
    """Raises BadEnd where no day was chosen, and as `giving.propose` does."""
    try:
        ends_on = date.fromisoformat(request.POST.get("ends_on", ""))
    except ValueError as error:
        raise BadEnd("choose its last day", days_max=giving.DAYS_MAX) from error
    return giving.propose(
        subscriber_id=subscriber.id,
        level=request.POST.get("level", ""),
        ends_on=ends_on,
        why=request.POST.get("why", ""),
        by=by,
        now=now,
    )

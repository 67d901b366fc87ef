"""Telling subscribers that their level is going to fall, while they can still do something about it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from club.clock import day_of
from club.languages import in_language
from club.messages import actions as messages
from club.subscribers.models import Status, Subscriber
from club.tiers import measuring, rules
from club.tiers import queries as tiers
from club.tiers.queries import Falling

TEMPLATE = "level_falls"
ADDRESSEES_PER_CHUNK = 1_000
LIFETIME = timedelta(days=2)


def tell_who_falls(*, now: datetime) -> int:
    """One message to each active subscriber who falls at a review within their scheme's notice.

    Answers how many fall. Each is told once for each review, however often it runs, and may be stopped
    anywhere.
    """
    today, found = day_of(now), 0
    for ladder in measuring.ladders():
        ahead = rules.next_review(today, terms=ladder.terms) - today
        if ahead.days > ladder.scheme.notice_days:
            continue
        falling = tiers.falling(ladder, day=today)
        found += len(falling)
        for first in range(0, len(falling), ADDRESSEES_PER_CHUNK):
            _tell(falling[first : first + ADDRESSEES_PER_CHUNK], now=now)
    return found


def _tell(falling: Sequence[Falling], *, now: datetime) -> None:
    active = Subscriber.objects.filter(status=Status.ACTIVE)
    people = active.in_bulk([one.subscriber_id for one in falling])
    messages.queue_many(
        TEMPLATE,
        addressees=[
            messages.Addressee(
                subscriber_id=who.id,
                msisdn=who.msisdn,
                language=who.language,
                values={
                    "level": in_language(one.tier.names, who.language),
                    "lower": in_language(one.falls_to.names, who.language),
                    "day": f"{one.on:%d.%m.%Y}",
                },
                dedupe_key=f"{TEMPLATE}:{one.tier.scheme_id}:{who.id}:{one.on}",
            )
            for one in falling
            if (who := people.get(one.subscriber_id))
        ],
        now=now,
        lifetime=LIFETIME,
    )

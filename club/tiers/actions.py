"""Levels follow the books: whoever's rank of today is another than the one they stand on is moved.

A batch's subscribers are looked at after their batch, everybody each night, by the same statement; so
both agree, and whatever one run missed the next one finds. A level counts from the moment it was given:
what was decided before stays as it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from club.arrays import literal
from club.clock import day_of
from club.tiers import measuring, queries
from club.tiers.measuring import Ladder, rows
from club.tiers.models import TierDay, Why

LOCK = 0x6C766C73
"""Whoever moves levels takes turns: of two at once, the one that saw less must not have the last word."""
SUBSCRIBERS_PER_CHUNK = 5_000


@dataclass(frozen=True, slots=True)
class Moved:
    """How many subscribers came to a higher, and to a lower, level."""

    risen: int = 0
    fallen: int = 0

    def __add__(self, other: "Moved") -> "Moved":
        return Moved(self.risen + other.risen, self.fallen + other.fallen)


@transaction.atomic
def reconsider(*, subscriber_ids: Sequence[int], now: datetime) -> Moved:
    """Move these subscribers, in every scheme, to the level that the books give them today.

    Running it twice changes nothing the second time.
    """
    moved = (_move(ladder, subscriber_ids, now=now) for ladder in measuring.ladders())
    return sum(moved, Moved())


def recompute(*, now: datetime) -> Moved:
    """Move whoever of all subscribers stands elsewhere than the books say today.

    Each scheme looks at all in one select and without a lock, then moves those few by chunks of a
    transaction each: it may be stopped anywhere, and run again.
    """
    moved = Moved()
    for ladder in measuring.ladders():
        astray = [subscriber_id for subscriber_id, *_ in _astray(ladder, None, now=now)]
        for first in range(0, len(astray), SUBSCRIBERS_PER_CHUNK):
            chunk = astray[first : first + SUBSCRIBERS_PER_CHUNK]
            with transaction.atomic():
                moved += _move(ladder, chunk, now=now)
    return moved


@transaction.atomic
def note_forecast(*, now: datetime) -> None:
    """Keep today's forecast of the programme, in place of an earlier one of the same day."""
    for forecast in queries.forecasts(now=now):
        for one in forecast.tiers:
            TierDay.objects.update_or_create(
                tier=one.tier,
                day=day_of(now),
                defaults={
                    "review_on": forecast.review_on,
                    "standing": one.standing,
                    "rising": one.rising,
                    "falling": one.falling,
                    "standing_then": one.standing_then,
                },
            )


def _move(ladder: Ladder, subscriber_ids: Sequence[int], *, now: datetime) -> Moved:
    rows("select pg_advisory_xact_lock(%(lock)s)", {"lock": LOCK})
    astray = _astray(ladder, subscriber_ids, now=now)
    if not astray:
        return Moved()
    rows(
        """
        update tiers_standing set until = %(now)s
         where scheme_id = %(scheme)s and until is null and subscriber_id = any(%(subscribers)s::bigint[])
        """,
        {
            "now": now,
            "scheme": ladder.scheme.code,
            "subscribers": literal([one[0] for one in astray]),
        },
    )
    rows(
        """
        insert into tiers_standing (subscriber_id, scheme_id, tier_id, since, measured, why)
        select m.subscriber_id, %(scheme)s, m.tier, %(now)s, m.measured, m.why
          from unnest(%(subscribers)s::bigint[], %(tiers)s::text[], %(measured)s::bigint[], %(whys)s::text[])
               as m (subscriber_id, tier, measured, why)
        """,
        {
            "now": now,
            "scheme": ladder.scheme.code,
            "subscribers": literal([one[0] for one in astray]),
            "tiers": literal([ladder.tiers[rank].code for _, _, rank, _, _ in astray]),
            "measured": literal([measured for _, _, _, measured, _ in astray]),
            "whys": literal([_why(had, rank, is_given) for _, had, rank, _, is_given in astray]),
        },
    )
    risen = sum(rank > had for _, had, rank, _, _ in astray)
    return Moved(risen, len(astray) - risen)


Astray = tuple[int, int, int, int, bool]
"""subscriber_id, the rank on which they stand, the rank due, what counted, whether staff gave it."""


def _astray(ladder: Ladder, only: Sequence[int] | None, *, now: datetime) -> list[Astray]:
    return measuring.compare(
        ladder,
        "select * from compared where had <> rank order by subscriber_id",
        day=day_of(now),
        only=only,
    )


def _why(had: int, rank: int, is_given: bool) -> str:
    if rank < had:
        return Why.FELL.value
    return (Why.GIVEN if is_given else Why.EARNED).value

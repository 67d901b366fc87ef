"""Levels follow the books: whoever's rank of today is another than the one they stand on is moved.

A batch's subscribers are looked at after their batch, everybody each night, by the same statement; so
both agree, and whatever one run missed the next one finds. A level counts from the moment it was given:
what was decided before stays as it was.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db import transaction
from procrastinate.contrib.django import app

from club.arrays import literal
from club.clock import day_of
from club.tiers import measuring, queries
from club.tiers.measuring import Ladder, rows
from club.tiers.models import TierDay, Why

LOCK = 0x6C766C73
"""Whoever moves levels takes turns: of two at once, the one that saw less must not have the last word."""
SUBSCRIBERS_PER_CHUNK = 5_000
ASTRAY = """
select subscriber_id, had, rank, measured, is_given from compared
 where had <> rank order by subscriber_id
"""


class Astray(NamedTuple):
    """Who stands on the rank that they had instead of `rank`; `measured` is what counted."""

    subscriber_id: int
    had: int
    rank: int
    measured: int
    is_given: bool


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
    found = measuring.counting_alike(measuring.ladders())
    return sum((_move(alike, subscriber_ids, now=now) for alike in found), Moved())


def ask_to_reconsider(subscriber_ids: Iterable[int]) -> None:
    """A job does it; inside a transaction, once that is committed. Its numbers travel as one text, for the
    queue walks through whatever is a list several times."""
    told = ",".join(map(str, sorted(subscriber_ids)))
    app.configure_task("tiers.reconsider").defer(subscriber_ids=told)


def recompute(*, now: datetime) -> Moved:
    """Move whoever of all subscribers stands elsewhere than the books say today.

    Schemes that count the same look at all in one select and without a lock, then those few are moved by
    chunks of a transaction each: it may be stopped anywhere, and run again.
    """
    moved = Moved()
    for alike in measuring.counting_alike(measuring.ladders()):
        looked = measuring.compare_alike(alike, ASTRAY, day=day_of(now))
        astray = sorted({subscriber_id for _, subscriber_id, *_ in looked})
        for first in range(0, len(astray), SUBSCRIBERS_PER_CHUNK):
            with transaction.atomic():
                chunk = astray[first : first + SUBSCRIBERS_PER_CHUNK]
                moved += _move(alike, chunk, now=now)
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


def _move(alike: Sequence[Ladder], subscriber_ids: Sequence[int], *, now: datetime) -> Moved:
    """In ladders that count the same, which are one look at the books."""
    rows("select pg_advisory_xact_lock(%(lock)s)", {"lock": LOCK})
    astray: dict[str, list[Astray]] = {}
    for scheme, *one in measuring.compare_alike(
        alike, ASTRAY, day=day_of(now), only=subscriber_ids
    ):
        astray.setdefault(scheme, []).append(Astray(*one))
    for ladder in alike:
        if found := astray.get(ladder.scheme.code):
            _write(ladder, found, now=now)
    everyone = [one for found in astray.values() for one in found]
    risen = sum(one.rank > one.had for one in everyone)
    return Moved(risen, len(everyone) - risen)


def _write(ladder: Ladder, astray: Sequence[Astray], *, now: datetime) -> None:
    """Their new standings, in place of those that end now."""
    rows(
        """
        update tiers_standing set until = %(now)s
         where scheme_id = %(scheme)s and until is null and subscriber_id = any(%(subscribers)s::bigint[])
        """,
        {
            "now": now,
            "scheme": ladder.scheme.code,
            "subscribers": literal([one.subscriber_id for one in astray]),
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
            "subscribers": literal([one.subscriber_id for one in astray]),
            "tiers": literal([ladder.tiers[one.rank].code for one in astray]),
            "measured": literal([one.measured for one in astray]),
            "whys": literal([_why(one).value for one in astray]),
        },
    )


def _why(one: Astray) -> Why:
    if one.rank < one.had:
        return Why.FELL
    return Why.GIVEN if one.is_given else Why.EARNED

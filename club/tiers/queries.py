from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection

from club.arrays import literal
from club.clock import day_of, months_later
from club.subscribers.models import Subscriber
from club.tiers import measuring, rules
from club.tiers.measuring import Ladder
from club.tiers.models import GivenLevel, Scheme, Standing, Tier, TierDay
from club.tiers.rules import Measure
from club.tiers.scheme_files import Benefits


def tiers_at(
    moments: Iterable[tuple[int, datetime]], *, base: str
) -> dict[tuple[int, datetime], str]:
    """The level code in force for each (subscriber_id, instant); a pair without one is left out.

    Of the programme's main scheme: the one of `base`, its first level. One statement for all of them: a
    batch of accruals asks once. The level is that of the event's own time, so a payment that arrives
    late earns what it would have earned in time.
    """
    pairs = [*moments]
    if not pairs:
        return {}
    standings: dict[int, list[tuple[str, datetime, datetime | None]]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            select subscriber_id, tier_id, since, until from tiers_standing
             where subscriber_id = any(%s::bigint[])
               and scheme_id = (select scheme_id from tiers_tier where code = %s)
            """,
            [literal(list({subscriber for subscriber, _ in pairs})), base],
        )
        for subscriber, *standing in cursor.fetchall():
            standings[subscriber].append(tuple(standing))
    return {
        (subscriber, at): tier
        for subscriber, at in pairs
        for tier, since, until in standings.get(subscriber, ())
        if since <= at and (until is None or at < until)
    }


def by_code(code: str) -> Tier | None:
    return Tier.objects.filter(code=code).first()


# ---- one subscriber --------------------------------------------------------------------------
def tier_of(*, subscriber_id: int, base: str) -> Tier:
    """The level a subscriber stands on now in the main scheme; `base` is its first level."""
    standing = (
        Standing.objects.filter(subscriber_id=subscriber_id, until=None, scheme__tiers=base)
        .select_related("tier")
        .first()
    )
    return standing.tier if standing else Tier.objects.get(code=base)


def tiers_of(*, subscriber_id: int) -> list[Tier]:
    """The level on which a subscriber stands now in each scheme, in the order of the schemes' codes."""
    return list(
        Tier.objects.raw(
            """
            select distinct on (t.scheme_id) t.*
              from tiers_tier t
              left join tiers_standing s
                on s.tier_id = t.code and s.subscriber_id = %s and s.until is null
             where s.id is not null or t.rank = 0
             order by t.scheme_id, s.id is null
            """,
            [subscriber_id],
        )
    )


@dataclass(frozen=True)
class Privileges:
    """What the levels of a subscriber open to them."""

    tiers: Sequence[Tier]

    @property
    def discount_percent(self) -> int:
        """The best of all schemes: discounts do not add up."""
        return max((benefits_of(tier).discount_percent for tier in self.tiers), default=0)

    @property
    def free_transfers_per_month(self) -> int:
        """The most of all schemes."""
        return max((benefits_of(tier).free_transfers_per_month for tier in self.tiers), default=0)

    def price_points(self, full_points: int) -> int:
        return rules.price_points(full_points, discount_percent=self.discount_percent)

    def reach(self, level: Tier | None) -> bool:
        """Whether they stand on `level` or above it; None asks for nothing."""
        return level is None or any(
            tier.scheme_id == level.scheme_id and tier.rank >= level.rank for tier in self.tiers
        )


def privileges(*, subscriber_id: int) -> Privileges:
    """One query."""
    return Privileges(tiers_of(subscriber_id=subscriber_id))


def benefits_of(tier: Tier) -> Benefits:
    return Benefits(**tier.benefits)


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a subscriber stands in one scheme, and what comes next.

    `measured` is in the scheme's measure. `reached_on`: the day of the next level at the pace of the last
    90 days; None at the top, or not within two years. `falls_to` a level on `falls_on` if nothing more is
    earned; both None when they keep theirs. `given_until`: the last day of a level that staff gave.
    """

    scheme: Scheme
    tier: Tier
    since: datetime | None
    measured: int
    next: Tier | None
    missing: int
    reached_on: date | None
    falls_to: Tier | None
    falls_on: date | None
    given_until: date | None


def progress(*, subscriber_id: int, now: datetime) -> list[Progress]:
    """A subscriber in every scheme, in the order of the schemes' codes; [] for nobody.

    One read of the books for each scheme, of the months that may count.
    """
    subscriber = Subscriber.objects.filter(id=subscriber_id).first()
    if subscriber is None:
        return []
    standings = Standing.objects.filter(subscriber_id=subscriber_id, until=None)
    standing = {one.scheme_id: one for one in standings}
    given = {
        one.scheme_id: one
        for one in GivenLevel.objects.filter(
            subscriber_id=subscriber_id, ends_on__gte=day_of(now)
        ).select_related("tier")
    }
    return [
        _progress(
            ladder,
            subscriber,
            standing.get(ladder.scheme.code),
            given.get(ladder.scheme.code),
            day_of(now),
        )
        for ladder in measuring.ladders()
    ]


def _progress(
    ladder: Ladder, who: Subscriber, standing: Standing | None, given: GivenLevel | None, day: date
) -> Progress:
    terms = ladder.terms
    rank = next((t.rank for t in ladder.tiers if standing and t.code == standing.tier_id), 0)
    following = rules.next_level(ladder.tiers, rank=rank)
    review = rules.next_review(day, terms=terms)
    reached_on = None
    if terms.measure is Measure.TENURE:
        joined_on = day_of(who.joined_at)
        measured = rules.tenure_months(joined_on, day)
        if following:
            reached_on = max(day, months_later(joined_on, following.threshold))
        rank_then = rules.deserved(rules.tenure_months(joined_on, review), terms=terms)
    else:
        amounts = measuring.by_day(ladder, subscriber_id=who.id, day=day)
        measured = rules.counted(rules.spans(day, terms=terms)[0], amounts)
        pace = rules.paced(amounts, day)
        if following:
            reached_on = rules.reached_on(following.threshold, day, amounts, pace=pace, terms=terms)
        rank_then = rules.rank_on(review, amounts, terms=terms)
    if given and given.ends_on >= review:
        rank_then = max(rank_then, given.tier.rank)
    falls = rank_then < rank
    return Progress(
        scheme=ladder.scheme,
        tier=ladder.tiers[rank],
        since=standing.since if standing else None,
        measured=measured,
        next=following,
        missing=max(0, following.threshold - measured) if following else 0,
        reached_on=reached_on,
        falls_to=ladder.tiers[rank_then] if falls else None,
        falls_on=review if falls else None,
        given_until=given.ends_on if given else None,
    )


# ---- the programme ---------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Falling:
    """Somebody who stands on a lower level from `on`, unless more comes in until then."""

    subscriber_id: int
    tier: Tier
    falls_to: Tier
    on: date


def falling(ladder: Ladder, *, day: date) -> list[Falling]:
    """Whoever falls at the next review if nothing more comes in."""
    review = rules.next_review(day, terms=ladder.terms)
    return [
        Falling(subscriber_id, ladder.tiers[had], ladder.tiers[rank], review)
        for subscriber_id, had, rank in measuring.compare(
            ladder,
            "select subscriber_id, had, rank from compared where rank < had order by subscriber_id",
            day=review,
        )
    ]


@dataclass(frozen=True, slots=True)
class TierForecast:
    """How many stand on a level now, and how many will after the next review at their own pace of the
    last 90 days: `rising` and `falling` are those who leave it upwards and downwards."""

    tier: Tier
    standing: int
    rising: int
    falling: int
    standing_then: int


@dataclass(frozen=True, slots=True)
class Forecast:
    scheme: Scheme
    review_on: date
    tiers: Sequence[TierForecast]


def forecasts(*, now: datetime) -> list[Forecast]:
    """Every scheme over all subscribers who have not left: a read of the books for each scheme."""
    return [_forecast(ladder, day=day_of(now)) for ladder in measuring.ladders()]


def _forecast(ladder: Ladder, *, day: date) -> Forecast:
    review = rules.next_review(day, terms=ladder.terms)
    moves: dict[tuple[int, int], int] = {
        (had, then): count
        for had, then, count in measuring.compare(
            ladder,
            """
            select coalesce(had, 0), coalesce(rank, 0), count(*)
              from subscribers_subscriber s left join compared c on c.subscriber_id = s.id
             where s.status <> 'closed'
             group by 1, 2
            """,
            day=review,
            today=day,
        )
    }

    def many(*, had: int | None = None, then: int | None = None, by: int | None = None) -> int:
        return sum(
            count
            for (before, after), count in moves.items()
            if had in (None, before)
            and then in (None, after)
            and (by is None or (after - before) * by > 0)
        )

    return Forecast(
        ladder.scheme,
        review,
        [
            TierForecast(
                tier=tier,
                standing=many(had=tier.rank),
                rising=many(had=tier.rank, by=1),
                falling=many(had=tier.rank, by=-1),
                standing_then=many(then=tier.rank),
            )
            for tier in ladder.tiers
        ],
    )


def noted_forecasts() -> tuple[date | None, list[Forecast]]:
    """The last forecast that was kept, and of which day it is; (None, []) before the first night."""
    last = TierDay.objects.order_by("-day").values_list("day", flat=True).first()
    if last is None:
        return None, []
    found: dict[str, list[TierDay]] = defaultdict(list)
    rows = TierDay.objects.filter(day=last).select_related("tier__scheme")
    for row in rows.order_by("tier__scheme", "tier__rank"):
        found[row.tier.scheme_id].append(row)
    return last, [
        Forecast(
            scheme=rows[0].tier.scheme,
            review_on=rows[0].review_on,
            tiers=[
                TierForecast(row.tier, row.standing, row.rising, row.falling, row.standing_then)
                for row in rows
            ],
        )
        for rows in found.values()
    ]


def schemes_but(codes: Sequence[str]) -> list[Scheme]:
    """All other schemes: those no forecast has been kept of."""
    return list(Scheme.objects.exclude(code__in=codes).order_by("code"))

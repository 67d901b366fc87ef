from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from django.db import connection

from club.arrays import literal
from club.tiers.models import Standing, Tier


def tiers_at(moments: Iterable[tuple[int, datetime]]) -> dict[tuple[int, datetime], str]:
    """The level code in force for each (subscriber_id, instant); a pair without one is left out.

    One statement for all of them: a batch of accruals asks once. The level is that of the event's
    own time, so a payment that arrives late earns what it would have earned in time.
    """
    pairs = set(moments)
    if not pairs:
        return {}
    standings: dict[int, list[tuple[str, datetime, datetime | None]]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            select subscriber_id, tier_id, since, until from tiers_standing
             where subscriber_id = any(%s::bigint[])
            """,
            [literal(list({subscriber for subscriber, _ in pairs}))],
        )
        for subscriber, *standing in cursor.fetchall():
            standings[subscriber].append(tuple(standing))
    return {
        (subscriber, at): tier
        for subscriber, at in pairs
        for tier, since, until in standings.get(subscriber, ())
        if since <= at and (until is None or at < until)
    }


def tier_of(*, subscriber_id: int, base: str) -> Tier:
    """The level a subscriber stands on now; `base` is the programme's first level."""
    standing = (
        Standing.objects.filter(subscriber_id=subscriber_id, until=None)
        .select_related("tier")
        .first()
    )
    return standing.tier if standing else Tier.objects.get(code=base)

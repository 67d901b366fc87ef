from collections.abc import Iterable
from datetime import datetime

from django.db import connection

from club.tiers.models import Standing, Tier


def tiers_at(moments: Iterable[tuple[int, datetime]]) -> dict[tuple[int, datetime], str]:
    """The level code in force for each (subscriber_id, instant); a pair without one is left out.

    One statement for all of them: a batch of accruals asks once. The level is that of the event's
    own time, so a payment that arrives late earns what it would have earned in time.
    """
    pairs = list(dict.fromkeys(moments))
    if not pairs:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            select asked.subscriber_id, asked.at, standing.tier_id
              from unnest(%s::bigint[], %s::timestamptz[]) as asked (subscriber_id, at)
              join tiers_standing standing
                on standing.subscriber_id = asked.subscriber_id
               and standing.since <= asked.at
               and (standing.until is null or asked.at < standing.until)
            """,
            [[subscriber for subscriber, _ in pairs], [at for _, at in pairs]],
        )
        return {(subscriber, at): tier for subscriber, at, tier in cursor.fetchall()}


def tier_of(*, subscriber_id: int, base: str) -> Tier:
    """The level a subscriber stands on now; `base` is the programme's first level."""
    standing = (
        Standing.objects.filter(subscriber_id=subscriber_id, until=None)
        .select_related("tier")
        .first()
    )
    return standing.tier if standing else Tier.objects.get(code=base)

from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction

from club.clock import day_of, months_later
from club.ledger import queries as ledger
from club.tiers import rules
from club.tiers.models import Tier

QUALIFYING_MONTHS = 12


@transaction.atomic
def reconsider(*, subscriber_ids: Sequence[int], now: datetime) -> int:
    """Promote whoever has earned enough for a higher level; answer how many were promoted.

    Counts points earned in the last twelve months, never the balance: spending does not demote.
    Nobody is demoted here. Running it twice changes nothing the second time.
    """
    levels = list(Tier.objects.order_by("rank"))
    since = months_later(day_of(now), -QUALIFYING_MONTHS)
    earned = ledger.earned_since(subscriber_ids=subscriber_ids, since=since)
    deserved = {
        subscriber: tier
        for subscriber, points in sorted(earned.items())
        if (tier := rules.deserved(levels, earned_points=points)) is not None
    }
    if not deserved:
        return 0
    with connection.cursor() as cursor:
        # The account's row is not locked here, so two runs at once may meet: the unique index on
        # the open standing makes the second wait, and its `where` then finds nothing to change.
        cursor.execute(
            """
            with deserved as (
                select d.subscriber_id, d.tier, d.earned_points, t.rank
                  from unnest(%(subscribers)s::bigint[], %(tiers)s::text[], %(earned)s::bigint[])
                    as d (subscriber_id, tier, earned_points)
                  join tiers_tier t on t.code = d.tier),
            closed as (
                update tiers_standing s set until = %(now)s
                  from deserved d, tiers_tier had
                 where s.subscriber_id = d.subscriber_id and s.until is null
                   and had.code = s.tier_id and had.rank < d.rank
                returning s.subscriber_id)
            select d.subscriber_id, d.tier, d.earned_points
              from deserved d
             where d.subscriber_id in (select subscriber_id from closed)
                or not exists (select from tiers_standing s
                                where s.subscriber_id = d.subscriber_id and s.until is null)
            """,
            {
                "subscribers": list(deserved),
                "tiers": [tier.code for tier in deserved.values()],
                "earned": [earned[subscriber] for subscriber in deserved],
                "now": now,
            },
        )
        promoted = cursor.fetchall()
        if promoted:
            cursor.execute(
                """
                insert into tiers_standing (subscriber_id, tier_id, since, earned_points)
                select p.subscriber_id, p.tier, %s, p.earned_points
                  from unnest(%s::bigint[], %s::text[], %s::bigint[])
                    as p (subscriber_id, tier, earned_points)
                    on conflict do nothing
                """,
                [now, *(list(column) for column in zip(*promoted, strict=True))],
            )
            return int(cursor.rowcount)
    return 0

"""The counters of limits and occasions: read for a batch, and written back by it.

A subscriber's own are covered by the lock of the account, which the batch holds. Those that all
subscribers share are locked here, in one order, until the batch is committed: they are exact, and
batches with such a limit take turns.
"""

from collections.abc import Iterable, Mapping
from datetime import date

from club.accrual.rows import columns, rows
from club.accrual.rules.counting import EVERYBODY, Place, Used

NAMES = "periods counted subscribers"


def used_at(places: Iterable[Place]) -> dict[Place, Used]:
    """What each of these counters has counted until now; the shared ones are locked."""
    wanted = [*dict.fromkeys(places)]
    if shared := sorted(place for place in wanted if place.subscriber_id == EVERYBODY):
        rows(
            """
            insert into accrual_used (period, counted, subscriber_id, points, times)
            select period, counted, subscriber_id, 0, 0
              from unnest(%(periods)b::text[], %(counted)b::text[], %(subscribers)b::bigint[])
                   with ordinality as p (period, counted, subscriber_id, place)
             order by place
                on conflict (period, counted, subscriber_id) do update
               set points = accrual_used.points where false  -- locks, and writes no new version
            """,
            **columns(NAMES, shared),
        )
    return seen_at(wanted)


def seen_at(places: Iterable[Place]) -> dict[Place, Used]:
    """The same without a lock: for a question, never for a decision."""
    wanted = [*dict.fromkeys(places)]
    if not wanted:
        return {}
    used = dict.fromkeys(wanted, Used())
    for nth, points, times in rows(
        """
        select p.nth, u.points, u.times
          from unnest(%(periods)b::text[], %(counted)b::text[], %(subscribers)b::bigint[])
               with ordinality as p (period, counted, subscriber_id, nth)
         cross join lateral (select * from accrual_used u
                              where u.period = p.period and u.counted = p.counted
                                and u.subscriber_id = p.subscriber_id
                              limit 1) u  -- one by one: a join reads the whole table for some batch
        """,
        **columns(NAMES, wanted),
    ):
        used[wanted[nth - 1]] = Used(points, times)
    return used


def write(before: Mapping[Place, Used], after: Mapping[Place, Used]) -> None:
    """Store the counters that have changed."""
    changed = [(*place, *used) for place, used in after.items() if used is not before[place]]
    rows(
        """
        insert into accrual_used (period, counted, subscriber_id, points, times)
        select * from unnest(%(periods)b::text[], %(counted)b::text[],
                             %(subscribers)b::bigint[], %(points)b::bigint[], %(times)b::bigint[])
            on conflict (period, counted, subscriber_id) do update
           set points = excluded.points, times = excluded.times
        """,
        **columns(f"{NAMES} points times", changed),
    )


def forget(*, before: date, limit: int) -> int:
    """Delete up to `limit` counters of periods that began before this month; answers how many.

    Call until it is 0. No event of theirs may still be decided.
    """
    found = rows(
        """
        delete from accrual_used u
         using (select period, counted, subscriber_id from accrual_used
                 where period < %(month)b order by period, counted, subscriber_id
                 limit %(limit)b) old
         where u.period = old.period and u.counted = old.counted
           and u.subscriber_id = old.subscriber_id
        returning 1
        """,
        month=f"{before:%Y-%m}",
        limit=limit,
    )
    return len(found)

"""The counters of limits and occasions: read for a batch, and written back by it.

A place names its counter by two texts; in the tables a counter is a number, which nobody outside
this file sees.

A subscriber's own rows are covered by the lock of the account, which the batch holds. Those that
all subscribers share are locked here, in one order, until the batch is committed: they are exact,
and batches with such a limit take turns.

Whoever decides locks all accounts first, then makes counters, then locks shared rows, each in one
order, and asks for none of the three again: so nobody waits in a circle. (But for a batch that is
halved because an event failed: it asks twice. The database ends one of such a circle, and its
events come again.)
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from club.accrual.rows import columns, copy, rows
from club.accrual.rules.counting import EVERYBODY, Place, Used
from club.arrays import literal

Name = tuple[str, str]
"""A counter's period, and what it counts."""

KEPT = "for key share of c"
NOTHING = Used()
"""Of a place that has no row. Known by being this very object: a row may say 0, too."""


class Tally(dict[Place, Used]):
    """What counters have counted, with the numbers under which they are written."""

    numbers: dict[Name, int]


def used_at(places: Iterable[Place]) -> Tally:
    """What each of these counters has counted until now; the shared ones are locked."""
    wanted = [*dict.fromkeys(places)]
    numbers = _numbers_kept(_names(wanted))
    shared = {numbers[period, counted] for period, counted, who in wanted if who == EVERYBODY}
    if shared:
        rows(
            """
            insert into accrual_used (counter_id, subscriber_id, points, times)
            select number, %(everybody)b, 0, 0 from unnest(%(numbers)b::bigint[]) number
             order by number
                on conflict (counter_id, subscriber_id) do update
               set points = accrual_used.points where false  -- locks, and writes no new version
            """,
            everybody=EVERYBODY,
            numbers=literal([*shared]),
        )
    return _used(wanted, numbers)


def seen_at(places: Iterable[Place]) -> dict[Place, Used]:
    """The same without a lock: for a question, never for a decision."""
    wanted = [*dict.fromkeys(places)]
    return _used(wanted, _numbers(_names(wanted)))


def write(before: Tally, after: Mapping[Place, Used]) -> None:
    """Store the counters that have changed since `used_at` answered `before`, in this transaction.

    A row that was not there is not there now: the lock sees to it, or COPY says so loudly.
    """
    new: list[tuple[int, ...]] = []
    old: list[tuple[int, ...]] = []
    for place, used in after.items():
        if used is (had := before[place]):
            continue
        period, counted, who = place
        row = before.numbers[period, counted], who, *used
        (new if had is NOTHING else old).append(row)
    if new:
        copy(
            "accrual_used (counter_id, subscriber_id, points, times)",
            [f"{number}\t{who}\t{points}\t{times}\n" for number, who, points, times in new],
        )
    if old:
        # Each is there; but an UPDATE joined with them reads the whole table for some batch, at three
        # times the price.
        rows(
            """
            insert into accrual_used (counter_id, subscriber_id, points, times)
            select * from unnest(%(numbers)b::bigint[], %(subscribers)b::bigint[],
                                 %(points)b::bigint[], %(times)b::bigint[])
                on conflict (counter_id, subscriber_id) do update
               set points = excluded.points, times = excluded.times
            """,
            **columns("numbers subscribers points times", old),
        )


def forget(*, before: date, limit: int) -> int:
    """Delete up to `limit` rows of periods that began before this month, and the counters that have
    none left; answers how many rows.

    Call until it is 0. Whatever a batch is at stays for another time. No event of these periods is
    decided by itself any more; when a person lets one be decided, it meets counters that are new.
    """
    # Under the lock first, and looked at by later statements: who held one has committed its rows.
    old = literal(
        [
            number
            for (number,) in rows(
                """
                select id from accrual_counter where period < %(month)b for update skip locked
                """,
                month=f"{before:%Y-%m}",
            )
        ]
    )
    found = rows(
        """
        delete from accrual_used u
         using (select counter_id, subscriber_id from accrual_used
                 where counter_id = any(%(old)b::bigint[])
                 order by counter_id, subscriber_id limit %(limit)b) gone
         where u.counter_id = gone.counter_id and u.subscriber_id = gone.subscriber_id
        returning 1
        """,
        old=old,
        limit=limit,
    )
    rows(
        """
        delete from accrual_counter c
         where id = any(%(old)b::bigint[])
           and not exists (select from accrual_used where counter_id = c.id)
        """,
        old=old,
    )
    return len(found)


def _used(wanted: Sequence[Place], numbers: dict[Name, int]) -> Tally:
    used = Tally(dict.fromkeys(wanted, NOTHING))
    used.numbers = numbers
    if not numbers:
        return used
    for nth, points, times in rows(
        """
        select p.nth, u.points, u.times
          from unnest(%(numbers)b::bigint[], %(subscribers)b::bigint[])
               with ordinality as p (number, subscriber_id, nth)
         cross join lateral (select * from accrual_used u
                              where u.counter_id = p.number and u.subscriber_id = p.subscriber_id
                              limit 1) u  -- one by one: a join reads the whole table for some batch
        """,
        # 0 is the number of none.
        numbers=literal([numbers.get((period, counted), 0) for period, counted, _ in wanted]),
        subscribers=literal([who for _, _, who in wanted]),
    ):
        used[wanted[nth - 1]] = Used(points, times)
    return used


# ---- numbers ---------------------------------------------------------------------------------
def _names(places: Iterable[Place]) -> set[Name]:
    return {(period, counted) for period, counted, _ in places}


def _numbers(names: set[Name], *, lock: str = "") -> dict[Name, int]:
    """Those that there are."""
    if not names:
        return {}
    found = rows(
        f"""
        select c.period, c.counted, c.id
          from unnest(%(periods)b::text[], %(counted)b::text[]) as p (period, counted)
          join accrual_counter c using (period, counted)
          {lock}
        """,  # noqa: S608  of our own pieces
        **columns("periods counted", [*names]),
    )
    return {(period, counted): number for period, counted, number in found}


def _numbers_kept(names: set[Name]) -> dict[Name, int]:
    """All of them, the missing ones made; none is forgotten before the transaction ends."""
    found = _numbers(names, lock=KEPT)
    while missing := [*(names - found.keys())]:
        rows(
            """
            insert into accrual_counter (period, counted)
            select * from unnest(%(periods)b::text[], %(counted)b::text[]) as c (period, counted)
             order by period, counted
                on conflict do nothing  -- another batch made it, and we have waited for that one
            """,
            **columns("periods counted", missing),
        )
        found = _numbers(names, lock=KEPT)
    return found

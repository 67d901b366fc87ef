"""What stands in the books under given keys, many at once: for whoever takes back by the thousand."""

import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from club.arrays import literal
from club.ledger.queries.balances import Lot
from club.ledger.queries.reading import rows


class Key(NamedTuple):
    """Under which one source knows a posting or a promise."""

    subscriber_id: int
    ref: str
    day: date


@dataclass(frozen=True, slots=True)
class Booking:
    """`points` are signed; `left_points` is what of them nobody has reversed. A promise that still
    waits has points, too, and is told by `is_promised`. `lots` is what a debit took."""

    points: int
    left_points: int
    is_promised: bool
    expires_on: date | None
    fund: int
    lots: tuple[Lot, ...]
    reverses: Key | None


def bookings(*, source: int, keys: Sequence[Key]) -> dict[Key, Booking]:
    """Those of these keys that the books know, a promise that was withdrawn with no points left.

    Exact for as long as the caller holds the accounts. Some index reads a key.
    """
    if not keys:
        return {}
    subscribers, refs, days = zip(*keys, strict=True)
    found = rows(
        """
        select k.s, k.r, k.d, coalesce(p.points, g.points),
               case when p.points is not null then p.points - sign(p.points)::bigint * coalesce(r.points, 0)
                    when g.state in (1, 4) then g.points else 0 end,
               p.points is null and g.state in (1, 4),
               coalesce(p.expires_on, g.expires_on), coalesce(p.fund, g.fund), p.lots,
               p.reverses_ref, p.reverses_on
          from unnest(%(subscribers)s::bigint[], %(refs)s::text[], %(days)s::date[]) k (s, r, d)
          left join lateral (
               select * from ledger.posting p
                where p.subscriber_id = k.s and p.occurred_on = k.d and p.source = %(source)s and p.ref = k.r
                limit 1) p on true
          left join lateral (
               select sum(abs(r.points))::bigint as points from ledger.posting r
                where p.points is not null and r.subscriber_id = k.s and r.occurred_on >= k.d
                  and r.reverses_ref = k.r and r.reverses_source = %(source)s and r.reverses_on = k.d) r on true
          left join lateral (
               select * from ledger.pending g
                where p.points is null
                  and g.subscriber_id = k.s and g.occurred_on = k.d and g.source = %(source)s and g.ref = k.r
                limit 1) g on true
         where coalesce(p.points, g.points) is not null
        """,
        {
            "source": int(source),
            "subscribers": literal(subscribers),
            "refs": literal(refs),
            "days": literal(days),
        },
    )
    return {
        Key(subscriber_id, ref, day): Booking(
            points=points,
            left_points=left,
            is_promised=is_promised,
            expires_on=expires_on,
            fund=fund,
            lots=_lots(listed),
            reverses=Key(subscriber_id, of_ref, of_day) if of_ref is not None else None,
        )
        for subscriber_id, ref, day, points, left, is_promised, expires_on, fund, listed, of_ref, of_day in found
    }


def lots_of(*, subscriber_ids: Collection[int]) -> dict[int, list[Lot]]:
    """All lots of these accounts, also those past their day that the next expiry run takes."""
    found: dict[int, list[Lot]] = defaultdict(list)
    for subscriber_id, *lot in rows(
        "select subscriber_id, expires_on, fund, points from ledger.lot"
        " where subscriber_id = any(%s::bigint[]) order by subscriber_id, expires_on, fund",
        [literal(sorted(subscriber_ids))],
    ):
        found[subscriber_id].append(Lot(*lot))
    return found


def _lots(listed: object) -> tuple[Lot, ...]:
    found = json.loads(listed) if isinstance(listed, str) else listed
    assert found is None or isinstance(found, list)
    return tuple(Lot(date.fromisoformat(on), fund, points) for on, fund, points in found or ())

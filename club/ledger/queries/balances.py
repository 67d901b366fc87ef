"""What a subscriber has: spendable, held, pending, owed, and in which lots."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection

from club.ledger.expiry_rules import NEVER
from club.ledger.queries.reading import rows


@dataclass(frozen=True, slots=True)
class Balance:
    """`spendable_points` can be spent on the day asked for: held and pending points are not in it, nor
    what is owed. `next_expiry_on` is None when nothing expires."""

    spendable_points: int
    held_points: int
    pending_points: int
    arrears_points: int
    next_expiry_on: date | None
    next_expiry_points: int


@dataclass(frozen=True, slots=True)
class Lot:
    expires_on: date
    fund: int
    points: int


@dataclass(frozen=True, slots=True)
class Promised:
    """Points that become spendable at `promised_at`."""

    promised_at: datetime
    points: int


def balance(*, subscriber_id: int, day: date) -> Balance:
    """What the subscriber can spend on `day`, what else there is, and what is lost next.

    Someone without postings has zero points: that is no error. Three index reads, one statement.
    """
    (row,) = rows(
        """
        with good as (
            select expires_on, sum(points)::bigint as points from ledger.lot
             where subscriber_id = %(subscriber)s and expires_on >= %(day)s
             group by expires_on),
        next as (select expires_on, points from good where expires_on < %(never)s order by expires_on limit 1)
        select greatest(0, (select coalesce(sum(points), 0) from good) - coalesce(arrears, 0))::bigint,
               coalesce(held, 0),
               (select coalesce(sum(points), 0)::bigint from ledger.pending
                 where subscriber_id = %(subscriber)s and state = 1),
               coalesce(arrears, 0),
               (select expires_on from next),
               coalesce((select points from next), 0)
          from (select 1) always left join ledger.account on subscriber_id = %(subscriber)s
        """,
        {"subscriber": subscriber_id, "day": day, "never": NEVER},
    )
    return Balance(*row)


def lots(*, subscriber_id: int, day: date) -> list[Lot]:
    """The lots still good on `day`, first to expire first."""
    found = rows(
        """
        select expires_on, fund, points from ledger.lot
         where subscriber_id = %s and expires_on >= %s
         order by expires_on, fund
        """,
        [subscriber_id, day],
    )
    return [Lot(*row) for row in found]


def promised(*, subscriber_id: int, limit: int) -> list[Promised]:
    """The pending points by the moment of their promise, the nearest first."""
    found = rows(
        """
        select promised_at, sum(points)::bigint from ledger.pending
         where subscriber_id = %s and state = 1
         group by promised_at order by promised_at limit %s
        """,
        [subscriber_id, limit],
    )
    return [Promised(*row) for row in found]


EARNED = """
select subscriber_id, coalesce(reverses_on, occurred_on) as day, points as amount
  from ledger.every_posting
 where contra = 10 and subscriber_id > 0 and occurred_on >= %(first)s
"""
"""Points earned from the day `first` on, as a relation for statements over some subscribers. What was clawed
back counts against the day of what it takes back, so it does not matter when it was; spending does not
count. It knows every month that was not dropped, detached or not."""


def earned_by_all(*, first: date) -> str:
    """As EARNED, for a statement over all subscribers in the transaction that asks for it.

    Of the journal alone where no month from `first` on has left it: of a union PostgreSQL does not know how
    many subscribers it has. No month leaves before the transaction ends.
    """
    with connection.cursor() as cursor:
        cursor.execute("lock table ledger.posting in access share mode")
    ((has_detached,),) = rows(
        """
        select exists (select from ledger.detached_month
                        where month >= date_trunc('month', %s::date::timestamp)::date)
        """,
        [first],
    )
    return EARNED if has_detached else EARNED.replace("every_posting", "posting")

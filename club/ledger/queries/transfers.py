"""What somebody may still send, and what stops them."""

from dataclasses import dataclass
from datetime import date, datetime

from club.ledger.queries.reading import rows
from club.ledger.rules import TransferPolicy


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a subscriber may send on a day. `transferable_points` are there and old enough, a fee
    included; None is no limit. `frozen_until` is None when nothing is frozen."""

    transferable_points: int
    day_left_points: int | None
    day_left_times: int | None
    month_left_points: int | None
    month_left_times: int | None
    frozen_until: datetime | None
    frozen_reason: str | None


def allowance(*, subscriber_id: int, day: date, now: datetime, policy: TransferPolicy) -> Allowance:
    """The limits of `policy` less what was sent already. One statement.

    An answer for a screen: `transfer` looks again, under its locks.
    """
    ((ripe, day_times, day_points, month_times, month_points, until, reason),) = rows(
        """
        select ledger.transferable(%(who)s, %(day)s, %(min_age_days)s),
               today.times, today.points, month.times, month.points, f.frozen_until, f.reason
          from ledger.sent(%(who)s, %(day)s, %(day)s) today,
               ledger.sent(%(who)s, date_trunc('month', %(day)s)::date,
                           (date_trunc('month', %(day)s) + interval '1 month')::date - 1) month
          left join ledger.freeze f on f.subscriber_id = %(who)s and f.frozen_until > %(now)s
        """,
        {"who": subscriber_id, "day": day, "now": now, "min_age_days": policy.min_age_days},
    )
    return Allowance(
        ripe,
        _left(policy.points_per_day_max, day_points),
        _left(policy.times_per_day_max, day_times),
        _left(policy.points_per_month_max, month_points),
        _left(policy.times_per_month_max, month_times),
        until,
        reason,
    )


def gifts_sent(*, subscriber_id: int, day: date) -> int:
    """How many transfers went to people in the calendar month of `day`: those that the free ones of a
    month are counted off, as `ledger.fee_due` does. One statement."""
    ((sent,),) = rows(
        """
        select count(*) from ledger.posting p
         where p.subscriber_id = %(who)s and p.kind = 9 and p.counterparty_id > 0
           and p.occurred_on between date_trunc('month', %(day)s)::date
                                 and (date_trunc('month', %(day)s) + interval '1 month')::date - 1
           and p.reason is distinct from 'merge'
        """,
        {"who": subscriber_id, "day": day},
    )
    return int(sent)


def _left(most: int | None, used: int) -> int | None:
    return None if most is None else max(0, most - used)

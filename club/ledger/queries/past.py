"""What a subscriber had at a past instant: the answers that `balances` gave then.

The books keep every movement with its moment, so nothing is stored for this. What a transaction
posted counts from the moment it began, though others saw it only at its end: an instant between the
beginnings of two transactions that waited for each other shows the first one without the second, and
the answer for an instant a moment ago may still change while somebody is at work who began before it.
"""

from datetime import date, datetime

from club.clock import day_of
from club.ledger.errors import told_in_words
from club.ledger.expiry_rules import NEVER
from club.ledger.queries.balances import Balance, Lot
from club.ledger.queries.reading import rows


def balance_at(*, subscriber_id: int, at: datetime, day: date | None = None) -> Balance:
    """What `balance` answered at `at` for the business day `day` (None: that of `at`).

    Points past their last day are not spendable, whether they were swept by then or not. An account
    has its own past: what a number had before it changed is with the former account (`same_person`).
    Zeros before the first posting; raises MomentInFuture, and BeforeTheBooks before the last posting
    of theirs in a month that was detached since.
    """
    with told_in_words():
        (row,) = rows(
            """
            with good as materialized (
                select expires_on, sum(points)::bigint as points
                  from ledger.lots_at(%(subscriber)s, %(at)s, %(day)s) group by expires_on),
            next as (select expires_on, points from good
                      where expires_on < %(never)s and points > 0 order by expires_on limit 1),
            owed as materialized (select ledger.arrears_at(%(subscriber)s, %(at)s) as points)
            select greatest(0, (select coalesce(sum(points), 0) from good) - owed.points)::bigint,
                   ledger.held_at(%(subscriber)s, %(at)s), ledger.pending_at(%(subscriber)s, %(at)s),
                   owed.points,
                   (select expires_on from next),
                   coalesce((select points from next), 0)
              from owed
            """,
            {"subscriber": subscriber_id, "at": at, "day": day or day_of(at), "never": NEVER},
        )
    return Balance(*row)


def lots_at(*, subscriber_id: int, at: datetime, day: date | None = None) -> list[Lot]:
    """The lots that there were at `at` and that were good on `day` (None: that of `at`), first to
    expire first. Raises MomentInFuture, BeforeTheBooks."""
    with told_in_words():
        found = rows(
            "select expires_on, fund, points from ledger.lots_at(%s, %s, %s)"
            " where points > 0 order by expires_on, fund",
            [subscriber_id, at, day or day_of(at)],
        )
    return [Lot(*row) for row in found]

"""The balance of one account over time, for a chart."""

from dataclasses import dataclass
from datetime import date

from django.db import connection


@dataclass(frozen=True, slots=True)
class DayBalance:
    """The points of an account when the business day `on` ended; below zero in arrears."""

    on: date
    points: int


def balance_by_day(*, subscriber_id: int, since: date, until: date) -> list[DayBalance]:
    """The balance at `since`, at every day after it that changed it, and at `until`.

    By the business day of what happened, so a payment told late stands where it belongs. Points
    on hold still count, as they do in the journal: a hold moves nothing until it is captured. Of a
    month that was detached only its sum is known, and stands on its first day.
    One statement over the account's own postings.
    """
    assert since < until
    with connection.cursor() as cursor:
        cursor.execute(
            """
            select greatest(v.day, %(since)s) as day, sum(v.points)::bigint
              from (select occurred_on as day, points from ledger.posting
                     where subscriber_id = %(subscriber_id)s and occurred_on <= %(until)s
                    union all
                    select month, points from ledger.carried
                     where subscriber_id = %(subscriber_id)s and month <= %(until)s) v
             group by 1
             order by day
            """,
            {"subscriber_id": subscriber_id, "since": since, "until": until},
        )
        changes = dict(cursor.fetchall())
    days, points = [], 0
    for day in sorted({since, until, *changes}):
        points += changes.get(day, 0)
        days.append(DayBalance(on=day, points=points))
    return days

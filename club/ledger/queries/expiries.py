"""When a subscriber's points expire."""

from dataclasses import dataclass
from datetime import date

from club.ledger.expiry_rules import NEVER, inactive_after
from club.ledger.queries.reading import rows


@dataclass(frozen=True, slots=True)
class Expiry:
    """The last day on which so many points are good, Asia/Tashkent."""

    on: date
    points: int


def expiry_calendar(
    *, subscriber_id: int, day: date, inactive_months: int | None = None
) -> list[Expiry]:
    """What expires when, the nearest day first, of the points still good on `day`.

    Where points live only as long as their owner is active, `inactive_months` says how long that
    may be without earning or spending: nothing then lives longer than this, counted from the last
    time, and an owner's next deed moves it all. Points without any last day are left out.
    """
    found = rows(
        """
        select l.expires_on, sum(l.points)::bigint, min(a.active_on)
          from ledger.lot l left join ledger.account a on a.subscriber_id = l.subscriber_id
         where l.subscriber_id = %s and l.expires_on >= %s
         group by l.expires_on
        """,
        [subscriber_id, day],
    )
    calendar: dict[date, int] = {}
    for expires_on, points, active_on in found:
        last = expires_on
        if inactive_months is not None and active_on is not None:
            end = inactive_after(active_on, inactive_months=inactive_months)
            last = min(expires_on, max(end, day))  # Overdue: the next sweep takes it.
        if last < NEVER:
            calendar[last] = calendar.get(last, 0) + points
    return [Expiry(on, calendar[on]) for on in sorted(calendar)]

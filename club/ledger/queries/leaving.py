"""Who else is the same person, and what was taken when they left."""

from datetime import date

from club.ledger.queries.reading import rows
from club.ledger.rules import Contra, Kind


def same_person(*, subscriber_id: int) -> list[int]:
    """All accounts that were merged into one another with this one, the surviving one first."""
    found = rows(
        """
        with recursive own (id) as (
            select %s::bigint
             union
            select case when s.subscriber_id = own.id then s.successor_id else s.subscriber_id end
              from own join ledger.successor s on own.id in (s.subscriber_id, s.successor_id)
             where s.subscriber_id > 0)
        select id from own
         order by id in (select subscriber_id from ledger.successor), id
        """,
        [subscriber_id],
    )
    return [one for (one,) in found]


def forfeited_points(*, subscriber_id: int, source: int, ref: str, day: date) -> int:
    """What the forfeit under this key took; 0 when it took nothing, or there was none."""
    found = rows(
        """
        select -points from ledger.posting
         where subscriber_id = %s and source = %s and ref = %s and occurred_on = %s
           and kind = %s and contra = %s
        """,
        [subscriber_id, int(source), ref, day, int(Kind.FORFEIT), int(Contra.EXPIRED)],
    )
    return int(found[0][0]) if found else 0

"""What the inbox knows of an erased person. Amounts, days and decisions stay under an id that stands
for nobody; number, details, facts and the text of what was rejected go. The files of the export have no
number; the next tidying takes this subscriber's events out of them.

An event without a fingerprint is an erased one: whatever comes under its id again is a duplicate,
and nothing of it is kept.
"""

from collections.abc import Sequence
from datetime import datetime

from club.accrual.models import ExportErased
from club.accrual.rows import rows
from club.arrays import literal
from club.subscribers import rules

NOTE = "its subscriber was erased"


def erase_subscriber(*, subscriber_id: int, now: datetime) -> None:
    mine = rows(
        "select id from accrual_event where subscriber_id = %(subscriber_id)b",
        subscriber_id=subscriber_id,
    )
    _close([event_id for (event_id,) in mine], now=now)
    rows(
        "delete from accrual_segmentmember where subscriber_id = %(subscriber_id)b",
        subscriber_id=subscriber_id,
    )
    ExportErased.objects.get_or_create(subscriber_id=subscriber_id)


def erase_number(*, msisdn: str, now: datetime) -> None:
    """What waits for the number, and whatever names it in any of the ways to write it: what was
    rejected, conflicts of others, events of others that are of a type nobody has declared (of a declared one
    the inbox keeps no number of others).

    No index serves this, it reads those events and all rejections and conflicts: erasing is rare.
    """
    waiting = rows(
        """
        select e.id from accrual_outcome o join accrual_event e on e.id = o.event_id
         where o.state <> 'decided' and e.subscriber_id is null and e.msisdn = %(msisdn)b
        """,
        msisdn=msisdn,
    )
    _close([event_id for (event_id,) in waiting], now=now)
    rows(
        """
        update accrual_rejection set raw = '', reason = ''
         where raw ~ %(pattern)b or reason ~ %(pattern)b
        """,
        pattern=rules.written_anyhow(msisdn),
    )
    rows(
        """
        update accrual_event e set details = '{}'
          from accrual_outcome o
         where o.event_id = e.id and o.state = 'kept' and e.details::text ~ %(pattern)b
        """,
        pattern=rules.written_anyhow(msisdn),
    )
    rows(
        "update accrual_conflict set payload = '{}' where payload::text ~ %(pattern)b",
        pattern=rules.written_anyhow(msisdn),
    )


def forget(event_ids: Sequence[int]) -> None:
    """Takes out of these events everything about a person."""
    if event_ids:
        rows(
            """
            update accrual_event set msisdn = '', details = '{}', fingerprint = ''
             where id = any(%(ids)b::bigint[])
            """,
            ids=literal(event_ids),
        )


def _close(event_ids: Sequence[int], *, now: datetime) -> None:
    """What is not decided yet never will be. The queue first, as every batch begins there."""
    ids = literal(event_ids)
    rows("delete from accrual_queued where event_id = any(%(ids)b::bigint[])", ids=ids)
    rows("delete from accrual_conflict where event_id = any(%(ids)b::bigint[])", ids=ids)
    rows(
        """
        insert into accrual_outcome as o (event_id, state, note, decided_at)
        select id, 'decided', %(note)b, %(now)b from unnest(%(ids)b::bigint[]) id order by id
            on conflict (event_id) do update
               set state = 'decided', facts = null, decided_at = coalesce(o.decided_at, excluded.decided_at),
                   note = case when o.state = 'decided' then '' else excluded.note end
        """,
        ids=ids,
        note=NOTE,
        now=now,
    )
    forget(event_ids)

"""What happened to subscribers, for the levels (club/tiers/ports.py): events that were decided, less
those that were cancelled, whichever of the two came first."""

from club.accrual.rules.event_types import CANCELLATION_OF_E

RELATION = f"""
select e.subscriber_id, (e.occurred_at at time zone 'Asia/Tashkent')::date as day,
       e.amount_tiyin as amount, e.kind as event_type
  from accrual_event e
  join accrual_outcome o on o.event_id = e.id and o.state = 'decided'
 where split_part(e.kind, ':', 1) <> 'cancellation' and e.subscriber_id is not null
   and e.occurred_at >= %(first)s::date::timestamp at time zone 'Asia/Tashkent'
   and not exists (select from accrual_event c
                     join accrual_outcome co on co.event_id = c.id and co.state = 'decided'
                    where c.source = e.source and c.external_id = e.external_id
                      and c.kind = {CANCELLATION_OF_E})
"""  # noqa: S608  of our own pieces


class DecidedEvents:
    def relation(self) -> str:
        return RELATION

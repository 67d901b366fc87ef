"""Telling subscribers about their points, after the batch that brought them was committed."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from club.accrual.rows import rows
from club.clock import day_of
from club.ledger import queries as books
from club.messages import actions as messages

TEMPLATE = "points_earned"


@transaction.atomic
def tell(*, event_ids: Sequence[int], now: datetime) -> int:
    """One message to each active subscriber whose events these were; answers how many.

    It names what all of the events brought together and the balance of now. Points that are
    promised for later are not told here. Told once, however often it runs.
    """
    earned = rows(
        """
        select s.id, s.msisdn, s.language, sum(d.granted)::bigint, max(e.id)
          from accrual_event e
          join accrual_decision d on d.subscriber_id = e.subscriber_id and d.event_id = e.id
          join subscribers_subscriber s on s.id = e.subscriber_id
         where e.id = any(%(event_ids)b::bigint[])
           and d.granted > 0 and d.promised_at is null and s.status = 'active'
         group by s.id
         order by s.id
        """,
        event_ids=list(event_ids),
    )
    today = day_of(now)
    messages.queue_many(
        TEMPLATE,
        addressees=[
            messages.Addressee(
                subscriber_id=subscriber_id,
                msisdn=msisdn,
                language=language,
                values={
                    "points": points,
                    "balance": books.balance(
                        subscriber_id=subscriber_id, day=today
                    ).spendable_points,
                },
                dedupe_key=f"{TEMPLATE}:{subscriber_id}:{last_event_id}",
            )
            for subscriber_id, msisdn, language, points, last_event_id in earned
        ],
        now=now,
    )
    return len(earned)

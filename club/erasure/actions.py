"""Erasing a person across all rooms, in one transaction.

Each room has an `erasure.py` that clears its own tables, and says there what it keeps and why. A new
room that keeps something about people adds its line here; the test that searches every table of
the database for the erased person notices when it is forgotten. docs/decisions/011 has the choices.
"""

from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from club.access import actions as audit
from club.access import erasure as access
from club.access.models import Staff
from club.accrual import erasure as accrual
from club.clock import day_of
from club.erasure.errors import MayNotErase, OrdersOpen
from club.ledger import actions as ledger
from club.ledger import queries as books
from club.ledger.rules import Source
from club.messages import erasure as messages
from club.orders import erasure as orders
from club.signin import erasure as signin
from club.subscribers import erasure as subscribers
from club.subscribers import rules

PERMISSION = "subscribers.erase_subscriber"
REASON = "erased"


@dataclass(frozen=True, slots=True)
class Erased:
    """`subscriber_id` is under what the books go on; None when nobody in the programme had the
    number: then only traces of it were swept."""

    subscriber_id: int | None
    forfeited_points: int


@transaction.atomic
def erase(*, msisdn: str, by: Staff, now: datetime) -> Erased:
    """Forget the person behind a number: everywhere, for ever, and leave the books proved.

    Their points are forfeited. What can be added up later stays under the subscriber_id, which
    from here on stands for nobody: postings, orders, decisions. Doing it again is harmless, and
    sweeps what came in about the number meanwhile. Whoever joins with the number later is a new
    subscriber.
    Raises MayNotErase, OrdersOpen, the ledger's OpenHolds, BadMsisdn; nothing is changed then.
    """
    if not by.has_perm(PERMISSION):
        raise MayNotErase("this needs the permission to erase a person")
    number = rules.msisdn(msisdn)
    subscriber_id = subscribers.lock(msisdn=number)
    forfeited_points = 0
    if subscriber_id is not None:
        if open_orders := orders.open_orders(subscriber_id=subscriber_id):
            raise OrdersOpen(
                f"{open_orders} orders are not settled: wait for them or settle them first",
                open_orders=open_orders,
            )
        # Accrual before the account: a batch takes its events, then locks their accounts.
        accrual.erase_subscriber(subscriber_id=subscriber_id, now=now)
        forfeited_points = _forfeit(subscriber_id, by=by, now=now)
        orders.erase_subscriber(subscriber_id=subscriber_id)
        signin.erase_subscriber(subscriber_id=subscriber_id)
        messages.erase_subscriber(subscriber_id=subscriber_id, now=now)
        access.erase_subject(subject_kind="subscriber", subject_id=subscriber_id)
        subscribers.erase_subscriber(subscriber_id=subscriber_id, now=now)
    accrual.erase_number(msisdn=number, now=now)
    signin.erase_number(msisdn=number)
    messages.erase_number(msisdn=number, now=now)
    access.erase_written(pattern=rules.written_anyhow(number))
    if subscriber_id is not None:
        audit.record(
            "subscriber.erased",
            by=by,
            subject_kind="subscriber",
            subject_id=subscriber_id,
            now=now,
            details={"forfeited_points": forfeited_points},
        )
    return Erased(subscriber_id, forfeited_points)


def _forfeit(subscriber_id: int, *, by: Staff, now: datetime) -> int:
    # Every lot there is, expired or not.
    forfeited_points = books.balance(subscriber_id=subscriber_id, day=date.min).spendable_points
    ledger.forfeit(
        subscriber_id=subscriber_id,
        source=Source.STAFF,
        ref=REASON,
        day=day_of(now),
        actor=f"staff:{by.pk}",
        reason=REASON,
    )
    return forfeited_points

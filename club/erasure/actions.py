"""Erasing a person across all rooms, in one transaction.

Each room has an `erasure.py` that clears its own tables, and says there what it keeps and why. A new
room that keeps something about people adds its line here; the test that searches every table of
the database for the erased person notices when it is forgotten. docs/decisions/011 has the choices.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from club.access import actions as audit
from club.access import erasure as access
from club.access.models import Staff
from club.accrual import erasure as accrual
from club.clock import day_of
from club.erasure import queries
from club.erasure.errors import MayNotErase, OrdersOpen
from club.ledger import actions as ledger
from club.ledger import queries as books
from club.ledger.rules import Source
from club.messages import erasure as messages
from club.orders import erasure as orders
from club.signin import erasure as signin
from club.subscribers import erasure as subscribers
from club.subscribers import rules
from club.tiers import erasure as tiers

PERMISSION = "subscribers.erase_subscriber"
REASON = "erased"


@dataclass(frozen=True, slots=True)
class Erased:
    """`subscriber_ids` are under what the books go on, several where numbers were merged; none when
    nobody in the programme had the number: then only traces of it were swept."""

    subscriber_ids: tuple[int, ...]
    forfeited_points: int


@transaction.atomic
def erase(*, msisdn: str, by: Staff, now: datetime) -> Erased:
    """Forget the person behind a number: everywhere, for ever, and leave the books proved.

    Numbers that were merged are one person. Their points are forfeited. What can be added up later
    stays under the subscriber_id, which from here on stands for nobody: postings, orders,
    decisions. Doing it again is harmless, and sweeps what came in about the number meanwhile.
    Whoever joins with the number later is a new subscriber.
    Raises MayNotErase, OrdersOpen, the ledger's OpenHolds, BadMsisdn; nothing is changed then.
    """
    if not by.has_perm(PERMISSION):
        raise MayNotErase("this needs the permission to erase a person")
    number = rules.msisdn(msisdn)
    owner_id = subscribers.owner(msisdn=number)
    # The survivor of a merge first: the seat in a family pot is theirs, and is given up before any
    # other account is locked.
    persons = books.same_person(subscriber_id=owner_id) if owner_id is not None else []
    numbers = {number, *subscribers.lock(subscriber_ids=persons)}
    open_orders = sum(orders.open_orders(subscriber_id=one) for one in persons)
    if open_orders:
        raise OrdersOpen(
            f"{open_orders} orders are not settled: wait for them or settle them first",
            open_orders=open_orders,
        )
    for one in persons:
        # Before the account: a batch takes its events, then locks their accounts.
        accrual.erase_subscriber(subscriber_id=one, now=now)
    forfeited_points = sum(_forfeit(one, by=by, now=now) for one in persons)
    for one in persons:
        orders.erase_subscriber(subscriber_id=one)
        signin.erase_subscriber(subscriber_id=one)
        messages.erase_subscriber(subscriber_id=one, now=now)
        tiers.erase_subscriber(subscriber_id=one)
        access.erase_subject(subject_kind="subscriber", subject_id=one)
        subscribers.erase_subscriber(subscriber_id=one, now=now)
    for one_number in sorted(numbers):
        accrual.erase_number(msisdn=one_number, now=now)
        signin.erase_number(msisdn=one_number)
        messages.erase_number(msisdn=one_number, now=now)
        access.erase_written(pattern=rules.written_anyhow(one_number))
    for one in persons:
        audit.record("subscriber.erased", by=by, subject_kind="subscriber", subject_id=one, now=now)
    return Erased(tuple(persons), forfeited_points)


@transaction.atomic
def forfeit_what_came_later(*, now: datetime, limit: int) -> int:
    """Forfeit what came to up to `limit` erased accounts after all: a refund to a family pot that
    they owned, a posting of the system before. Answers how many; call until it is 0."""
    late = queries.accounts_with_points(limit=limit)
    for subscriber_id in late:
        _forfeit(subscriber_id, by=None, now=now)
    return len(late)


def _forfeit(subscriber_id: int, *, by: Staff | None, now: datetime) -> int:
    """The moment is in the key: an erased account may have to be emptied again."""
    ref, day = f"{REASON}:{now.isoformat()}", day_of(now)
    ledger.forfeit(
        subscriber_id=subscriber_id,
        source=Source.STAFF,
        ref=ref,
        day=day,
        actor=f"staff:{by.pk}" if by else None,
        reason=REASON,
    )
    return books.forfeited_points(
        subscriber_id=subscriber_id, source=Source.STAFF, ref=ref, day=day
    )

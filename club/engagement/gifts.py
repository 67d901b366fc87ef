"""Points sent from one subscriber to another, on the terms of the sender's level."""

from dataclasses import replace
from datetime import datetime

from club.clock import day_of
from club.ledger import actions as ledger
from club.ledger import policies, queries
from club.ledger.rules import Booked, Source, TransferPolicy, fingerprint_of
from club.tiers import queries as tiers
from club.tiers.scheme_files import Benefits


def send(
    *,
    subscriber_id: int,
    to_subscriber_id: int,
    points: int,
    source: Source,
    ref: str,
    now: datetime,
    reason: str | None = None,
    actor: str | None = None,
) -> Booked:
    """Send points; `source` and `ref` name this transfer: repeated, it moves once, and costs what it cost.

    Raises as `ledger.actions.transfer` does.
    """
    return ledger.transfer(
        subscriber_id=subscriber_id,
        to_subscriber_id=to_subscriber_id,
        source=source,
        ref=ref,
        day=day_of(now),
        points=points,
        policy=terms_of(subscriber_id=subscriber_id),
        now=now,
        fingerprint=fingerprint_of("transfer", to_subscriber_id, points),
        reason=reason,
        actor=actor,
    )


def sent_this_month(*, subscriber_id: int, now: datetime) -> int:
    """How many gifts a level's free ones of this month are counted off."""
    return queries.gifts_sent(subscriber_id=subscriber_id, day=day_of(now))


def free_left(benefits: Benefits, *, sent: int) -> int:
    """How many more gifts cost no fee this month after `sent` of them."""
    return max(0, benefits.free_transfers_per_month - sent)


def terms_of(*, subscriber_id: int) -> TransferPolicy:
    """The operator's terms, and what the sender's levels bring: gifts a month without their fee."""
    privileges = tiers.privileges(subscriber_id=subscriber_id)
    return replace(
        policies.of_transfers(), free_times_per_month=privileges.free_transfers_per_month
    )

"""Points sent from one subscriber to another, on the terms of the sender's level."""

from dataclasses import replace
from datetime import datetime

from club.clock import day_of
from club.ledger import actions as ledger
from club.ledger import policies
from club.ledger.rules import Booked, Source, TransferPolicy, fingerprint_of
from club.tiers import queries as tiers


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


def terms_of(*, subscriber_id: int) -> TransferPolicy:
    """The operator's terms, and what the sender's levels bring: gifts a month without their fee."""
    privileges = tiers.privileges(subscriber_id=subscriber_id)
    return replace(
        policies.of_transfers(), free_times_per_month=privileges.free_transfers_per_month
    )

"""Holds that no sweep may take: of an order that may have been delivered."""

from datetime import datetime
from uuid import UUID

from club.ledger.actions.calling import call
from club.ledger.errors import told_in_words


def pin_hold(*, subscriber_id: int, hold_id: UUID) -> bool:
    """Keeps an open hold from every sweep, until it is captured, released or unpinned.

    Before an order asks for its delivery. False when the hold is closed or does not exist: then
    nothing may be asked for. Pinning twice is harmless.
    """
    with told_in_words():
        (is_open,) = call("select ledger.pin_hold(%s::bigint, %s)", [subscriber_id, hold_id])
    return bool(is_open)


def unpin_hold(*, subscriber_id: int, hold_id: UUID, until: datetime) -> bool:
    """Lets a pinned hold end at `until` again: it is known that nothing was asked for.

    False when the hold is not open and pinned; then nothing changes.
    """
    with told_in_words():
        (is_unpinned,) = call(
            "select ledger.unpin_hold(%s::bigint, %s, %s)", [subscriber_id, hold_id, until]
        )
    return bool(is_unpinned)

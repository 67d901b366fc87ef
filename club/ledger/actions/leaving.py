"""Leaving the programme."""

from datetime import date

from club.ledger.actions.calling import booked
from club.ledger.errors import told_in_words
from club.ledger.rules import Booked, fingerprint_of


def forfeit(
    *, subscriber_id: int, source: int, ref: str, day: date, actor: str | None, reason: str
) -> Booked:
    """Takes all points of a subscriber who leaves; expired lots that no run has taken yet, too.

    A seat in a family pot ends first (an owner's pot is closed), and its part of the pot goes too.
    Promised points are withdrawn, and arrears are written off: given, and repaid by the gift.
    `is_fresh` is False for a replay, and where there was nothing to take. `reason` is a code,
    `actor` the member of staff who did it, None for the system.
    Raises OpenHolds (with held_points: settle what they wait for first), KeyReused, BadPosting.
    """
    with told_in_words():
        return booked(
            "select * from ledger.forfeit(%s::bigint, %s::smallint, %s, %s, %s, %s, %s)",
            [
                subscriber_id,
                int(source),
                ref,
                day,
                fingerprint_of("forfeit", reason),
                reason,
                actor,
            ],
        )

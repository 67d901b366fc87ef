"""Undoing: a posting that names the one it reverses."""

from datetime import date

from club.ledger.actions.calling import booked
from club.ledger.errors import told_in_words
from club.ledger.rules import Booked


def reverse(
    *,
    subscriber_id: int,
    source: int,
    ref: str,
    day: date,
    of_source: int,
    of_ref: str,
    of_day: date,
    points: int | None,
    fingerprint: bytes,
    grace_until: date | None = None,
) -> Booked:
    """Reverses a posting, wholly (`points` None: what is left of it) or in part, repeatedly.

    A debit goes back to the lots it came from, last taken first; lots that expired meanwhile as in
    `capture`. A credit is clawed back from its own lot, then from the others, first to expire
    first; what was spent already becomes arrears, which later points repay.
    Raises NoSuchPosting, KeyReused, BadPosting (more than is left; a reversal of a reversal).
    """
    with told_in_words():
        return booked(
            "select * from ledger.reverse_posting("
            "%s, %s::smallint, %s, %s, %s::smallint, %s, %s, %s::bigint, %s, %s::date)",
            [
                subscriber_id, int(source), ref, day,
                int(of_source), of_ref, of_day, points, fingerprint, grace_until,
            ],
        )  # fmt: skip

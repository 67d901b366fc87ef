"""Undoing: a posting that names the one it reverses."""

from datetime import date

from club.ledger.actions.calling import booked
from club.ledger.errors import told_in_words
from club.ledger.rules import Booked, ClawbackPolicy


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
    policy: ClawbackPolicy = ClawbackPolicy.OTHER_LOTS,
    actor: str | None = None,
) -> Booked:
    """Reverses a posting, wholly (`points` None: what is left of it) or in part, repeatedly.

    A debit goes back to the lots it came from, with their dates, last taken first. A lot that
    expired meanwhile comes back until `grace_until` (rules.grace_until) with reason "grace";
    without it, or when that day is over, it lapses at once with reason "lapsed". A credit is
    clawed back from its own lot; what that no longer has comes from the others, first to expire
    first, or not, by `policy`; the rest becomes arrears, which the next points repay. A goodwill
    that is reversed gives its budget as much back.
    Raises NoSuchPosting, KeyReused, MoreThanLeft (with left_points), NotReversible (a reversal, a
    repayment, an extension, a forfeit; a transfer: reverse_transfer), BadPosting.
    """
    with told_in_words():
        return booked(
            "select * from ledger.reverse_posting("
            "%s::bigint, %s::smallint, %s, %s, %s::smallint, %s, %s, %s::bigint, %s, %s::date,"
            " %s, %s)",
            [
                subscriber_id, int(source), ref, day,
                int(of_source), of_ref, of_day, points, fingerprint, grace_until,
                policy is ClawbackPolicy.OTHER_LOTS, actor,
            ],
        )  # fmt: skip

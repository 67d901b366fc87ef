"""One account in place of two: somebody's number changed."""

from datetime import date

from club.ledger.actions.calling import booked, call
from club.ledger.errors import told_in_words
from club.ledger.rules import Booked, fingerprint_of
from club.subscribers import queries as subscribers


def merge(
    *,
    from_subscriber_id: int,
    to_subscriber_id: int,
    source: int,
    ref: str,
    day: date,
    actor: str | None = None,
) -> Booked:
    """Moves all that one account has or owes to another one, for good.

    All lots with their dates, those that expired and are not swept yet too; promises, under their
    own keys; arrears; a freeze; the seat in a family pot (where the survivor sits in another one,
    the share comes out instead). History stays under the former id; both statements show one row
    with reason "merge". Open holds stay with their orders. What comes to the former account later
    follows by `follow_successors`. Answers what the survivor can spend.
    Raises AlreadyMerged, UnknownSubscriber (the survivor), OpenHolds (of a pot that would have to
    be closed), KeyReused, BadPosting.
    """
    with told_in_words():
        return booked(
            "select * from ledger.merge(%s::bigint, %s::bigint, %s, %s::smallint, %s, %s, %s, %s)",
            [
                from_subscriber_id, to_subscriber_id, subscribers.is_member(to_subscriber_id),
                int(source), ref, day, fingerprint_of("merge", to_subscriber_id), actor,
            ],
        )  # fmt: skip


def follow_successors(*, day: date, limit: int) -> int:
    """Sends what came to up to `limit` merged accounts and closed pots to their successors.

    Answers how many moved. One transaction a call: call until it is 0.
    """
    with told_in_words():
        (moved,) = call("select ledger.follow_successors(%s, %s::integer)", [day, limit])
    return int(moved)

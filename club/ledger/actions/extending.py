"""A longer life for points that are about to expire."""

from datetime import date

from club.ledger.actions.calling import call
from club.ledger.errors import told_in_words
from club.ledger.rules import Extended, Swept


def extend(
    *,
    subscriber_id: int,
    source: int,
    ref: str,
    day: date,
    ending_from: date,
    ending_until: date,
    to: date,
    reason: str,
    actor: str,
    fingerprint: bytes,
    fund: int | None = None,
) -> Extended:
    """Moves one subscriber's lots that are good on `day` and end between two days to the day `to`.

    Of one fund, or of all (None). A posting of no points tells which lots and where to. Where
    there is nothing to move, nothing is posted and the key stays free.
    Raises KeyReused, BadPosting (nothing good can end then, or `to` is not later).
    """
    with told_in_words():
        is_fresh, extended_points = call(
            "select * from ledger.extend_lots("
            "%s::bigint, %s::smallint, %s, %s, %s, %s, %s, %s::integer, %s, %s, %s)",
            [
                subscriber_id, int(source), ref, day, ending_from, ending_until, to, fund,
                fingerprint, reason, actor,
            ],
        )  # fmt: skip
    return Extended(bool(is_fresh), int(extended_points))


def extend_many(
    *,
    source: int,
    ref: str,
    day: date,
    ending_on: date,
    to: date,
    reason: str,
    actor: str,
    limit: int,
    fund: int | None = None,
    after: int | None = None,
) -> Swept:
    """Moves all lots that end on one day, of up to `limit` subscribers that have such, from the one
    behind `after` on (None: the first); answers of how many subscribers.

    One transaction a call: go on after the answer's `last_subscriber_id` until that is None. A run
    that broke off is simply begun again, because what was moved is not there any more. `ref` (up to 150 bytes) is the beginning of each
    posting's. Raises BadPosting as `extend` does.
    """
    with told_in_words():
        owners, last = call(
            "select * from ledger.extend_many("
            "%s::smallint, %s, %s, %s, %s, %s::integer, %s, %s, %s::integer, %s::bigint)",
            [int(source), ref, day, ending_on, to, fund, reason, actor, limit, after],
        )
    return Swept(int(owners), None if last is None else int(last))

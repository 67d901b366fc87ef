"""The end of points, and of months without a partition."""

from datetime import date

from club.ledger.actions.calling import call
from club.ledger.errors import told_in_words
from club.ledger.rules import Swept


def expire_due(*, day: date, limit: int, after: int | None = None) -> Swept:
    """Expires the lots that were good until before `day`, of up to `limit` subscribers that have
    such, from the one behind `after` on (None: the first).

    One transaction a call, so that no lock lasts: go on after the answer's `last_subscriber_id`
    until that is None. Nothing is lost or doubled by beginning again.
    """
    with told_in_words():
        lots, last = call(
            "select * from ledger.expire_due(%s, %s::integer, %s::bigint)", [day, limit, after]
        )
    return Swept(int(lots), None if last is None else int(last))


def expire_inactive(*, day: date, active_since: date, after: int | None, limit: int) -> Swept:
    """Expires the lots that are good on `day` of up to `limit` subscribers last active before
    `active_since` (expiry_rules.active_since), from the one behind `after` on (None: the first).

    One transaction a call: go on after the answer's `last_subscriber_id` until that is None.
    Nothing is lost or doubled by beginning again.
    """
    with told_in_words():
        lots, last = call(
            "select * from ledger.expire_inactive(%s, %s, %s::bigint, %s::integer)",
            [day, active_since, after, limit],
        )
    return Swept(int(lots), None if last is None else int(last))


def make_months(*, first: date, months: int) -> int:
    """Makes the journal's missing partitions for `months` months from that of `first` on."""
    with told_in_words():
        (made,) = call("select ledger.make_months(%s, %s::integer)", [first, months])
    return int(made)

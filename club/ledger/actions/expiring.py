"""The end of points, and of months without a partition."""

from datetime import date

from club.ledger.actions.calling import call
from club.ledger.errors import told_in_words


def expire_due(*, day: date, limit: int) -> int:
    """Expires the lots of up to `limit` subscribers whose points were good until before `day`.

    Answers how many lots. One transaction a call, so that no lock lasts: call until it is 0.
    """
    with told_in_words():
        (expired,) = call("select ledger.expire_due(%s, %s)", [day, limit])
    return int(expired)


def make_months(*, first: date, months: int) -> int:
    """Makes the journal's missing partitions for `months` months from that of `first` on."""
    with told_in_words():
        (made,) = call("select ledger.make_months(%s, %s)", [first, months])
    return int(made)

"""The one door through which points move. Each verb is one call of one function in `sql/`.

Every verb is idempotent by its key and works inside the caller's transaction; alone it is a
transaction of its own. Refusals are the errors of `club.ledger.errors` and leave nothing behind,
not even a broken transaction. Whole points; days are business days in Asia/Tashkent.
"""

from club.ledger.actions.earning import (
    keep_promises,
    lock_accounts,
    post_many,
    promise_many,
    withdraw_promise,
)
from club.ledger.actions.expiring import expire_due, make_months
from club.ledger.actions.leaving import forfeit
from club.ledger.actions.spending import (
    capture,
    extend_hold,
    hold,
    release,
    release_expired_holds,
    spend,
)
from club.ledger.actions.transferring import freeze, reverse_transfer, transfer, unfreeze
from club.ledger.actions.undoing import reverse
from club.ledger.rules import Accrual, Booked, Posted, Promise, Source

__all__ = [
    "Accrual",
    "Booked",
    "Posted",
    "Promise",
    "Source",
    "capture",
    "expire_due",
    "extend_hold",
    "forfeit",
    "freeze",
    "hold",
    "keep_promises",
    "lock_accounts",
    "make_months",
    "post_many",
    "promise_many",
    "release",
    "release_expired_holds",
    "reverse",
    "reverse_transfer",
    "spend",
    "transfer",
    "unfreeze",
    "withdraw_promise",
]

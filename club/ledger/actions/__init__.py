"""The one door through which points move. Each verb is one call of one function in `sql/`.

Every verb is idempotent by its key and works inside the caller's transaction; alone it is a
transaction of its own. Refusals are the errors of `club.ledger.errors` and leave nothing behind,
not even a broken transaction. Whole points; days are business days in Asia/Tashkent.
"""

from club.ledger.actions.adjusting import adjust, goodwill, make_budget, make_fund
from club.ledger.actions.bulk import post_file
from club.ledger.actions.closing import count_day
from club.ledger.actions.detaching import detach_month
from club.ledger.actions.earning import (
    keep_promises,
    lock_accounts,
    post_many,
    promise_many,
    withdraw_promise,
)
from club.ledger.actions.expiring import expire_due, expire_inactive, make_months
from club.ledger.actions.extending import extend, extend_many
from club.ledger.actions.leaving import forfeit
from club.ledger.actions.merging import follow_successors, merge
from club.ledger.actions.pinning import pin_hold, unpin_hold
from club.ledger.actions.pots import (
    close_pot,
    hold_from_pot,
    invite_to_pot,
    join_pot,
    leave_pot,
    open_pot,
    pay_into_pot,
    spend_from_pot,
)
from club.ledger.actions.proving import prove_what_is_new
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
from club.ledger.actions.walking import walk
from club.ledger.rules import Accrual, Booked, Detached, Extended, Posted, Promise, Source, Swept

__all__ = [
    "Accrual",
    "Booked",
    "Detached",
    "Extended",
    "Posted",
    "Promise",
    "Source",
    "Swept",
    "adjust",
    "capture",
    "close_pot",
    "count_day",
    "detach_month",
    "expire_due",
    "expire_inactive",
    "extend",
    "extend_hold",
    "extend_many",
    "follow_successors",
    "forfeit",
    "freeze",
    "goodwill",
    "hold",
    "hold_from_pot",
    "invite_to_pot",
    "join_pot",
    "keep_promises",
    "leave_pot",
    "lock_accounts",
    "make_budget",
    "make_fund",
    "make_months",
    "merge",
    "open_pot",
    "pay_into_pot",
    "pin_hold",
    "post_file",
    "post_many",
    "promise_many",
    "prove_what_is_new",
    "release",
    "release_expired_holds",
    "reverse",
    "reverse_transfer",
    "spend",
    "spend_from_pot",
    "transfer",
    "unfreeze",
    "unpin_hold",
    "walk",
    "withdraw_promise",
]

"""Working off a clawback, slice by slice: each is one transaction that may be cut off anywhere and
begun again. What is taken back stands in the books under the clawback's own keys, so nothing is
taken twice; every line is looked at once more under the lock of its account.
"""

from datetime import datetime

from django.db import transaction

from club.accrual.clawback.restoring import restore
from club.accrual.clawback.slices import count, turn, write
from club.accrual.clawback.taking import take
from club.accrual.models import Clawback, Clawed
from club.tiers import actions as tiers

SLICE_LINES_MAX = 1_000
State = Clawed.State


@transaction.atomic
def work(*, clawback_id: int, now: datetime, limit: int = 500) -> int:
    """Take back, or give back, some `limit` lines; answers how many. Call until it is 0.

    Raises what the books raise when they cannot be written: then nothing of the slice happened.
    """
    assert 0 < limit <= SLICE_LINES_MAX
    clawback = Clawback.objects.select_for_update().get(pk=clawback_id)
    match clawback.state:
        case Clawback.State.TAKING:
            found = turn(clawback, State.OPEN, limit)
            done = take(clawback, found)
        case Clawback.State.RESTORING:
            found = turn(clawback, State.TAKEN, limit)
            done = restore(clawback, found)
        case _:
            return 0
    count(done)
    write(clawback, done)
    if not found:
        is_taking = clawback.state == Clawback.State.TAKING
        clawback.state = Clawback.State.TAKEN if is_taking else Clawback.State.RESTORED
        clawback.ended_at = now
    clawback.save()
    if done:
        tiers.ask_to_reconsider({one.line.subscriber_id for one in done})
    return len(done)

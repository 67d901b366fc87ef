"""Chunk by chunk through all accounts."""

from collections.abc import Callable

from club.ledger.rules import Swept


def walk(sweep: Callable[[int | None], Swept]) -> int:
    """Calls `sweep(after)` for one chunk after the other until the last; answers what all took.

    It only goes forward, so it ends however much comes in meanwhile.
    """
    taken = 0
    after: int | None = None
    while True:
        swept = sweep(after)
        taken += swept.taken
        if (after := swept.last_subscriber_id) is None:
            return taken

"""What decisions do to the books: everything granted, and everything promised, in as few statements as
the books allow."""

from collections.abc import Iterator, Sequence
from functools import cache, partial
from operator import itemgetter
from typing import Any

from club.accrual.grants import ref
from club.accrual.settled import Settled
from club.ledger import actions as ledger
from club.ledger.errors import KeyReused
from club.ledger.rules import ACCRUALS_PER_CALL_MAX, Source
from club.programme.rules import Life, expires_on
from club.tuples import new

BY_SUBSCRIBER = itemgetter(0)
"""The order of the keys of accounts, journal and decisions: neighbours stand on one page."""


def post(settled: Sequence[Settled], *, life: Life) -> None:
    """Raises KeyReused, and whatever else the books say to one of them: then nothing is posted that the
    caller's transaction keeps."""
    last_day_of = cache(partial(expires_on, life=life))  # a batch has few days
    accruals: list[ledger.Accrual] = []
    promises: list[ledger.Promise] = []
    for event, _, _, _, _, lines in settled:
        if not lines:
            continue
        day, fingerprint = event.day, event.content_for_ever
        last_day = last_day_of(day)
        for who, event_id, rule_id, _, _, points, _, _, promised_at, fund in lines:
            if points <= 0:
                continue
            key = who, ref(event_id, rule_id), day, points
            if promised_at is None:
                accruals.append(new(ledger.Accrual, (*key, last_day, fund, fingerprint)))
            else:
                # Promised points live from the day on which they can be spent.
                lives_until = last_day_of(promised_at.date())
                promises.append(ledger.Promise(*key, lives_until, fund, fingerprint, promised_at))
    conflicts: tuple[str, ...] = ()
    for some in _slices(sorted(accruals, key=BY_SUBSCRIBER)):
        conflicts += ledger.post_many(source=Source.ACCRUAL, accruals=some).conflicts
    for few in _slices(sorted(promises, key=BY_SUBSCRIBER)):
        conflicts += ledger.promise_many(source=Source.ACCRUAL, promises=few).conflicts
    if conflicts:
        raise KeyReused(f"the books know {conflicts[0]} with other content")


def _slices(whole: list[Any]) -> Iterator[list[Any]]:
    """Fifty rules may want points for each of thousands of events."""
    for first in range(0, len(whole), ACCRUALS_PER_CALL_MAX):
        yield whole[first : first + ACCRUALS_PER_CALL_MAX]

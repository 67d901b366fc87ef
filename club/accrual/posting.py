"""What decisions do to the books: everything granted, and everything promised, in as few statements as
the books allow."""

from collections.abc import Iterator, Sequence
from functools import cache, partial
from typing import Any

from club.accrual.settled import Settled
from club.ledger import actions as ledger
from club.ledger.errors import KeyReused
from club.ledger.rules import ACCRUALS_PER_CALL_MAX, Source
from club.programme.rules import Life, expires_on


def post(settled: Sequence[Settled], *, life: Life) -> None:
    """Raises KeyReused, and whatever else the books say to one of them: then nothing is posted that the
    caller's transaction keeps."""
    last_day_of = cache(partial(expires_on, life=life))  # a batch has few days
    accruals: list[ledger.Accrual] = []
    promises: list[ledger.Promise] = []
    for one in settled:
        day = one.event.day
        for line in one.lines:
            if line.granted <= 0:
                continue
            fingerprint = one.event.content_for_ever(line.rule_id)
            key = line.subscriber_id, line.ref, day, line.granted
            if line.promised_at is None:
                last_day = last_day_of(day)
                accruals.append(ledger.Accrual(*key, last_day, line.fund, fingerprint))
            else:
                # Promised points live from the day on which they can be spent.
                last_day = last_day_of(line.promised_at.date())
                promises.append(
                    ledger.Promise(*key, last_day, line.fund, fingerprint, line.promised_at)
                )
    conflicts: tuple[str, ...] = ()
    for some in _slices(accruals):
        conflicts += ledger.post_many(source=Source.ACCRUAL, accruals=some).conflicts
    for few in _slices(promises):
        conflicts += ledger.promise_many(source=Source.ACCRUAL, promises=few).conflicts
    if conflicts:
        raise KeyReused(f"the books know {conflicts[0]} with other content")


def _slices(whole: list[Any]) -> Iterator[list[Any]]:
    """Fifty rules may want points for each of thousands of events."""
    for first in range(0, len(whole), ACCRUALS_PER_CALL_MAX):
        yield whole[first : first + ACCRUALS_PER_CALL_MAX]

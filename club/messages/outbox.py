"""The outbox from its other side: what an adapter that delivers messages does with it.

An adapter takes what is due (committed as SENDING before any octet leaves), tries, and settles;
receipts and messages from subscribers are written here before they are acknowledged. Everything
goes by batches, each one transaction of a handful of statements. One process owns a channel, so
these actions of one `centre` never run beside each other; `take` does not even need that.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F

from club.messages import rules
from club.messages.models import EarlyReceipt, Inbound, Message, Part
from club.messages.rules import State
from club.outcomes import Done, Refused, Unknown

EXPIRED_BATCH_MAX: Final = 1_000
EARLY_RECEIPT_LIFETIME: Final = timedelta(days=7)
EARLY_RECEIPT_MATCHES: Final = timedelta(minutes=10)
"""Centres count their ids anew after a restart: an old receipt belongs to another message."""
SAME_INBOUND: Final = timedelta(minutes=2)
"""Within it an equal message is the centre's repetition; after it, the subscriber's."""

SETTLED: Final = (State.DELIVERED, State.UNDELIVERED)
ERROR_LENGTH_MAX: Final = 200


@dataclass(frozen=True)
class Due:
    """A message to be tried now. `parts_taken` were taken by the centre in an earlier attempt."""

    id: int
    msisdn: str
    text: str
    not_after: datetime
    parts_taken: frozenset[int]


@dataclass(frozen=True)
class Attempt:
    """How one attempt ended: an outcome for each part tried, by part number from 1.

    It stops at the first part that is not taken. `parts_total` counts the whole message.
    """

    message_id: int
    parts_total: int
    outcomes: tuple[tuple[int, rules.Outcome], ...]

    @property
    def last(self) -> tuple[int, rules.Outcome]:
        """The part at which it stopped; where every part had been taken before, the last one."""
        return self.outcomes[-1] if self.outcomes else (self.parts_total, Done(""))


@dataclass(frozen=True)
class PartReceipt:
    centre_id: str
    state: State
    error_code: str = ""


@dataclass(frozen=True)
class Incoming:
    source: str
    destination: str
    text: str
    reference: int = 0
    parts_total: int = 1
    part_number: int = 1


@transaction.atomic
def take(*, now: datetime, limit: int) -> list[Due]:
    """Take up to `limit` due messages, the nearest deadline first; expired ones end here.

    They are SENDING when this returns and commits. Safe to run beside itself.
    """
    late = Message.objects.filter(state=State.QUEUED, not_after__lte=now)
    late = late.select_for_update(skip_locked=True).order_by("not_after", "id")
    expired = list(late[:EXPIRED_BATCH_MAX])
    for message in expired:
        _end(message, State.EXPIRED, now)
    _save(expired)

    due = Message.objects.filter(state=State.QUEUED, next_try_at__lte=now)
    due = due.select_for_update(skip_locked=True).order_by("not_after", "id")
    messages = list(due[:limit])
    ids = [message.pk for message in messages]
    if not ids:
        return []
    Message.objects.filter(pk__in=ids).update(state=State.SENDING, attempts=F("attempts") + 1)

    taken = defaultdict(set)
    parts = Part.objects.filter(message__in=ids).exclude(centre_id="")
    for message_id, number in parts.values_list("message_id", "number"):
        taken[message_id].add(number)
    return [Due(m.pk, m.msisdn, m.text, m.not_after, frozenset(taken[m.pk])) for m in messages]


@transaction.atomic
def settle(attempts: Sequence[Attempt], *, centre: str, now: datetime) -> None:
    """Write down how attempts ended, in their order: an answer may come after its own time-out."""
    messages = {m.pk: m for m in _locked(attempt.message_id for attempt in attempts)}
    _keep_parts(attempts, centre=centre)
    _adopt_early_receipts(attempts, centre=centre, now=now)

    for attempt in attempts:
        number, last = attempt.last
        if message := messages.get(attempt.message_id):
            _follow(message, last, is_whole=number == attempt.parts_total, now=now)
    _conclude(list(messages.values()), now=now)


@transaction.atomic
def settle_interrupted(*, now: datetime) -> int:
    """Messages left SENDING by a process that is gone: nobody knows whether they were submitted.

    Only for the one process that owns the channel, before it takes anything. Returns how many.
    """
    messages = list(Message.objects.select_for_update().filter(state=State.SENDING).order_by("id"))
    for message in messages:
        _follow(message, Unknown("the sender stopped in the middle"), is_whole=False, now=now)
    _save(messages)
    return len(messages)


@transaction.atomic
def record_receipts(receipts: Sequence[PartReceipt], *, centre: str, now: datetime) -> int:
    """Write down delivery receipts, repeated ones included; returns how many found their part.

    A receipt for an id that is not known yet is kept until the answer with that id arrives.
    """
    ids = [receipt.centre_id for receipt in receipts]
    parts = {
        part.centre_id: part  # the newest of an id that a centre gave twice
        for part in Part.objects.filter(centre=centre, centre_id__in=ids).order_by("id")
    }
    messages = _locked({part.message_id for part in parts.values()})
    early = []
    for receipt in receipts:
        part = parts.get(receipt.centre_id)
        if part is None:
            early.append(_early(receipt, centre=centre, now=now))
        elif part.state not in SETTLED:
            _mark(part, receipt.state, receipt.error_code, now)
    Part.objects.bulk_update(parts.values(), ["state", "error_code", "receipt_at"])
    EarlyReceipt.objects.bulk_create(early, ignore_conflicts=True)
    _conclude(messages, now=now)
    return len(receipts) - len(early)


@transaction.atomic
def receive(incoming: Sequence[Incoming], *, centre: str, now: datetime) -> int:
    """Keep messages from subscribers, each once; returns how many were new."""
    fresh = {_fingerprint(message, centre): message for message in incoming}
    known = Inbound.objects.filter(
        fingerprint__in=list(fresh), received_at__gt=now - SAME_INBOUND
    ).values_list("fingerprint", flat=True)
    for fingerprint in known:
        fresh.pop(bytes(fingerprint), None)
    Inbound.objects.bulk_create(
        Inbound(
            centre=centre,
            source=message.source,
            destination=message.destination,
            text=message.text.replace("\0", "\ufffd"),  # PostgreSQL's text holds no NUL
            reference=message.reference,
            parts_total=message.parts_total,
            part_number=message.part_number,
            fingerprint=fingerprint,
            received_at=now,
        )
        for fingerprint, message in fresh.items()
    )
    return len(fresh)


def sweep(*, now: datetime) -> int:
    """Forget receipts that never found their message; returns how many."""
    old = EarlyReceipt.objects.filter(received_at__lt=now - EARLY_RECEIPT_LIFETIME)
    return old.delete()[0]


# ---- private steps -------------------------------------------------------------------------------


def _locked(ids: Iterable[int]) -> list[Message]:
    """The messages of these ids that can still change, locked in the one order there is."""
    messages = Message.objects.select_for_update().filter(pk__in=list(ids))
    return list(messages.exclude(state__in=SETTLED).order_by("id"))


def _follow(message: Message, last: rules.Outcome, *, is_whole: bool, now: datetime) -> None:
    """Set the message to what the rules make of its attempt.

    A message that has ended is moved by a late proof only, and goes on only if its text is left.
    """
    has_ended = message.settled_at is not None
    if has_ended and not (isinstance(last, Done) and (is_whole or message.text)):
        return
    if isinstance(last, Unknown):
        message.unknown_attempts += 1
    then = rules.after_attempt(
        last=last,
        is_whole=is_whole,
        is_secret=message.is_secret,
        attempts=message.attempts,
        unknown_attempts=message.unknown_attempts,
    )
    message.last_error = then.error[:ERROR_LENGTH_MAX]
    if then.state == State.SENT:
        message.sent_at = now
    if then.retry_after is None:
        _end(message, then.state, now)
    else:
        message.state = then.state
        message.settled_at = None
        message.next_try_at = now + then.retry_after


def _keep_parts(attempts: Iterable[Attempt], *, centre: str) -> None:
    parts = {
        (attempt.message_id, number): Part(
            message_id=attempt.message_id, number=number, centre=centre, **_facts(outcome)
        )
        for attempt in attempts
        for number, outcome in attempt.outcomes
        if not (isinstance(outcome, Refused) and outcome.is_for_now)
    }
    Part.objects.bulk_create(
        parts.values(),
        update_conflicts=True,
        unique_fields=["message", "number"],
        update_fields=["centre", "centre_id", "state", "error_code"],
    )


def _facts(outcome: rules.Outcome) -> dict[str, str]:
    if isinstance(outcome, Done):
        return {"centre_id": outcome.value, "state": State.SENT}
    if isinstance(outcome, Refused):
        return {"centre_id": "", "state": State.REFUSED, "error_code": outcome.code[:10]}
    return {"centre_id": "", "state": State.UNKNOWN}


def _adopt_early_receipts(attempts: Iterable[Attempt], *, centre: str, now: datetime) -> None:
    """Give receipts that overtook their answer to the parts that now have their ids."""
    ids = [
        outcome.value
        for attempt in attempts
        for _, outcome in attempt.outcomes
        if isinstance(outcome, Done)
    ]
    early = EarlyReceipt.objects.filter(
        centre=centre, centre_id__in=ids, received_at__gt=now - EARLY_RECEIPT_MATCHES
    )
    for receipt in early:
        part = Part.objects.filter(centre=centre, centre_id=receipt.centre_id).latest("id")
        if part.state not in SETTLED:
            _mark(part, State(receipt.state), receipt.error_code, receipt.received_at)
            part.save(update_fields=["state", "error_code", "receipt_at"])
        receipt.delete()


def _mark(part: Part, state: State, error_code: str, at: datetime) -> None:
    part.state, part.error_code, part.receipt_at = state, error_code, at


def _conclude(messages: Sequence[Message], *, now: datetime) -> None:
    """Let messages that were sent as a whole follow the receipts of their parts, and save all."""
    states = defaultdict(list)
    parts = Part.objects.filter(message__in=[message.pk for message in messages])
    for message_id, state in parts.values_list("message_id", "state"):
        states[message_id].append(State(state))
    for message in messages:
        if message.sent_at is None or message.state == State.REFUSED:
            continue
        state = rules.after_receipts(states[message.pk])
        if state != message.state:
            _end(message, state, now)
    _save(messages)


def _end(message: Message, state: State, now: datetime) -> None:
    """No further attempt will be made, so a secret has no reason to stay."""
    message.state = state
    message.settled_at = now
    if message.is_secret:
        message.text = ""


def _save(messages: Sequence[Message]) -> None:
    fields = ["state", "text", "unknown_attempts", "next_try_at", "last_error", "sent_at"]
    Message.objects.bulk_update(messages, [*fields, "settled_at"])


def _early(receipt: PartReceipt, *, centre: str, now: datetime) -> EarlyReceipt:
    return EarlyReceipt(
        centre=centre,
        centre_id=receipt.centre_id,
        state=receipt.state,
        error_code=receipt.error_code,
        received_at=now,
    )


def _fingerprint(message: Incoming, centre: str) -> bytes:
    said = (
        centre,
        message.source,
        message.destination,
        str(message.reference),
        str(message.parts_total),
        str(message.part_number),
        message.text,
    )
    return hashlib.sha256("\0".join(said).encode("utf-8", "surrogatepass")).digest()

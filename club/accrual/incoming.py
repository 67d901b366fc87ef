"""What an adapter hands in, and the checks before it is written. Pure: no database, no clock."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from club.accrual.rows import as_json
from club.accrual.rules.event_types import (
    EVENT_TYPES,
    Amount,
    EventType,
    cancelled_by,
    faults,
    is_kind,
    renamed,
)
from club.accrual.rules.facts import AMOUNT_TIYIN_MAX
from club.clock import day_of
from club.subscribers import rules as subscribers

AHEAD_MAX = timedelta(minutes=5)  # clocks differ; further ahead is a mistake
YEAR_MIN = 2000  # nobody was a subscriber then; some years have no such moment in Tashkent
JOINING_SLACK = timedelta(days=1)
"""What happened longer before somebody joined was the doing of who had the number before."""
SOURCE_CHARS_MAX = 40
EXTERNAL_ID_CHARS_MAX = 100
CHANNEL_CHARS_MAX = 40
DETAILS_CHARS_MAX = 4_000
NUL = "\\u0000"  # as JSON writes what PostgreSQL does not keep
UNREADABLE = "the details are too long or hold what no text may hold"

Key = tuple[str, str, str]
"""Source, external id, kind: what makes an event the same event."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """One event as an adapter read it, amounts in tiyin.

    `kind` is a type of event, or `event_types.cancellation_of` one; `external_id` of a cancellation
    is that of the event it cancels. A cancellation may leave `msisdn` empty and `amount_tiyin` zero
    where its source does not repeat them. `line` and `raw` say where it stood and how it read, for
    the case that it is rejected.
    """

    source: str
    kind: str
    external_id: str
    msisdn: str
    occurred_at: datetime
    amount_tiyin: int
    channel: str
    details: dict[str, object]
    line: int | None = None
    raw: str = ""

    @property
    def key(self) -> Key:
        return self.source, self.external_id, self.kind


class Accepted(NamedTuple):
    """An incoming event that passed every check, with what is written of it.

    `numbers` are the phone numbers that stood in its details, by the fields that take the ids of
    their subscribers; nothing else is kept of them.
    """

    incoming: Incoming
    key: Key
    msisdn: str
    fingerprint: bytes
    details: str
    numbers: tuple[tuple[str, str], ...] = ()


class Refusal(NamedTuple):
    code: str
    reason: str


def checked(one: Incoming, *, now: datetime) -> Accepted | Refusal:
    """The event as it will be written, or what is wrong with it. Of a type that nobody has declared
    only the envelope is looked at."""
    event_type = EVENT_TYPES.get(one.kind)
    if event_type is None and not is_kind(one.kind):
        return Refusal("bad_type", "a type is made of small letters, digits and _, like payment")
    if (unfit := _unfit(one, event_type, now=now)) is not None:
        return unfit

    msisdn = ""
    if one.msisdn or event_type is not None:
        try:
            msisdn = subscribers.msisdn(one.msisdn)
        except subscribers.BadMsisdn as error:
            return Refusal(error.code, error.message)
    numbers: tuple[tuple[str, str], ...] = ()
    if event_type is not None and event_type.fields:
        read = _read(one, event_type, msisdn=msisdn)
        if isinstance(read, Refusal):
            return read
        one, numbers = read
    try:
        details = as_json(one.details)
    except ValueError:  # half of a surrogate pair
        return Refusal("bad_details", UNREADABLE)
    if len(details) > DETAILS_CHARS_MAX or NUL in details:
        return Refusal("bad_details", UNREADABLE)
    fingerprint = _fingerprint(one, event_type, msisdn=msisdn)
    return Accepted(one, one.key, msisdn, fingerprint, details, numbers)


def _unfit(one: Incoming, event_type: EventType | None, *, now: datetime) -> Refusal | None:
    """What is wrong with what every event has."""
    channel_chars_min = 1 if event_type is not None and event_type.needs_channel else 0
    for name, text, chars_min, chars_max in (
        ("source", one.source, 1, SOURCE_CHARS_MAX),
        ("external id", one.external_id, 1, EXTERNAL_ID_CHARS_MAX),
        ("channel", one.channel, channel_chars_min, CHANNEL_CHARS_MAX),
    ):
        if not chars_min <= len(text) <= chars_max or not text.isprintable():
            what = f"{chars_min} to {chars_max} printable characters"
            return Refusal("bad_text", f"the {name} needs {what}")
    if one.occurred_at.tzinfo is None:
        return Refusal("no_zone", "the moment has no time zone")
    if one.occurred_at > now + AHEAD_MAX:
        return Refusal("in_the_future", "the moment lies in the future")
    if one.occurred_at.year < YEAR_MIN:
        return Refusal("too_old", f"the moment lies before {YEAR_MIN}")
    amount = event_type.amount if event_type is not None else Amount.OPTIONAL
    if one.amount_tiyin < 0 or (amount is Amount.REQUIRED and one.amount_tiyin == 0):
        return Refusal("not_positive", "the amount must be more than zero")
    if one.amount_tiyin > AMOUNT_TIYIN_MAX:
        return Refusal("too_large", f"the amount is over {AMOUNT_TIYIN_MAX // 100:,} soʻm")
    if one.amount_tiyin and amount is Amount.NONE:
        return Refusal("amount_not_expected", f"an event of type {one.kind} has no amount")
    return None


def _read(
    one: Incoming, event_type: EventType, *, msisdn: str
) -> tuple[Incoming, tuple[tuple[str, str], ...]] | Refusal:
    """The event with its fields under their names of today and without anybody's phone number, and
    those numbers; or what is wrong with its fields, all of it at once."""
    details = renamed(event_type, one.details)
    wrong = faults(event_type, details)
    numbers = []
    for name, field in event_type.fields.items():
        if not field.number_in or field.number_in not in details:
            continue
        try:
            other = subscribers.msisdn(str(details.pop(field.number_in)))
        except subscribers.BadMsisdn:
            wrong.append(f"{field.number_in} is not a phone number")
            continue
        if other == msisdn:
            wrong.append(f"{field.number_in} is the subscriber's own number")
        numbers.append((name, other))
    if wrong:
        return Refusal("bad_field", "; ".join(wrong))
    return replace(one, details=details), tuple(numbers)


def _fingerprint(one: Incoming, event_type: EventType | None, *, msisdn: str) -> bytes:
    """The essentials: the same payment by feed and by register is a duplicate, not a conflict.

    The two clocks differ by seconds, so only the business day counts. A cancellation repeated
    another day is still the same cancellation.
    """
    on = "" if cancelled_by(one.kind) else day_of(one.occurred_at).isoformat()
    essentials = f"{msisdn}|{one.amount_tiyin}|{on}"
    if event_type is not None and event_type.fields:
        essentials += as_json([one.details[name] for name in event_type.essential])
    return hashlib.sha256(essentials.encode()).digest()

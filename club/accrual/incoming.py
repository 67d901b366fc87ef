"""What an adapter hands in, and the checks before it is written. Pure: no database, no clock."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from club.accrual.models import Kind
from club.accrual.rows import as_json
from club.accrual.rules.facts import AMOUNT_TIYIN_MAX
from club.clock import day_of
from club.subscribers import rules as subscribers

AHEAD_MAX = timedelta(minutes=5)  # clocks differ; further ahead is a mistake
JOINING_SLACK = timedelta(days=1)
"""What happened longer before somebody joined was the doing of who had the number before."""
SOURCE_CHARS_MAX = 40
EXTERNAL_ID_CHARS_MAX = 100
CHANNEL_CHARS_MAX = 40
DETAILS_CHARS_MAX = 4_000
NUL = "\\u0000"  # as JSON writes what PostgreSQL does not keep
KINDS = frozenset(Kind.values)  # the enumeration would list them anew for every event

Key = tuple[str, str, str]
"""Source, external id, kind: what makes an event the same event."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """One event as an adapter read it, amounts in tiyin.

    `external_id` of a cancellation is that of the payment it cancels. A cancellation may leave
    `msisdn` empty and `amount_tiyin` zero where its source does not repeat them. `line` and `raw`
    say where it stood and how it read, for the case that it is rejected.
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
    """An incoming event that passed every check, with what is written of it."""

    incoming: Incoming
    key: Key
    msisdn: str
    fingerprint: bytes
    details: str


@dataclass(frozen=True, slots=True)
class Refusal:
    code: str
    reason: str


def checked(one: Incoming, *, now: datetime) -> Accepted | Refusal:
    """The event as it will be written, or the first thing that is wrong with it."""
    is_payment = one.kind == Kind.PAYMENT
    if one.kind not in KINDS:
        return Refusal("unknown_kind", f"an event is one of {', '.join(Kind.values)}")
    for name, text, chars_max in (
        ("source", one.source, SOURCE_CHARS_MAX),
        ("external id", one.external_id, EXTERNAL_ID_CHARS_MAX),
        ("channel", one.channel, CHANNEL_CHARS_MAX),
    ):
        if not 0 < len(text) <= chars_max or not text.isprintable():
            return Refusal("bad_text", f"the {name} needs 1 to {chars_max} printable characters")
    if one.occurred_at.tzinfo is None:
        return Refusal("no_zone", "the moment has no time zone")
    if one.occurred_at > now + AHEAD_MAX:
        return Refusal("in_the_future", "the moment lies in the future")
    if one.amount_tiyin < 0 or (is_payment and one.amount_tiyin == 0):
        return Refusal("not_positive", "the amount must be more than zero")
    if one.amount_tiyin > AMOUNT_TIYIN_MAX:
        return Refusal("too_large", f"the amount is over {AMOUNT_TIYIN_MAX // 100:,} soʻm")

    msisdn = ""
    if one.msisdn or is_payment:
        try:
            msisdn = subscribers.msisdn(one.msisdn)
        except subscribers.BadMsisdn as error:
            return Refusal(error.code, error.message)
    try:
        details = as_json(one.details)
    except ValueError:  # half of a surrogate pair
        details = NUL
    if len(details) > DETAILS_CHARS_MAX or NUL in details:
        return Refusal("bad_details", "the details are too long or hold what no text may hold")
    return Accepted(one, one.key, msisdn, _fingerprint(one, msisdn=msisdn), details)


def _fingerprint(one: Incoming, *, msisdn: str) -> bytes:
    """The essentials: the same payment by feed and by register is a duplicate, not a conflict.

    The two clocks differ by seconds, so only the business day counts. A cancellation repeated
    another day is still the same cancellation.
    """
    on = day_of(one.occurred_at).isoformat() if one.kind == Kind.PAYMENT else ""
    return hashlib.sha256(f"{msisdn}|{one.amount_tiyin}|{on}".encode()).digest()

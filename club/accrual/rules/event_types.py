"""What can happen: one declaration for each type of event, and nothing else to write for a new one.

The inbox takes a type that is declared here, rules may ask its fields, both compilers know them, and
`docs/events.md` is written from here. What nobody declared is kept and brings nothing.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

Value = str | int | bool

CANCELLATION = "cancellation"
PAYMENT = "payment"
NAME = re.compile(r"[a-z][a-z0-9_]{0,19}")
TEXT_CHARS_MAX = 200
INTEGER_MAX = 2**53  # the largest integer that every sender's JSON carries exactly
WORDS: Mapping[type, str] = {
    str: f"a text of 1 to {TEXT_CHARS_MAX} printable characters",
    int: "a whole number",
    bool: "true or false",
}


class Amount(StrEnum):
    """Whether an event carries money; nothing is written as 0 and is a missing fact."""

    REQUIRED = "required"
    OPTIONAL = "optional"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Field:
    """One value in an event's details that rules may ask about.

    `formerly` is its name in older versions of the type. `number_in` names what the sender writes in
    its place: somebody else's phone number, of which only the subscriber's id is kept.
    """

    kind: type[Value]
    is_required: bool = False
    formerly: str = ""
    number_in: str = ""

    def fits(self, value: object) -> bool:
        """Whether it is a value of this field: of the very type, and no larger than a rule's."""
        if type(value) is not self.kind:  # not isinstance: True is an int
            return False
        if isinstance(value, str):
            return 0 < len(value) <= TEXT_CHARS_MAX and value.isprintable()
        return abs(value) <= INTEGER_MAX


@dataclass(frozen=True, slots=True)
class EventType:
    """`version` is what senders may name; it grows when a field is added or gets another name. An
    older version is read by `Field.formerly`, of a newer one what is declared here. `is_own` types are
    made by the club itself (`own_events.py`)."""

    name: str
    version: int = 1
    amount: Amount = Amount.NONE
    needs_channel: bool = False
    is_own: bool = False
    fields: Mapping[str, Field] = field(default_factory=dict)

    @property
    def essential(self) -> list[str]:
        """The fields that tell a duplicate from a conflict: those that every version has."""
        return [name for name, one in self.fields.items() if one.is_required]


def text(*, is_required: bool = False) -> Field:
    return Field(str, is_required)


def number(*, is_required: bool = False) -> Field:
    return Field(int, is_required)


EVENT_TYPES: dict[str, EventType] = {
    one.name: one
    for one in (
        EventType(PAYMENT, amount=Amount.REQUIRED, needs_channel=True),
        EventType(
            "charge",  # for usage, as a subscription fee, …
            amount=Amount.REQUIRED,
            fields={"service": text(is_required=True)},
        ),
        EventType("activation", amount=Amount.OPTIONAL, fields={"tariff_to": text()}),
        EventType(
            "tariff_change",
            amount=Amount.OPTIONAL,
            fields={"tariff_from": text(), "tariff_to": text(is_required=True)},
        ),
        EventType("tenure", is_own=True),
        EventType("birthday", is_own=True),
        EventType("app_visit", is_own=True, fields={"platform": text()}),
        EventType("participation", fields={"activity": text(is_required=True), "result": text()}),
        EventType(
            "referral",
            fields={"referral_code": text(), "friend_id": Field(int, number_in="friend_msisdn")},
        ),
        EventType(
            "partner_purchase",
            amount=Amount.REQUIRED,
            fields={"partner": text(is_required=True), "outlet": text(), "category": text()},
        ),
        EventType("card_linked", fields={"bank": text(), "payment_system": text()}),
        EventType("survey", fields={"survey": text(is_required=True), "score": number()}),
        EventType("month_closed", fields={"lowest_balance_tiyin": number(is_required=True)}),
    )
}


# ---- cancellations ---------------------------------------------------------------------------
def cancellation_of(name: str) -> str:
    """The kind under which the inbox knows that an event of this type was cancelled: one of its
    own for each type, for two may have one external id.

    >>> cancellation_of("payment"), cancellation_of("charge")
    ('cancellation', 'cancellation:charge')
    """
    return CANCELLATION if name == PAYMENT else f"{CANCELLATION}:{name}"


CANCELLATION_OF_E = (
    "case e.kind when 'payment' then 'cancellation' else 'cancellation:' || e.kind end"
)
"""The same of the event `e` of a statement; of a cancellation it is the kind of none."""


@lru_cache(maxsize=1_000)
def cancelled_by(kind: str) -> str | None:
    """The type that a cancellation cancels; None for what is none.

    >>> [cancelled_by(kind) for kind in ("cancellation", "cancellation:charge", "charge")]
    ['payment', 'charge', None]
    """
    word, _, name = kind.partition(":")
    return (name or PAYMENT) if word == CANCELLATION else None


def is_kind(kind: str) -> bool:
    """Whether it can be a type or a cancellation of one, known or not.

    >>> [is_kind(kind) for kind in ("charge", "cancellation:charge", "Charge", "cancellation:")]
    [True, True, False, False]
    """
    word, colon, name = kind.partition(":")
    if not colon:
        return bool(NAME.fullmatch(word))
    return word == CANCELLATION and name != PAYMENT and bool(NAME.fullmatch(name))


def is_own(type_: str) -> bool:
    """Whether the club makes events of this type itself.

    >>> [is_own(name) for name in ("birthday", "payment", "moon_landing")]
    [True, False, False]
    """
    return type_ in EVENT_TYPES and EVENT_TYPES[type_].is_own


def known_kinds() -> list[str]:
    """Everything that is decided: the declared types and their cancellations."""
    return [*EVENT_TYPES, *map(cancellation_of, EVENT_TYPES)]


# ---- fields ----------------------------------------------------------------------------------
def fields_of(types: Iterable[EventType]) -> dict[str, type[Value]]:
    """Every declared field with its type. Raises TypeError where two types of event differ on one."""
    found: dict[str, type[Value]] = {}
    for event_type in types:
        for name, one in event_type.fields.items():
            if found.setdefault(name, one.kind) is not one.kind:
                raise TypeError(f"{name} of {event_type.name} has another type elsewhere")
    return found


def renamed(event_type: EventType, details: Mapping[str, object]) -> dict[str, object]:
    """The details with their fields under the names of this version."""
    found = dict(details)
    for name, one in event_type.fields.items():
        if one.formerly in found:
            found.setdefault(name, found.pop(one.formerly))
    return found


def faults(event_type: EventType, details: Mapping[str, object]) -> list[str]:
    """What is wrong with the fields that are required, a sentence each."""
    return [
        f"{name} {'is not' if name in details else 'is missing: it is'} {WORDS[one.kind]}"
        for name, one in event_type.fields.items()
        if one.is_required and not one.fits(details.get(name))
    ]


def facts_in(kind: str, details: Mapping[str, object]) -> dict[str, Value]:
    """What rules may ask of the details: the declared fields that are what they should be. All else
    stays where it is, and is no fact."""
    event_type = EVENT_TYPES.get(kind)
    fields = event_type.fields if event_type else {}
    return {
        name: value  # type: ignore[misc]  # `fits` has looked at its type
        for name, one in fields.items()
        if one.fits(value := details.get(name))
    }


def as_markdown() -> str:
    """The table of `docs/events.md`."""
    rows = [
        f"| `{one.name}` | {one.version} | {one.amount.value} | {_fields(one) or '–'} |"
        for one in EVENT_TYPES.values()
    ]
    return "\n".join(
        ["| type | version | `amount_tiyin` | `details` |", "|---|---|---|---|", *rows, ""]
    )


def _fields(event_type: EventType) -> str:
    told = []
    for name, one in event_type.fields.items():
        kind = (
            "phone number"
            if one.number_in
            else {str: "text", int: "number", bool: "yes/no"}[one.kind]
        )
        required = ", required" if one.is_required else ""
        told.append(f"`{one.number_in or name}` ({kind}{required})")
    return ", ".join(told)

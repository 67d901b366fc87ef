"""Delivery receipts: what the centre tells later about a message it took.

Receipts come in two forms and in every vendor's dialect. The TLVs are believed first, then the
text; whatever cannot be read is left out. Reading never raises: a receipt that we refused would be
sent again and again.
"""

import re
from dataclasses import dataclass
from typing import Final

from club.integrations.smsc.pdu import ShortMessage, Tag
from club.messages.rules import State

KIND_MASK, RECEIPT = 0x3C, 0x04

STATES: Final = {
    2: State.DELIVERED,
    3: State.UNDELIVERED,  # expired
    4: State.UNDELIVERED,  # deleted
    5: State.UNDELIVERED,  # undeliverable
    7: State.UNKNOWN,
    8: State.UNDELIVERED,  # rejected
}
"""message_state as ours. 1 (en route) and 6 (accepted) are no end and not listed."""
WORDS: Final = {
    "DELIVRD": 2, "EXPIRED": 3, "DELETED": 4, "UNDELIV": 5, "UNKNOWN": 7, "REJECTD": 8,
}  # fmt: skip
FIELD: Final = re.compile(r"\b(id|stat|err):\s*([^\s]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Receipt:
    """`state` is None where the message is still on its way; `centre_id` may be empty."""

    centre_id: str
    state: State | None
    error_code: str


def read(message: ShortMessage, *, id_form: str = "text") -> Receipt | None:
    """The receipt that this deliver_sm is; None where it is a message from a subscriber."""
    if message.esm_class & KIND_MASK != RECEIPT:
        return None
    # A NUL ends a field here as it would in a TLV; no database takes one either.
    words = message.octets.decode("latin-1").replace("\0", " ")
    said = {name.lower(): value for name, value in FIELD.findall(words)}

    told_id = (message.tlv(Tag.RECEIPTED_MESSAGE_ID) or b"").split(b"\0")[0].decode("latin-1")
    told_state = message.tlv(Tag.MESSAGE_STATE) or b""
    state = told_state[0] if told_state else WORDS.get(said.get("stat", "").upper()[:7], 0)
    return Receipt(
        centre_id=canonical_id(told_id or said.get("id", ""), id_form)[:66],
        state=STATES.get(state),
        error_code=said.get("err", "")[:10] or _network_error(message),
    )


def canonical_id(centre_id: str, form: str) -> str:
    """One spelling of a centre's id: many answer in hexadecimal and receipt in decimal.

    `form` says how this side spells it: "text" leaves it alone, "hex" and "decimal" are read as
    numbers. An id that is no such number stays as it is.

    >>> canonical_id("000000FF", "hex"), canonical_id("255", "decimal"), canonical_id("x", "hex")
    ('255', '255', 'x')
    """
    base = {"hex": 16, "decimal": 10}.get(form)
    centre_id = centre_id.strip()
    if base is None or not re.fullmatch(r"[0-9a-fA-F]+", centre_id):
        return centre_id
    try:
        return str(int(centre_id, base))
    except ValueError:
        return centre_id


def _network_error(message: ShortMessage) -> str:
    """The network's own cause: one octet of network type, two of code."""
    value = message.tlv(Tag.NETWORK_ERROR_CODE) or b""
    return str(int.from_bytes(value[1:3], "big")) if len(value) == 3 else ""

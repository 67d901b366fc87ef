"""Text as the handset reads it: GSM 03.38 where it fits, UCS-2 where it does not, cut into parts.

Uzbek in Latin script is written with ʻ (U+02BB) and ʼ (U+02BC). Neither is in GSM 03.38, so one of
them turns a message of 160 characters into three of 67. A text that becomes GSM by folding such
signs is folded; a text that needs UCS-2 anyway (any Cyrillic) keeps its typography.
"""

from dataclasses import dataclass
from typing import Final

from club.errors import ClubError
from club.integrations.smsc.pdu import ShortMessage, Tag

GSM, LATIN_1, UCS_2 = 0x00, 0x03, 0x08
UDH_INDICATOR: Final = 0x40
PARTS_MAX: Final = 10
"""A longer message is a mistake of its author, and money: 670 Cyrillic characters fit."""

SEPTETS_MAX, SEPTETS_OF_PART_MAX = 160, 153
UNITS_MAX, UNITS_OF_PART_MAX = 70, 67

BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION: Final = {
    "\f": 0x0A, "^": 0x14, "{": 0x28, "}": 0x29, "\\": 0x2F,
    "[": 0x3C, "~": 0x3D, "]": 0x3E, "|": 0x40, "€": 0x65,
}  # fmt: skip
ESCAPE: Final = 0x1B
SEPTETS: Final = {
    **{letter: bytes([code]) for code, letter in enumerate(BASIC) if code != ESCAPE},
    **{letter: bytes([ESCAPE, code]) for letter, code in EXTENSION.items()},
}
EXTENDED: Final = {code: letter for letter, code in EXTENSION.items()}

FOLDED: Final = str.maketrans(
    {
        **dict.fromkeys("ʻʼ‘’ʹ′`´", "'"),
        **dict.fromkeys("“”„«»", '"'),
        **dict.fromkeys("‐‑‒–—−", "-"),
        **dict.fromkeys("\u00a0\u2009\u202f", " "),
        "…": "...",
    }
)


class TextTooLong(ClubError):
    code = "text_too_long"


@dataclass(frozen=True)
class Piece:
    """What one submit_sm carries: `octets` includes the header that numbers the parts."""

    data_coding: int
    esm_class: int
    octets: bytes


@dataclass(frozen=True)
class Received:
    """One received part: `total` is 1 where the message is whole."""

    reference: int
    total: int
    number: int
    text: str


def fold(text: str) -> str:
    """The text that will be read on the handset: typography gives way only where that saves UCS-2.

    >>> fold("Assalomu alaykum! 5 000 soʻm “olindi”")
    'Assalomu alaykum! 5 000 so\\'m "olindi"'
    >>> fold("Сизга 5 000 сўм – «совға»")
    'Сизга 5 000 сўм – «совға»'
    """
    folded = text.translate(FOLDED)
    return folded if is_gsm(folded) else text


def is_gsm(text: str) -> bool:
    return all(letter in SEPTETS for letter in text)


def split(text: str, *, reference: int) -> list[Piece]:
    """The parts of a message. One part has no header; more carry an 8-bit reference (UDH).

    The same text and reference always give the same parts, so a message that was interrupted goes
    on with its missing parts. Raises TextTooLong above PARTS_MAX parts.
    """
    text = fold(text)
    if is_gsm(text):
        coding, letters = GSM, [SEPTETS[letter] for letter in text]
        whole_max, part_max = SEPTETS_MAX, SEPTETS_OF_PART_MAX
    else:
        coding, letters = UCS_2, [letter.encode("utf-16-be", "replace") for letter in text]
        whole_max, part_max = UNITS_MAX * 2, UNITS_OF_PART_MAX * 2

    bodies = _fill(letters, whole_max)
    if len(bodies) == 1:
        return [Piece(coding, 0, bodies[0])]

    bodies = _fill(letters, part_max)
    if len(bodies) > PARTS_MAX:
        raise TextTooLong(f"{len(bodies)} parts, at most {PARTS_MAX}", parts=len(bodies))
    return [
        Piece(coding, UDH_INDICATOR, bytes([5, 0, 3, reference % 256, len(bodies), number]) + body)
        for number, body in enumerate(bodies, 1)
    ]


def _fill(letters: list[bytes], octets_max: int) -> list[bytes]:
    """Letters into as few bodies as hold them. A letter of two units is never cut in two."""
    bodies, body = [], bytearray()
    for letter in letters:
        if len(body) + len(letter) > octets_max:
            bodies.append(bytes(body))
            body.clear()
        body += letter
    return [*bodies, bytes(body)]


def received(message: ShortMessage) -> Received:
    """The text and place of what came in a submit_sm or deliver_sm. Never raises."""
    octets = message.octets or message.tlv(Tag.MESSAGE_PAYLOAD) or b""
    header = b""
    if message.esm_class & UDH_INDICATOR and octets:
        header, octets = octets[1 : 1 + octets[0]], octets[1 + octets[0] :]
    reference, total, number = _place(header) or _sar_place(message) or (0, 1, 1)
    return Received(reference, total, number, decode(message.data_coding, octets))


def decode(data_coding: int, octets: bytes) -> str:
    """Octets as text; what cannot be read becomes U+FFFD, never an error."""
    if data_coding == UCS_2:
        return octets.decode("utf-16-be", "replace")
    if data_coding == GSM:
        return _from_septets(octets)
    return octets.decode("latin-1")


def _from_septets(octets: bytes) -> str:
    letters = []
    codes = iter(octets)
    for code in codes:
        if code == ESCAPE:
            letters.append(EXTENDED.get(next(codes, -1), "\ufffd"))
        else:
            letters.append(BASIC[code] if code < len(BASIC) else "\ufffd")
    return "".join(letters)


def _place(header: bytes) -> tuple[int, int, int] | None:
    """Reference, total and number out of a user data header's elements; None where it has none."""
    at = 0
    while at + 2 <= len(header):
        element, length = header[at], header[at + 1]
        value = header[at + 2 : at + 2 + length]
        if element == 0x00 and len(value) == 3:
            return _sane(value[0], value[1], value[2])
        if element == 0x08 and len(value) == 4:
            return _sane(value[0] << 8 | value[1], value[2], value[3])
        at += 2 + length
    return None


def _sar_place(message: ShortMessage) -> tuple[int, int, int] | None:
    reference, total, number = (
        int.from_bytes(message.tlv(tag) or b"", "big")
        for tag in (Tag.SAR_REFERENCE, Tag.SAR_TOTAL, Tag.SAR_NUMBER)
    )
    return _sane(reference & 0xFFFF, total & 0xFF, number & 0xFF)


def _sane(reference: int, total: int, number: int) -> tuple[int, int, int] | None:
    return (reference, total, number) if 1 <= number <= total else None

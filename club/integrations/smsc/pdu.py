"""The SMPP 3.4 codec: octets to PDUs and back. Pure: it knows no socket and no clock.

What we write is held to the letter of the specification; what we read may be anything, and what
cannot be read ends as a `BadPdu` that says how to answer it. TLVs stay raw octets, in their order:
a vendor's own ones (USSD dialogues live in 0x0501 and 0x1383) pass through untouched.
"""

from dataclasses import dataclass, field, fields
from enum import IntEnum
from struct import Struct
from typing import Final, TypeAlias

from club.errors import ClubError

HEADER: Final = Struct(">IIII")
TLV_HEADER: Final = Struct(">HH")
PDU_OCTETS_MAX: Final = 70_000
"""The longest PDU there can be is a `message_payload` of 64 KiB; more is a stream out of step."""
SEQUENCE_MAX: Final = 0x7FFFFFFF
ANSWER: Final = 0x80000000
"""The bit that makes an answer of a request's command id."""


class Command(IntEnum):
    BIND_RECEIVER = 0x01
    BIND_TRANSMITTER = 0x02
    SUBMIT_SM = 0x04
    DELIVER_SM = 0x05
    UNBIND = 0x06
    BIND_TRANSCEIVER = 0x09
    ENQUIRE_LINK = 0x15
    GENERIC_NACK = 0x80000000


class Status(IntEnum):
    OK = 0x00
    INVALID_MESSAGE_LENGTH = 0x01
    INVALID_COMMAND_LENGTH = 0x02
    INVALID_COMMAND = 0x03
    NOT_BOUND = 0x04
    SYSTEM_ERROR = 0x08
    INVALID_SOURCE = 0x0A
    INVALID_DESTINATION = 0x0B
    BIND_FAILED = 0x0D
    INVALID_PASSWORD = 0x0E
    QUEUE_FULL = 0x14
    SUBMIT_FAILED = 0x45
    THROTTLED = 0x58
    RECEIVER_TEMPORARY = 0x64  # "try again": the centre keeps the message and comes back
    INVALID_OPTIONAL_PART = 0xC0


class Tag(IntEnum):
    RECEIPTED_MESSAGE_ID = 0x001E
    SAR_REFERENCE = 0x020C
    SAR_TOTAL = 0x020E
    SAR_NUMBER = 0x020F
    NETWORK_ERROR_CODE = 0x0423
    MESSAGE_PAYLOAD = 0x0424
    MESSAGE_STATE = 0x0427
    USSD_SERVICE_OP = 0x0501
    ITS_SESSION_INFO = 0x1383


Tlvs: TypeAlias = tuple[tuple[int, bytes], ...]


class BadPdu(ClubError):
    """Octets that are no PDU we know. `status` is the command_status to answer with."""

    code = "bad_pdu"

    def __init__(self, message: str, *, status: int, command: int = 0, sequence: int = 0) -> None:
        super().__init__(message, status=status, command=command, sequence=sequence)
        self.status = status
        self.command = command
        self.sequence = sequence


def _text(octets_max: int) -> str:
    """A C-octet string; the specification's size counts the closing NUL."""
    name: str = field(default="", metadata={"kind": "text", "octets_max": octets_max})
    return name


def _octet(default: int = 0) -> int:
    number: int = field(default=default, metadata={"kind": "octet", "octets_max": 1})
    return number


def _octets(octets_max: int) -> bytes:
    octets: bytes = field(default=b"", metadata={"kind": "octets", "octets_max": octets_max})
    return octets


@dataclass(frozen=True)
class Empty:
    """enquire_link, unbind, their answers, and generic_nack."""


@dataclass(frozen=True)
class Bind:
    system_id: str = _text(16)
    password: str = _text(9)
    system_type: str = _text(13)
    interface_version: int = _octet(0x34)
    address_ton: int = _octet()
    address_npi: int = _octet()
    address_range: str = _text(41)


@dataclass(frozen=True)
class BindAnswer:
    system_id: str = _text(16)
    tlvs: Tlvs = ()


@dataclass(frozen=True)
class ShortMessage:
    """submit_sm and deliver_sm: the same fields in both directions."""

    service_type: str = _text(6)
    source_ton: int = _octet()
    source_npi: int = _octet()
    source: str = _text(21)
    destination_ton: int = _octet()
    destination_npi: int = _octet()
    destination: str = _text(21)
    esm_class: int = _octet()
    protocol_id: int = _octet()
    priority: int = _octet()
    schedule_delivery_time: str = _text(17)
    validity_period: str = _text(17)
    registered_delivery: int = _octet()
    replace_if_present: int = _octet()
    data_coding: int = _octet()
    default_message_id: int = _octet()
    octets: bytes = _octets(254)
    tlvs: Tlvs = ()

    def tlv(self, tag: int) -> bytes | None:
        """The first value of this tag; None where it is absent."""
        return next((value for name, value in self.tlvs if name == tag), None)


@dataclass(frozen=True)
class MessageAnswer:
    """submit_sm_resp and deliver_sm_resp."""

    message_id: str = _text(65)
    tlvs: Tlvs = ()


Body: TypeAlias = Empty | Bind | BindAnswer | ShortMessage | MessageAnswer

BODIES: Final[dict[int, type[Body]]] = {
    Command.BIND_RECEIVER: Bind,
    Command.BIND_TRANSMITTER: Bind,
    Command.BIND_TRANSCEIVER: Bind,
    Command.BIND_RECEIVER | ANSWER: BindAnswer,
    Command.BIND_TRANSMITTER | ANSWER: BindAnswer,
    Command.BIND_TRANSCEIVER | ANSWER: BindAnswer,
    Command.SUBMIT_SM: ShortMessage,
    Command.SUBMIT_SM | ANSWER: MessageAnswer,
    Command.DELIVER_SM: ShortMessage,
    Command.DELIVER_SM | ANSWER: MessageAnswer,
    Command.UNBIND: Empty,
    Command.UNBIND | ANSWER: Empty,
    Command.ENQUIRE_LINK: Empty,
    Command.ENQUIRE_LINK | ANSWER: Empty,
    Command.GENERIC_NACK: Empty,
}
LAYOUTS: Final = {
    kind: tuple(
        (f.name, f.metadata.get("kind", "tlvs"), f.metadata.get("octets_max", 0))
        for f in fields(kind)
    )
    for kind in (Empty, Bind, BindAnswer, ShortMessage, MessageAnswer)
}


@dataclass(frozen=True)
class Pdu:
    command: int
    sequence: int
    body: Body = Empty()
    status: int = 0

    @property
    def is_answer(self) -> bool:
        return bool(self.command & ANSWER)


def encode(pdu: Pdu) -> bytes:
    """The octets of a PDU. A field that does not fit is our own mistake: ValueError."""
    out = bytearray(HEADER.size)
    for name, kind, octets_max in LAYOUTS[type(pdu.body)]:
        value = getattr(pdu.body, name)
        if kind == "text":
            raw = value.encode("latin-1")
            if len(raw) >= octets_max or 0 in raw:
                raise ValueError(f"{name} has more than {octets_max - 1} octets, or a NUL")
            out += raw + b"\0"
        elif kind == "octet":
            out.append(value)
        elif kind == "octets":
            if len(value) > octets_max:
                raise ValueError(f"{name} has more than {octets_max} octets")
            out.append(len(value))
            out += value
        else:
            for tag, octets in value:
                out += TLV_HEADER.pack(tag, len(octets)) + octets
    HEADER.pack_into(out, 0, len(out), pdu.command, pdu.status, pdu.sequence)
    return bytes(out)


def frame_octets(head: bytes) -> int:
    """How long the PDU is that begins with these four octets. Raises BadPdu: the stream is lost."""
    length = int.from_bytes(head[:4], "big")
    if not HEADER.size <= length <= PDU_OCTETS_MAX:
        raise BadPdu(
            f"a PDU of {length} octets", status=Status.INVALID_COMMAND_LENGTH, command=0, sequence=0
        )
    return length


def decode(frame: bytes) -> Pdu:
    """The PDU that these octets are, all of them. Raises BadPdu, never anything else."""
    if len(frame) < HEADER.size or frame_octets(frame) != len(frame):
        raise BadPdu("the length does not fit", status=Status.INVALID_COMMAND_LENGTH)
    _, command, status, sequence = HEADER.unpack_from(frame)
    kind = BODIES.get(command)
    if kind is None:
        raise BadPdu(
            f"unknown command {command:#x}",
            status=Status.INVALID_COMMAND,
            command=command,
            sequence=sequence,
        )
    # An answer that refuses may leave its body out altogether.
    if len(frame) == HEADER.size and command & ANSWER:
        return Pdu(command, sequence, kind(), status)
    try:
        return Pdu(command, sequence, _read_body(kind, frame), status)
    except BadPdu as error:
        error.command, error.sequence = command, sequence
        raise


def _read_body(kind: type[Body], frame: bytes) -> Body:
    values: dict[str, object] = {}
    at = HEADER.size
    for name, how, octets_max in LAYOUTS[kind]:
        if how == "text":
            end = frame.find(b"\0", at, at + octets_max)
            if end < 0:
                raise _cut_short(name)
            values[name] = frame[at:end].decode("latin-1")
            at = end + 1
        elif how == "octet":
            if at >= len(frame):
                raise _cut_short(name)
            values[name] = frame[at]
            at += 1
        elif how == "octets":
            if at >= len(frame) or at + 1 + frame[at] > len(frame):
                raise _cut_short(name)
            values[name] = frame[at + 1 : at + 1 + frame[at]]
            at += 1 + frame[at]
        else:
            values[name] = _read_tlvs(frame, at)
            at = len(frame)
    if at != len(frame):
        raise BadPdu("octets after the last field", status=Status.INVALID_MESSAGE_LENGTH)
    return kind(**values)  # type: ignore[arg-type]  # The layout is made from these very fields.


def _read_tlvs(frame: bytes, at: int) -> Tlvs:
    tlvs = []
    while at < len(frame):
        if at + TLV_HEADER.size > len(frame):
            raise BadPdu("a TLV is cut short", status=Status.INVALID_OPTIONAL_PART)
        tag, length = TLV_HEADER.unpack_from(frame, at)
        at += TLV_HEADER.size
        if at + length > len(frame):
            raise BadPdu("a TLV is cut short", status=Status.INVALID_OPTIONAL_PART)
        tlvs.append((tag, frame[at : at + length]))
        at += length
    return tuple(tlvs)


def _cut_short(name: str) -> BadPdu:
    return BadPdu(f"{name} is cut short or too long", status=Status.INVALID_MESSAGE_LENGTH)

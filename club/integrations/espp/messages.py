"""The messages of ESPP's agent payments as dataclasses, read and written.

Sources. Message numbers, the namespace, the root's attribute `a_01`, the `xsi:type` of `f_01` and
`f_03`, and the fields of 0104010, 0104090, 0104085, 1204010, 1204090, 1204085 and 2204nnn: the
published agent-payment clients. The fields of a cancellation (0104213, 1204213) are published
nowhere; ours repeat those of the document they cancel. Which fields are compulsory, the lengths,
and the numbers of a payment's state are our reading as well.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, get_type_hints

from lxml import etree

from club.integrations.espp import values
from club.integrations.espp.envelope import Envelope, open_envelope
from club.integrations.espp.refusals import BadField, UnknownMessage

MESSAGES = "http://schema.mts.ru/ESPP/AgentPayments/Protocol/Messages/v5_01"
CONSTRAINTS = "http://schema.mts.ru/ESPP/Core/Constraints/v5_01"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
TIMEOUT_S = "60"
"""`a_01` of a check: how long the agent will wait."""


@dataclass(frozen=True)
class Wire:
    """Which field of the XML an attribute travels in, and how it is written there."""

    tag: str
    read: Callable[[str], Any] = values.short_text
    write: Callable[[Any], str] = str


def _any(tag: str) -> Wire:
    return Wire(tag, lambda text: text)


def _sum(tag: str) -> Wire:
    return Wire(tag, values.tiyin, values.sum_text)


def _moment(tag: str) -> Wire:
    return Wire(tag, values.moment, values.moment_text)


@dataclass(frozen=True, kw_only=True)
class Check:
    """May a payment of this sum to this number be taken?"""

    name: ClassVar[str] = "ESPP_0104010"
    phone: Annotated[str, Wire("f_01")]
    amount_tiyin: Annotated[int, _sum("f_02")]
    currency: Annotated[str, Wire("f_03", values.currency)] = values.UZS
    means: Annotated[str, Wire("f_04")] = "1"
    terminal: Annotated[str, Wire("f_05")] = ""
    terminal_type: Annotated[str, Wire("f_06")] = "1"
    agent: Annotated[str, Wire("f_07", values.agent_code)]
    contract: Annotated[str, Wire("f_08")] = ""
    provider: Annotated[str, Wire("f_10")] = ""


@dataclass(frozen=True, kw_only=True)
class Accept:
    """The payment is made: take its document."""

    name: ClassVar[str] = "ESPP_0104090"
    phone: Annotated[str, Wire("f_01")]
    amount_tiyin: Annotated[int, _sum("f_02")]
    currency: Annotated[str, Wire("f_03", values.currency)] = values.UZS
    means: Annotated[str, Wire("f_04")] = "1"
    receipt: Annotated[str, Wire("f_06")] = ""
    payment_id: Annotated[str, Wire("f_07", values.payment_id)]
    paid_at: Annotated[datetime, _moment("f_08")]
    espp_id: Annotated[str, Wire("f_10")] = ""
    agent: Annotated[str, Wire("f_11", values.agent_code)]
    terminal: Annotated[str, Wire("f_12")] = ""
    terminal_type: Annotated[str, Wire("f_13")] = "1"
    terminal_at: Annotated[
        datetime | None, Wire("f_16", values.moment, values.moment_text_with_offset)
    ] = None
    control_code: Annotated[str, _any("f_18")] = ""
    contract: Annotated[str, Wire("f_19")] = ""
    provider: Annotated[str, Wire("f_21")] = ""


@dataclass(frozen=True, kw_only=True)
class AskState:
    """What became of a payment? By the ESPP id, and in our reading by the agent's id as well."""

    name: ClassVar[str] = "ESPP_0104085"
    espp_id: Annotated[str, Wire("f_02")] = ""
    agent: Annotated[str, Wire("f_03", values.agent_code)]
    contract: Annotated[str, Wire("f_04")] = ""
    payment_id: Annotated[str, Wire("f_07", values.payment_id)] = ""


@dataclass(frozen=True, kw_only=True)
class Cancel:
    """Take the payment back: by the agent's id, also before the payment came; or by the ESPP id.

    Number and sum need not be repeated; where they are, they must be the payment's.
    """

    name: ClassVar[str] = "ESPP_0104213"
    phone: Annotated[str, Wire("f_01")] = ""
    amount_tiyin: Annotated[int, _sum("f_02")] = 0
    currency: Annotated[str, Wire("f_03", values.currency)] = values.UZS
    payment_id: Annotated[str, Wire("f_07", values.payment_id)] = ""
    cancelled_at: Annotated[datetime, _moment("f_08")]
    espp_id: Annotated[str, Wire("f_10")] = ""
    agent: Annotated[str, Wire("f_11", values.agent_code)]
    terminal: Annotated[str, Wire("f_12")] = ""
    control_code: Annotated[str, _any("f_18")] = ""
    contract: Annotated[str, Wire("f_19")] = ""


@dataclass(frozen=True, kw_only=True)
class Permitted:
    name: ClassVar[str] = "ESPP_1204010"
    operator: Annotated[str, Wire("f_01")] = ""
    operator_name: Annotated[str, Wire("f_02")] = ""
    espp_id: Annotated[str, Wire("f_05")]
    limit_tiyin: Annotated[int, _sum("f_06")] = 0
    """What the agent may still take. Settlement is not ours: always zero."""


@dataclass(frozen=True, kw_only=True)
class Accepted:
    name: ClassVar[str] = "ESPP_1204090"
    espp_id: Annotated[str, Wire("f_10")] = ""
    accepted_at: Annotated[datetime, _moment("f_13")]
    acceptance: Annotated[str, Wire("f_20")]
    """Our own number of the payment."""


@dataclass(frozen=True, kw_only=True)
class State:
    name: ClassVar[str] = "ESPP_1204085"
    ACCEPTED: ClassVar[str] = "1"
    CANCELLED: ClassVar[str] = "2"
    state: Annotated[str, Wire("f_01")]
    accepted_at: Annotated[datetime, _moment("f_14")]
    acceptance: Annotated[str, Wire("f_21")]


@dataclass(frozen=True, kw_only=True)
class Cancelled:
    name: ClassVar[str] = "ESPP_1204213"
    espp_id: Annotated[str, Wire("f_10")] = ""
    accepted_at: Annotated[datetime, _moment("f_13")]
    acceptance: Annotated[str, Wire("f_20")]


@dataclass(frozen=True, kw_only=True)
class _Refusal:
    name: ClassVar[str]
    number: Annotated[int, Wire("f_01", int)]
    text: Annotated[str, _any("f_02")] = ""


class CheckRefused(_Refusal):
    name = "ESPP_2204010"


class AcceptRefused(_Refusal):
    name = "ESPP_2204090"


class StateRefused(_Refusal):
    name = "ESPP_2204085"


class CancelRefused(_Refusal):
    name = "ESPP_2204213"


Request = Check | Accept | AskState | Cancel
Refusal = CheckRefused | AcceptRefused | StateRefused | CancelRefused
Answer = Permitted | Accepted | State | Cancelled | Refusal
Message = Request | Answer

REQUESTS: dict[str, type[Request]] = {each.name: each for each in (Check, Accept, AskState, Cancel)}
ANSWERS: dict[str, type[Answer]] = {
    each.name: each
    for each in (
        *(Permitted, Accepted, State, Cancelled),
        *(CheckRefused, AcceptRefused, StateRefused, CancelRefused),
    )
}
REFUSALS: dict[str, type[Refusal]] = {
    Check.name: CheckRefused,
    Accept.name: AcceptRefused,
    AskState.name: StateRefused,
    Cancel.name: CancelRefused,
}
KINDS: dict[str, type[Message]] = {**REQUESTS, **ANSWERS}
WIRES: dict[type[Message], dict[str, Wire]] = {
    kind: {
        name: hint.__metadata__[0]
        for name, hint in get_type_hints(kind, include_extras=True).items()
        if hasattr(hint, "__metadata__")
    }
    for kind in KINDS.values()
}


def parse(body: bytes) -> Message:
    """Raises Unreadable (also UnknownMessage), BadField or WrongCurrency."""
    return read(open_envelope(body))


def read(envelope: Envelope) -> Message:
    kind = KINDS.get(envelope.name)
    if kind is None:
        raise UnknownMessage("this is not a message of agent payments that we know")
    found: dict[str, Any] = {}
    for name, wire in WIRES[kind].items():
        if text := envelope.fields.get(wire.tag, ""):
            try:
                found[name] = wire.read(text)
            except BadField as error:
                raise BadField(f"{wire.tag}: {error.message}") from error
            except ValueError as error:
                raise BadField(f"{wire.tag}: a whole number is expected") from error
        elif not hasattr(kind, name):  # no default
            raise BadField(f"{wire.tag}: this field is compulsory")
    return kind(**found)


def write(message: Message) -> bytes:
    """The message in UTF-8, with its fields in the order of their numbers."""
    root = etree.Element(
        f"{{{MESSAGES}}}{message.name}",
        nsmap={None: MESSAGES, "espp-constraints": CONSTRAINTS, "xsi": XSI},
    )
    if isinstance(message, Check):
        root.set("a_01", TIMEOUT_S)
    for tag, text in sorted(texts(message).items()):
        child = etree.SubElement(root, f"{{{MESSAGES}}}{tag}")
        child.text = text
        if isinstance(message, Check | Accept | Cancel) and tag in FORMATS:
            child.set(f"{{{XSI}}}type", FORMATS[tag])
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


FORMATS = {"f_01": "espp-constraints:PHN_CODE_fmt_01", "f_03": "espp-constraints:CUR_fmt_01"}


def texts(message: Message) -> dict[str, str]:
    """The fields of a message as they are written, those without a value left out."""
    return {
        wire.tag: wire.write(value)
        for name, wire in WIRES[type(message)].items()
        if (value := getattr(message, name)) not in (None, "")
    }

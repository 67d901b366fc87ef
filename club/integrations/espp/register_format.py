"""The daily register: `comparePacket` XML, or the same lines as a semicolon CSV.

Published agent-payment clients write a line as
`agent;ESPP id;time;agent's payment id;terminal;phone;operator;account;sum;currency;means;debt`
(operator and account may be empty), in `<p id="1">…</p>` under `<payments>`, after a `<summary>`
with contract, period, number of payments and totals. The CSV is our reading: those lines alone,
in UTF-8 or windows-1251, with or without a byte order mark and a heading.

Both are read as a stream and in bounded memory. What cannot be read becomes a line with a
problem, never an exception: the lines around it are good.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import BinaryIO, NamedTuple, TextIO

from lxml import etree

from club.errors import ClubError
from club.integrations.espp import values
from club.integrations.espp.envelope import BOM, DECLARED_ENCODING, ENCODINGS, NAMESPACES
from club.integrations.espp.refusals import BadEncoding, BadField, TooLarge, Unreadable

LINE_BYTES_MAX = 2_000
READ_BYTES = 256 * 1024
RECONCILIATION = f"{NAMESPACES}AgentPayments/Registries/Reconciliation/v5_02"
HEADING = "agent;espp_id;time;payment_id;terminal;phone;operator;account;sum;currency;means;debt"
COLUMNS = HEADING.count(";") + 1


class AgentPayment(NamedTuple):
    """One line of a register. `msisdn` as the agent writes it: the inbox says what it refuses."""

    agent: str
    payment_id: str
    paid_at: datetime
    msisdn: str
    amount_tiyin: int
    espp_id: str = ""
    terminal: str = ""
    operator: str = ""
    account: str = ""
    means: str = "1"
    debt_tiyin: int = 0
    """The sum less the agent's commission. Settlement is not ours: carried, not used."""


class Line(NamedTuple):
    """`number` counts payments in XML, lines of the file (heading included) in CSV; from 1."""

    number: int
    text: str
    problem: ClubError | None = None


class Summary(NamedTuple):
    """What `<summary>` says of its packet; None where it says nothing."""

    payments: int | None = None
    sum_tiyin: int | None = None


# ---- one line --------------------------------------------------------------------------------


def line_of(payment: AgentPayment) -> str:
    return ";".join(
        (
            payment.agent,
            payment.espp_id,
            values.moment_text(payment.paid_at),
            payment.payment_id,
            payment.terminal,
            payment.msisdn,
            payment.operator,
            payment.account,
            values.sum_text(payment.amount_tiyin),
            values.UZS,
            payment.means,
            values.sum_text(payment.debt_tiyin),
        )
    )


def payment_of(text: str) -> AgentPayment:
    """Raises BadField or WrongCurrency, naming the column where there is one to name."""
    parts = [part.strip() for part in text.split(";")]
    if len(parts) != COLUMNS:
        raise BadField(f"a line has {COLUMNS} fields; this one has {len(parts)}")
    agent, espp_id, at, payment_id, terminal, phone, operator, account, amount, money, *rest = parts
    means, debt = rest
    values.currency(money)
    values.short_texts(parts)
    return AgentPayment(
        agent=values.agent_code(agent),
        espp_id=espp_id,
        paid_at=values.moment(at),
        payment_id=values.payment_id(payment_id),
        terminal=terminal,
        msisdn=phone,
        operator=operator,
        account=account,
        amount_tiyin=values.tiyin(amount),
        means=means,
        debt_tiyin=values.tiyin(debt or "0"),
    )


# ---- reading ---------------------------------------------------------------------------------


class Reader:
    """Iterate over it for the lines; `summary` is complete after the last one."""

    def __init__(self, stream: BinaryIO) -> None:
        """`stream` stands at its start and can be set back to it."""
        self._stream = stream
        self.summary = Summary()

    def __iter__(self) -> Iterator[Line]:
        start = self._stream.read(4096).removeprefix(BOM).lstrip()
        self._stream.seek(0)
        return self._xml() if start.startswith(b"<") else self._csv()

    def _csv(self) -> Iterator[Line]:
        number = 0
        while raw := self._stream.readline(LINE_BYTES_MAX + 1):
            number += 1
            if number == 1:
                raw = raw.removeprefix(BOM)
            if len(raw) > LINE_BYTES_MAX:
                yield Line(number, readable(raw), _too_long())
                while not raw.endswith(b"\n") and (raw := self._stream.readline(READ_BYTES)):
                    pass
                continue
            text = readable(raw).strip()
            if text and not (number == 1 and text.lower().startswith("agent;")):
                yield Line(number, text)

    def _xml(self) -> Iterator[Line]:
        packet = _Packet()
        parser: etree.XMLParser = etree.XMLParser(
            target=packet,
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
        )
        try:
            first = self._stream.read(READ_BYTES)
            _known_encoding(first)
            while first:
                parser.feed(first)
                yield from packet.taken()
                first = self._stream.read(READ_BYTES)
            parser.close()
        except etree.XMLSyntaxError as error:
            yield from packet.taken()
            line, column = error.position
            broken = Unreadable(f"the XML is broken at line {line}, column {column}")
            yield Line(packet.number + 1, "", broken)
        except ClubError as error:
            yield from packet.taken()
            yield Line(packet.number + 1, "", error)
        try:
            self.summary = packet.summary()
        except ClubError as error:
            yield Line(packet.number + 1, "", Unreadable(f"summary: {error.message}"))


class _Packet:
    """What lxml's parser tells while it reads; no tree is ever built."""

    def __init__(self) -> None:
        self.number = 0
        self._path: list[str] = []
        self._texts: list[str] = []
        self._chars = 0
        self._lines: list[Line] = []
        self._summary: dict[str, str] = {}

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise Unreadable("a document type is not accepted")

    def start(self, tag: str, attributes: object) -> None:
        namespace, _, name = tag.rpartition("}")
        if namespace and not namespace[1:].startswith(NAMESPACES):
            raise Unreadable("the register is not in a namespace of the ESPP family")
        self._path.append(name)
        if self._path[0] != "comparePacket":
            raise Unreadable("a register in XML is a comparePacket")
        self._texts.clear()
        self._chars = 0

    def data(self, text: str) -> None:
        if self._chars <= LINE_BYTES_MAX:
            self._texts.append(text[: LINE_BYTES_MAX + 1])
        self._chars += len(text)

    def end(self, tag: str) -> None:
        path = self._path
        if path == ["comparePacket", "payments", "p"]:
            self.number += 1
            problem = _too_long() if self._chars > LINE_BYTES_MAX else None
            self._lines.append(
                Line(self.number, "".join(self._texts)[:LINE_BYTES_MAX].strip(), problem)
            )
        elif len(path) == 3 and path[1] == "summary":
            self._summary[path[2]] = "".join(self._texts).strip()
        path.pop()

    def close(self) -> None:
        pass

    def taken(self) -> list[Line]:
        lines, self._lines = self._lines, []
        return lines

    def summary(self) -> Summary:
        count = self._summary.get("totalAmountOfPayments", "")
        total = self._summary.get("totalSum", "")
        if count and not (count.isascii() and count.isdigit() and len(count) <= 12):
            raise BadField("totalAmountOfPayments is a whole number")
        return Summary(
            payments=int(count) if count else None,
            sum_tiyin=values.tiyin(total) if total else None,
        )


def readable(raw: bytes) -> str:
    """UTF-8 or windows-1251, each line for itself; what is neither is shown as �."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("cp1251", errors="replace")
    return text.replace("\0", "�")  # PostgreSQL keeps no NUL


def _known_encoding(start: bytes) -> None:
    match = DECLARED_ENCODING.match(start.removeprefix(BOM))
    if match and match[1].decode().lower() not in ENCODINGS:
        raise BadEncoding("a register is written in UTF-8 or windows-1251")


def _too_long() -> TooLarge:
    return TooLarge(f"a line has at most {LINE_BYTES_MAX} bytes")


# ---- writing ---------------------------------------------------------------------------------


def write_csv(payments: Iterable[AgentPayment], stream: TextIO) -> None:
    """With a heading. The encoding is the stream's: UTF-8 or windows-1251."""
    stream.write(f"{HEADING}\n")
    for payment in payments:
        stream.write(f"{line_of(payment)}\n")


def write_xml(
    payments: Iterable[AgentPayment],
    stream: BinaryIO,
    *,
    packet_id: str,
    contract: str,
    since: datetime,
    until: datetime,
) -> None:
    """The summary comes first, so the payments are held in memory: for days, not for years."""
    lines = list(payments)
    packet = etree.Element(f"{{{RECONCILIATION}}}comparePacket", nsmap={None: RECONCILIATION})
    packet.set("id", packet_id)

    def add(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
        child = etree.SubElement(parent, f"{{{RECONCILIATION}}}{name}")
        child.text = text
        return child

    summary = add(packet, "summary")
    add(summary, "contract", contract)
    period = add(summary, "comparePeriod")
    add(period, "from", values.moment_text(since))
    add(period, "to", values.moment_text(until))
    add(summary, "totalAmountOfPayments", str(len(lines)))
    add(summary, "currency", values.UZS)
    add(summary, "totalSum", values.sum_text(sum(each.amount_tiyin for each in lines)))
    add(summary, "totalDebt", values.sum_text(sum(each.debt_tiyin for each in lines)))
    taken = add(packet, "payments")
    for number, payment in enumerate(lines, start=1):
        add(taken, "p", line_of(payment)).set("id", str(number))
    etree.ElementTree(packet).write(stream, xml_declaration=True, encoding="UTF-8")

"""What the simulated message centre is: its memory, and one connection of an ESME to it."""

import asyncio
import sys
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime

from club.integrations.smsc import text
from club.integrations.smsc.pdu import (
    ANSWER,
    BadPdu,
    Bind,
    BindAnswer,
    Body,
    Command,
    Empty,
    MessageAnswer,
    Pdu,
    ShortMessage,
    Status,
    Tag,
    encode,
)
from club.integrations.smsc.session import read_pdu

MESSAGES_MAX = 1_000
SUBMITS_MAX = 4 * MESSAGES_MAX
STATES = {"DELIVRD": 2, "EXPIRED": 3, "DELETED": 4, "UNDELIV": 5, "UNKNOWN": 7, "REJECTD": 8}
SHOWN = {"DELIVRD": "delivered", "none": "sent"}
BINDS = {
    Command.BIND_TRANSCEIVER: "transceiver",
    Command.BIND_TRANSMITTER: "transmitter",
    Command.BIND_RECEIVER: "receiver",
}


@dataclass
class Behaviour:
    submit_status: int = 0
    submit_delay_ms: float = 0
    no_answer: int = 0
    drop_after: int = 0
    dlr: str = "DELIVRD"
    dlr_err: str = "000"
    dlr_delay_ms: float = 5
    dlr_first: bool = False
    bind_status: int = 0


@dataclass
class Centre:
    """All the simulator remembers."""

    behaviour: Behaviour = field(default_factory=Behaviour)
    submits: deque[dict[str, object]] = field(default_factory=lambda: deque(maxlen=SUBMITS_MAX))
    messages: deque[dict[str, object]] = field(default_factory=lambda: deque(maxlen=MESSAGES_MAX))
    sessions: set["Session"] = field(default_factory=set)
    ids: int = 0
    _parts: OrderedDict[tuple[str, str, int, int], dict[int, str]] = field(
        default_factory=OrderedDict
    )

    def take(self, message: ShortMessage) -> str:
        """Keep one submitted part; the id it is known by from now on."""
        self.ids += 1
        part = text.received(message)
        key = (message.source, message.destination, part.reference, part.total)
        parts = self._parts.setdefault(key, {})
        parts[part.number] = part.text
        if len(parts) == part.total:
            del self._parts[key]
            self.messages.append(
                {
                    "id": self.ids,
                    "msisdn": message.destination,
                    "sender": message.source,
                    "text": "".join(parts[number] for number in sorted(parts)),
                    "parts": part.total,
                    "at": datetime.now(UTC).isoformat(),
                    "state": SHOWN.get(self.behaviour.dlr, "undelivered"),
                }
            )
        if len(self._parts) > MESSAGES_MAX:
            self._parts.popitem(last=False)
        return f"{self.ids:08x}"

    def forget(self) -> None:
        self.submits.clear()
        self.messages.clear()
        self._parts.clear()


class Session:
    """One connection of an ESME."""

    def __init__(
        self, centre: Centre, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.centre = centre
        self.system_id = ""
        self.type = ""
        self.unanswered = self.unanswered_max = 0
        self._reader, self._writer = reader, writer
        self._sequence = 0
        self._asked: dict[int, asyncio.Future[int]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        try:
            while True:
                pdu = await read_pdu(self._reader)
                if pdu.is_answer:
                    if asked := self._asked.pop(pdu.sequence, None):
                        asked.set_result(pdu.status)
                elif not self._serve(pdu):
                    return
        except (OSError, EOFError, BadPdu) as error:
            print(f"a connection ends: {error}", file=sys.stderr)
        finally:
            self.close()

    def close(self) -> None:
        self.centre.sessions.discard(self)
        for task in self._tasks:
            task.cancel()
        self._writer.close()

    def _serve(self, pdu: Pdu) -> bool:
        """Answer one request; False when the connection is to end."""
        if isinstance(pdu.body, Bind):
            return self._bind(pdu, pdu.body)
        if pdu.command == Command.ENQUIRE_LINK:
            self._answer(pdu, Empty())
        elif pdu.command == Command.UNBIND:
            self._answer(pdu, Empty())
            return False
        elif pdu.command == Command.SUBMIT_SM and isinstance(pdu.body, ShortMessage):
            return self._take(pdu, pdu.body)
        else:
            self._send(Pdu(Command.GENERIC_NACK, pdu.sequence, Empty(), Status.INVALID_COMMAND))
        return True

    def _bind(self, pdu: Pdu, bind: Bind) -> bool:
        status = self.centre.behaviour.bind_status
        self._answer(pdu, BindAnswer("simulator"), status=status)
        if status == Status.OK:
            self.system_id, self.type = bind.system_id, BINDS[Command(pdu.command)]
            self.centre.sessions.add(self)
        return status == Status.OK

    def _take(self, pdu: Pdu, message: ShortMessage) -> bool:
        if self.type not in ("transceiver", "transmitter"):
            self._answer(pdu, MessageAnswer(), status=Status.NOT_BOUND)
            return True
        behaviour = self.centre.behaviour
        self.centre.submits.append(_described(message))
        self.unanswered += 1
        self.unanswered_max = max(self.unanswered_max, self.unanswered)
        if behaviour.drop_after > 0:
            behaviour.drop_after -= 1
            if behaviour.drop_after == 0:
                return False
        if behaviour.no_answer > 0:
            behaviour.no_answer -= 1
            return True
        task = asyncio.create_task(self._answer_submit(pdu, message, behaviour))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def _answer_submit(self, pdu: Pdu, message: ShortMessage, behaviour: Behaviour) -> None:
        await asyncio.sleep(behaviour.submit_delay_ms / 1000)
        self.unanswered -= 1
        if behaviour.submit_status:
            self._answer(pdu, MessageAnswer(), status=behaviour.submit_status)
            return
        centre_id = self.centre.take(message)
        wants_receipt = message.registered_delivery & 1 and behaviour.dlr != "none"
        if wants_receipt and behaviour.dlr_first:
            self._send_receipt(message, centre_id, behaviour)
            await asyncio.sleep(0.02)
        self._answer(pdu, MessageAnswer(centre_id))
        if wants_receipt and not behaviour.dlr_first:
            await asyncio.sleep(behaviour.dlr_delay_ms / 1000)
            self._send_receipt(message, centre_id, behaviour)

    def _send_receipt(self, message: ShortMessage, centre_id: str, behaviour: Behaviour) -> None:
        stamp = datetime.now(UTC).strftime("%y%m%d%H%M")
        delivered = "001" if behaviour.dlr == "DELIVRD" else "000"
        told = (
            f"id:{centre_id} sub:001 dlvrd:{delivered} submit date:{stamp} done date:{stamp}"
            f" stat:{behaviour.dlr} err:{behaviour.dlr_err} text:"
        )
        tlvs = (
            (Tag.RECEIPTED_MESSAGE_ID, centre_id.encode() + b"\0"),
            (Tag.MESSAGE_STATE, bytes([STATES[behaviour.dlr]])),
        )
        receipt = ShortMessage(
            source=message.destination,
            destination=message.source,
            esm_class=0x04,
            octets=told.encode("latin-1"),
            tlvs=tlvs,
        )
        # The ESME acknowledges on a bind that may receive; a pair has another one for it.
        receiver = next((s for s in self.centre.sessions if s.may_receive(self.system_id)), self)
        receiver.deliver(receipt)

    def may_receive(self, system_id: str) -> bool:
        return self.system_id == system_id and self.type in ("transceiver", "receiver")

    def deliver(self, message: ShortMessage) -> asyncio.Future[int]:
        """Send a deliver_sm; the future gets the status it is answered with."""
        self._sequence += 1
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._asked[self._sequence] = answer
        self._send(Pdu(Command.DELIVER_SM, self._sequence, message))
        return answer

    def unbind(self) -> None:
        self._sequence += 1
        self._send(Pdu(Command.UNBIND, self._sequence))

    def _answer(self, pdu: Pdu, body: Body, *, status: int = Status.OK) -> None:
        self._send(Pdu(pdu.command | ANSWER, pdu.sequence, body, status))

    def _send(self, pdu: Pdu) -> None:
        if not self._writer.is_closing():
            self._writer.write(encode(pdu))


def _described(message: ShortMessage) -> dict[str, object]:
    part = text.received(message)
    has_header = message.esm_class & text.UDH_INDICATOR
    return {
        "source": message.source,
        "source_ton": message.source_ton,
        "destination": message.destination,
        "data_coding": message.data_coding,
        "esm_class": message.esm_class,
        "registered_delivery": message.registered_delivery,
        "validity_period": message.validity_period,
        "text": part.text,
        "udh": [message.octets[1 : 1 + message.octets[0]].hex()] if has_header else None,
    }

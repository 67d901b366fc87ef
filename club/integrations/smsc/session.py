"""One bound connection to a message centre, from its bind to its end.

Three loops live and die together: one reads, one hands deliveries on and answers them, one asks
from time to time whether the other side is still there. What was asked and never answered when
the connection ends, or when its time is up, ends as `NoAnswer`: whoever asked knows nothing.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from club.errors import ClubError
from club.integrations.smsc.pdu import (
    ANSWER,
    SEQUENCE_MAX,
    BadPdu,
    Bind,
    Body,
    Command,
    Empty,
    MessageAnswer,
    Pdu,
    ShortMessage,
    Status,
    decode,
    encode,
    frame_octets,
)

log = logging.getLogger(__name__)

DELIVERIES_MAX: Final = 500
"""Deliveries waiting for their commit; the centre is asked to come again with what is above."""
DELIVERY_BATCH_MAX: Final = 100
LATE_MAX: Final = 1_000
"""Requests given up whose answer is still listened for."""

OnDeliver: TypeAlias = Callable[[Sequence[ShortMessage]], Awaitable[Sequence[int]]]
"""Keeps deliveries for good and returns a command_status for each; raising asks for all again."""
OnLate: TypeAlias = Callable[[Pdu], None]


class BindRefused(ClubError):
    code = "bind_refused"


class NoAnswer(ClubError):
    """The request left, or may have left; nobody knows what became of it."""

    code = "no_answer"


@dataclass(frozen=True)
class Link:
    """One contract with one centre. Times in seconds."""

    host: str
    port: int
    system_id: str
    password: str = field(default="", repr=False)
    system_type: str = ""
    bind: Command = Command.BIND_TRANSCEIVER
    window: int = 20
    rate_per_s: float = 50.0
    connect_timeout_s: float = 5.0
    answer_timeout_s: float = 10.0
    enquire_s: float = 30.0
    retry_delay_s_max: float = 30.0
    later: frozenset[int] = frozenset(
        {Status.THROTTLED, Status.QUEUE_FULL, Status.SYSTEM_ERROR, Status.NOT_BOUND}
    )
    """Which command_status means "not now"; every other one but 0 is a refusal for good."""


async def read_pdu(reader: asyncio.StreamReader) -> Pdu:
    """The next PDU. Raises BadPdu (`command` 0: the stream itself is lost), OSError, EOFError."""
    head = await reader.readexactly(4)
    return decode(head + await reader.readexactly(frame_octets(head) - 4))


async def bound(link: Link, *, on_deliver: OnDeliver) -> "Session":
    """Connect and bind. Raises BindRefused, NoAnswer, OSError, TimeoutError."""
    async with asyncio.timeout(link.connect_timeout_s):
        reader, writer = await asyncio.open_connection(link.host, link.port)
    session = Session(link, reader, writer, on_deliver=on_deliver)
    bind = Bind(system_id=link.system_id, password=link.password, system_type=link.system_type)
    try:
        answer = await session.ask(link.bind, bind)
    except BaseException:
        await session.end("not bound")
        raise
    if answer.status != Status.OK:
        await session.end("not bound")
        raise BindRefused(f"the centre refuses the bind: {answer.status:#04x}")
    return session


class Session:
    def __init__(
        self,
        link: Link,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        on_deliver: OnDeliver,
    ) -> None:
        self.link = link
        self.window = asyncio.Semaphore(link.window)
        self._reader, self._writer = reader, writer
        self._on_deliver = on_deliver
        self._has_ended = False
        self._sequence = 0
        self._asked: dict[int, asyncio.Future[Pdu]] = {}
        self._late: OrderedDict[int, OnLate] = OrderedDict()
        self._deliveries: asyncio.Queue[Pdu] = asyncio.Queue(DELIVERIES_MAX)
        self._doubt = asyncio.Event()  # an answer is overdue: ask at once whether anybody is there
        loops = (self._read(), self._deliver(), self._enquire())
        self._loops = [asyncio.create_task(loop) for loop in loops]

    def is_open(self) -> bool:
        """Whether a request would leave at all."""
        return not self._has_ended and not self._writer.is_closing()

    async def ask(self, command: int, body: Body, *, on_late: OnLate | None = None) -> Pdu:
        """Send a request and wait for its answer. Raises NoAnswer.

        `on_late` hears of an answer that comes after all while the connection still stands.
        """
        self._sequence = self._sequence % SEQUENCE_MAX + 1
        sequence = self._sequence
        frame = encode(Pdu(command, sequence, body))
        if not self.is_open():
            raise NoAnswer("the connection has ended")

        answer: asyncio.Future[Pdu] = asyncio.get_running_loop().create_future()
        self._asked[sequence] = answer
        # No drain: the window bounds what can stand in the buffer, the time-out how long.
        self._writer.write(frame)
        try:
            async with asyncio.timeout(self.link.answer_timeout_s):
                return await answer
        except TimeoutError:
            self._doubt.set()
            if on_late is not None:
                self._late[sequence] = on_late
                if len(self._late) > LATE_MAX:
                    self._late.popitem(last=False)
            raise NoAnswer(f"no answer in {self.link.answer_timeout_s:g} s") from None
        finally:
            self._asked.pop(sequence, None)

    async def ended(self) -> str:
        """Wait until the connection is over; why it is."""
        done, _ = await asyncio.wait(self._loops, return_when=asyncio.FIRST_COMPLETED)
        why = "; ".join(str(task.exception() or "closed") for task in done if not task.cancelled())
        await self.end(why)
        return why

    async def unbind(self) -> None:
        """Part politely: wait for what was asked, say unbind, close. Never raises."""
        try:
            if self._asked:
                await asyncio.wait(list(self._asked.values()), timeout=self.link.answer_timeout_s)
            await self.ask(Command.UNBIND, Empty())
        except NoAnswer:
            log.info("the centre did not answer our unbind")
        await self.end("unbound")

    async def end(self, why: str) -> None:
        self._has_ended = True
        for loop in self._loops:
            loop.cancel()
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(NoAnswer(f"the connection ended before the answer: {why}"))
        self._writer.close()
        await asyncio.gather(*self._loops, return_exceptions=True)

    # ---- the three loops -----------------------------------------------------------------

    async def _read(self) -> None:
        while True:
            try:
                pdu = await read_pdu(self._reader)
            except asyncio.IncompleteReadError:
                raise NoAnswer("the centre closed the connection") from None
            except BadPdu as error:
                log.warning("an unreadable PDU from the centre: %s", error)
                self._answer_unreadable(error)
                if error.command == 0:
                    raise
                continue
            if pdu.is_answer:
                self._take_answer(pdu)
            elif pdu.command == Command.DELIVER_SM:
                self._take_delivery(pdu)
            elif pdu.command == Command.ENQUIRE_LINK:
                self._answer(pdu, Empty())
            elif pdu.command == Command.UNBIND:
                self._answer(pdu, Empty())
                raise NoAnswer("the centre unbound us")
            else:
                self._refuse(pdu.sequence, Status.INVALID_COMMAND)

    async def _deliver(self) -> None:
        while True:
            batch = [await self._deliveries.get()]
            while len(batch) < DELIVERY_BATCH_MAX and not self._deliveries.empty():
                batch.append(self._deliveries.get_nowait())
            messages = [pdu.body for pdu in batch if isinstance(pdu.body, ShortMessage)]
            try:
                statuses = await self._on_deliver(messages)
            except Exception:
                # Whatever went wrong on our side, the centre keeps the message and comes again.
                log.exception("%d deliveries could not be kept", len(batch))
                statuses = [Status.RECEIVER_TEMPORARY] * len(batch)
            for pdu, status in zip(batch, statuses, strict=True):
                self._answer(pdu, MessageAnswer(), status=status)

    async def _enquire(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self.link.enquire_s):
                    await self._doubt.wait()
            except TimeoutError:
                log.debug("nothing overdue; asking whether the centre is there")
            self._doubt.clear()
            await self.ask(Command.ENQUIRE_LINK, Empty())

    # ---- what arrives --------------------------------------------------------------------

    def _take_answer(self, pdu: Pdu) -> None:
        answer = self._asked.get(pdu.sequence)
        if answer is not None and not answer.done():
            answer.set_result(pdu)
        elif on_late := self._late.pop(pdu.sequence, None):
            on_late(pdu)
        else:
            log.info("an answer to nothing we asked: %#x", pdu.command)

    def _take_delivery(self, pdu: Pdu) -> None:
        try:
            self._deliveries.put_nowait(pdu)
        except asyncio.QueueFull:
            self._answer(pdu, MessageAnswer(), status=Status.RECEIVER_TEMPORARY)

    def _answer(self, pdu: Pdu, body: Body, *, status: int = Status.OK) -> None:
        self._say(Pdu(pdu.command | ANSWER, pdu.sequence, body, status))

    def _answer_unreadable(self, error: BadPdu) -> None:
        """A request we know gets its own answer, else the centre would send it for ever."""
        if error.command == Command.DELIVER_SM:
            pdu = Pdu(error.command, error.sequence)
            self._answer(pdu, MessageAnswer(), status=error.status)
        elif not error.command & ANSWER:
            self._refuse(error.sequence, error.status)

    def _refuse(self, sequence: int, status: int) -> None:
        self._say(Pdu(Command.GENERIC_NACK, sequence, Empty(), status))

    def _say(self, pdu: Pdu) -> None:
        """Write an answer. One that the connection no longer takes is asked for again by bind."""
        if not self._writer.is_closing():
            self._writer.write(encode(pdu))

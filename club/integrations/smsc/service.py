"""`club sms`: the one process that owns the bind and empties the outbox through it.

Messages are taken only while the bind stands and only as many as the window can carry, so what
waits, waits in the outbox. SQL runs in one thread beside the event loop: everything this process
writes is written in one order.
"""

import asyncio
import logging
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, TypeVar

import psycopg
from django.db import InterfaceError, OperationalError, close_old_connections, connections

from club.integrations.smsc import config, ownership, receipt, text
from club.integrations.smsc.config import Contract
from club.integrations.smsc.esme import NOT_CONNECTED, Esme, Outcome
from club.integrations.smsc.pdu import ShortMessage, Status
from club.messages import outbox
from club.outcomes import Done, Refused, Unknown

log = logging.getLogger(__name__)

SETTLE_BATCH_MAX: Final = 200
SETTLE_GIVE_UP_S: Final = 10.0
"""How long a stop waits for an unreachable database; what is not written is Unknown afterwards."""
DATABASE_RETRY_S: Final = 1.0
THROTTLED_PAUSE_S, THROTTLED_PAUSE_S_MAX = 0.5, 30.0
SWEEP_EVERY_S: Final = 3600.0

Value = TypeVar("Value")


def main() -> None:
    """Run until SIGTERM or SIGINT; then finish what was submitted, unbind and return."""
    asyncio.run(_run_until_signalled(Service(config.contract())))


async def _run_until_signalled(service: "Service") -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, service.stop)
    await service.run()


class Service:
    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self._stopping = asyncio.Event()
        self._news = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, "sms-sql")
        self._sender: Esme
        self._sending: set[asyncio.Task[None]] = set()
        self._attempts: asyncio.Queue[outbox.Attempt | None] = asyncio.Queue()
        self._pause_s = THROTTLED_PAUSE_S
        self._quiet_until_s = 0.0

    def stop(self) -> None:
        self._stopping.set()
        self._news.set()

    async def run(self) -> None:
        """Own the channel whenever it is free, and work; return after `stop`."""
        was_told = ""
        while not self._stopping.is_set():
            told = "another process owns the channel; standing by"
            try:
                async with ownership.owned() as session:
                    if session is not None:
                        told = "lost the channel"
                        await self._work(session)
            except (psycopg.OperationalError, OperationalError, InterfaceError) as error:
                told = f"the database is out of reach: {str(error).splitlines()[0]}"
            if told != was_told and not self._stopping.is_set():
                log.warning("%s", told)
            was_told = told
            await self._rest(DATABASE_RETRY_S)
        await self._sql(connections.close_all)
        self._thread.shutdown()

    async def _work(self, session: psycopg.AsyncConnection) -> None:
        """Send and receive for as long as the channel is ours; leave nothing half done."""
        interrupted = await self._sql(partial(outbox.settle_interrupted, now=_now()))
        if interrupted:
            log.warning("%d messages were interrupted: their fate is unknown", interrupted)
        esmes = [Esme(link, on_deliver=self._keep) for link in self.contract.links]
        self._sender = esmes[0]
        is_over = asyncio.Event()

        binds = [asyncio.create_task(esme.run()) for esme in esmes]
        pump = asyncio.create_task(self._pump(is_over))
        recorder = asyncio.create_task(self._record())
        watch = asyncio.create_task(
            ownership.watch(
                session,
                is_bound=lambda: all(esme.is_bound.is_set() for esme in esmes),
                on_news=self._news.set,
            )
        )
        stop = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait(
                {watch, stop, pump, recorder, *binds}, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            # In this order: take no more, wait for the answers, write them down.
            is_over.set()
            self._news.set()
            ends: list[BaseException | None] = []
            ends += await asyncio.gather(pump, return_exceptions=True)
            for esme in esmes:
                esme.stop()
            ends += await asyncio.gather(*binds, *self._sending, return_exceptions=True)
            self._attempts.put_nowait(None)
            ends += await asyncio.gather(recorder, return_exceptions=True)
            stop.cancel()
            watch.cancel()
            ends += await asyncio.gather(watch, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception):
                raise end

    # ---- out -----------------------------------------------------------------------------

    async def _pump(self, is_over: asyncio.Event) -> None:
        """Take what is due while there is room for it."""
        room_max = self.contract.links[0].window * 2
        sweep_at_s = 0.0
        while not is_over.is_set():
            self._news.clear()
            now_s = asyncio.get_running_loop().time()
            if now_s >= sweep_at_s:
                await self._sql(partial(outbox.sweep, now=_now()))
                sweep_at_s = now_s + SWEEP_EVERY_S
            room = room_max - len(self._sending)
            is_ready = self._sender.is_bound.is_set() and now_s >= self._quiet_until_s
            # Half the room at once: a statement for every single message would be the bottleneck.
            if is_ready and room * 2 >= room_max:
                due = await self._sql(partial(outbox.take, now=_now(), limit=room))
                for message in due:
                    task = asyncio.create_task(self._send(message))
                    self._sending.add(task)
                    task.add_done_callback(self._sent)
                if len(due) == room:
                    continue
            if not is_over.is_set():
                await self._news.wait()

    def _sent(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        self._news.set()

    async def _send(self, message: outbox.Due) -> None:
        try:
            attempt = await self._attempted(message)
        except Exception:
            # Our own mistake with one message must not hold up the others, nor leave it SENDING.
            log.exception("message %d could not be sent", message.id)
            attempt = outbox.Attempt(message.id, 1, ((1, Unknown("an error of ours")),))
        self._attempts.put_nowait(attempt)

    async def _attempted(self, message: outbox.Due) -> outbox.Attempt:
        """Submit the parts that the centre has not yet, one after the other."""
        try:
            pieces = text.split(message.text, reference=message.id)
        except text.TextTooLong as error:
            return outbox.Attempt(message.id, 1, ((1, Refused(error.code, error.message)),))

        outcomes: list[tuple[int, Outcome]] = []
        for number, piece in enumerate(pieces, 1):
            if number in message.parts_taken:
                continue
            outcome = await self._submit(message, piece, number, len(pieces))
            outcomes.append((number, outcome))
            if not isinstance(outcome, Done):
                break
        return outbox.Attempt(message.id, len(pieces), tuple(outcomes))

    async def _submit(
        self, message: outbox.Due, piece: text.Piece, number: int, total: int
    ) -> Outcome:
        def hear_late(outcome: Outcome) -> None:
            # A late refusal changes nothing: the message has already ended, or goes out again.
            if isinstance(outcome, Done):
                late = ((number, self._known(outcome)),)
                self._attempts.put_nowait(outbox.Attempt(message.id, total, late))

        left = message.not_after - _now()
        if left <= timedelta(0):
            return NOT_CONNECTED  # Back into the outbox, where it expires at the next look.
        outcome = await self._sender.submit(
            self.contract.submit(message.msisdn, piece, lifetime=left), on_late=hear_late
        )
        self._mind_the_throttle(outcome)
        return self._known(outcome)

    def _known(self, outcome: Outcome) -> Outcome:
        """The outcome with the centre's id in the one spelling that receipts are matched by."""
        if isinstance(outcome, Done):
            return Done(receipt.canonical_id(outcome.value, self.contract.answer_id))
        return outcome

    def _mind_the_throttle(self, outcome: Outcome) -> None:
        """Take nothing for a while when the centre says "not now", longer each time."""
        if isinstance(outcome, Done):
            self._pause_s = THROTTLED_PAUSE_S
            return
        now_s = asyncio.get_running_loop().time()
        is_throttled = isinstance(outcome, Refused) and outcome.is_for_now
        if is_throttled and outcome is not NOT_CONNECTED and now_s >= self._quiet_until_s:
            self._quiet_until_s = now_s + self._pause_s
            self._pause_s = min(self._pause_s * 2, THROTTLED_PAUSE_S_MAX)

    async def _record(self) -> None:
        """Write down how attempts ended, many in one transaction, until a None arrives."""
        while True:
            batch = [await self._attempts.get()]
            while len(batch) < SETTLE_BATCH_MAX and not self._attempts.empty():
                batch.append(self._attempts.get_nowait())
            if attempts := [attempt for attempt in batch if attempt is not None]:
                await self._settle(attempts)
            if len(attempts) < len(batch):
                return

    async def _settle(self, attempts: list[outbox.Attempt]) -> None:
        """Try until it is written: what was sent must not be forgotten for a database's restart."""
        settle = partial(outbox.settle, attempts, centre=self.contract.centre)
        give_up_at_s = float("inf")
        while True:
            try:
                return await self._sql(partial(settle, now=_now()))
            except (OperationalError, InterfaceError) as error:
                now_s = asyncio.get_running_loop().time()
                if self._stopping.is_set():
                    give_up_at_s = min(give_up_at_s, now_s + SETTLE_GIVE_UP_S)
                if now_s >= give_up_at_s:
                    log.error("%d attempts are not written; they are unknown now", len(attempts))
                    raise
                log.warning("attempts wait for the database: %s", str(error).splitlines()[0])
            await asyncio.sleep(DATABASE_RETRY_S)

    # ---- in ------------------------------------------------------------------------------

    async def _keep(self, messages: Sequence[ShortMessage]) -> Sequence[int]:
        """Write receipts and messages from subscribers down; only then are they answered."""
        receipts, incoming = [], []
        for message in messages:
            told = receipt.read(message, id_form=self.contract.receipt_id)
            if told is None:
                incoming.append(_incoming(message))
            elif told.state is None or not told.centre_id:
                log.info("a receipt that settles nothing")
            else:
                receipts.append(outbox.PartReceipt(told.centre_id, told.state, told.error_code))
        centre, now = self.contract.centre, _now()
        if receipts:
            await self._sql(partial(outbox.record_receipts, receipts, centre=centre, now=now))
        if incoming:
            await self._sql(partial(outbox.receive, incoming, centre=centre, now=now))
        return [Status.OK] * len(messages)

    # ---- ground --------------------------------------------------------------------------

    async def _sql(self, step: Callable[[], Value]) -> Value:
        """Run one step in the thread of the database, behind every step before it."""

        def with_a_living_connection() -> Value:
            close_old_connections()
            return step()

        return await asyncio.get_running_loop().run_in_executor(
            self._thread, with_a_living_connection
        )

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()


def _incoming(message: ShortMessage) -> outbox.Incoming:
    part = text.received(message)
    return outbox.Incoming(
        source=message.source,
        destination=message.destination,
        text=part.text,
        reference=part.reference,
        parts_total=part.total,
        part_number=part.number,
    )


def _now() -> datetime:
    return datetime.now(UTC)

"""The external short messaging entity: keeps one bind alive and submits messages over it.

A submit ends in three ways. *Done*: the centre gave the message an id. *Refused*: it said no, or
not a single octet left. *Unknown*: the request left and no answer came; nothing is sent again here.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from typing import Final, TypeAlias

from club.integrations.smsc.pace import Pace
from club.integrations.smsc.pdu import Command, MessageAnswer, Pdu, ShortMessage, Status
from club.integrations.smsc.session import (
    BindRefused,
    Link,
    NoAnswer,
    OnDeliver,
    Session,
    bound,
)
from club.outcomes import Done, Refused, Unknown

log = logging.getLogger(__name__)

RETRY_DELAY_S: Final = 0.5
NOT_CONNECTED: Final = Refused("not_connected", "no bind at this moment", is_for_now=True)

Outcome: TypeAlias = Done[str] | Refused | Unknown


class Esme:
    """One bind, reconnected for as long as `run` runs. The pace is kept across reconnections."""

    def __init__(self, link: Link, *, on_deliver: OnDeliver) -> None:
        self.link = link
        self.last_error = ""
        self.is_bound = asyncio.Event()
        self._on_deliver = on_deliver
        self._pace = Pace(link.rate_per_s)
        self._session: Session | None = None
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Bind, and bind again after every loss, until `stop`; then unbind and return."""
        failures = 0
        while not self._stopping.is_set():
            try:
                self._session = await bound(self.link, on_deliver=self._on_deliver)
            except (BindRefused, NoAnswer, OSError) as error:
                failures += 1
                self._tell(f"cannot bind to {self.link.host}:{self.link.port}: {error}")
                await self._rest(failures)
                continue
            failures = 0
            log.info("bound to %s:%s", self.link.host, self.link.port)
            self.last_error = ""
            self.is_bound.set()
            if not await self._stay(self._session):
                await self._rest(1)

    def stop(self) -> None:
        """Take no more; `run` waits for what was submitted, unbinds and returns."""
        self._stopping.set()

    async def submit(
        self, message: ShortMessage, *, on_late: Callable[[Outcome], None] | None = None
    ) -> Outcome:
        """Submit one message when window and pace allow it.

        `on_late` is called when an answer comes after this has ended as Unknown.
        """
        session = self._session
        if session is None or not session.is_open():
            return NOT_CONNECTED
        async with session.window:
            await asyncio.sleep(self._pace.reserve(asyncio.get_running_loop().time()))
            if not session.is_open() or self._stopping.is_set():
                return NOT_CONNECTED

            def hear_late(answer: Pdu) -> None:
                if on_late is not None:
                    on_late(self._outcome(answer))

            try:
                answer = await session.ask(Command.SUBMIT_SM, message, on_late=hear_late)
            except NoAnswer as error:
                return Unknown(error.message)
            except ValueError as error:  # It does not fit its PDU; nothing left.
                return Refused("does_not_fit", str(error))
        return self._outcome(answer)

    def _outcome(self, answer: Pdu) -> Outcome:
        if answer.status == Status.OK and isinstance(answer.body, MessageAnswer):
            return Done(answer.body.message_id)
        if answer.status == Status.OK:
            return Unknown(f"answered with {answer.command:#x}")
        return Refused(f"smpp_{answer.status:#04x}", is_for_now=answer.status in self.link.later)

    async def _stay(self, session: Session) -> bool:
        """Live with this connection until it is lost (False) or we are to stop (True)."""
        lost = asyncio.create_task(session.ended())
        asked_to_stop = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({lost, asked_to_stop}, return_when=asyncio.FIRST_COMPLETED)
            if not lost.done():
                await session.unbind()
            why = await lost
        finally:
            self.is_bound.clear()
            asked_to_stop.cancel()
            lost.cancel()
            await session.end("we stop")
        if self._stopping.is_set():
            return True
        self._tell(f"lost the bind: {why}")
        return False

    async def _rest(self, failures: int) -> None:
        """Wait longer after each failure, never two binds in step, and not when told to stop."""
        most_s = min(self.link.retry_delay_s_max, RETRY_DELAY_S * 2 ** min(failures, 16))
        try:
            async with asyncio.timeout(random.uniform(most_s / 2, most_s)):  # noqa: S311
                await self._stopping.wait()
        except TimeoutError:
            log.debug("trying again")

    def _tell(self, what: str) -> None:
        """Log a trouble once, not at every attempt."""
        log.log(logging.DEBUG if what == self.last_error else logging.WARNING, "%s", what)
        self.last_error = what

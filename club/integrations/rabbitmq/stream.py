"""Events from a queue of RabbitMQ: AMQP 0-9-1 by pika, one connection, one channel, one consumer.

The address in `CLUB_BROKER_URL` says all about the connection: amqps:// for TLS, `heartbeat`,
`ssl_options` and others as pika's URLParameters has them. A queue that exists is taken as it is; one
that does not is declared, durable and with a queue of dead letters, of whatever type the broker's
keeper made the default.
"""

import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final
from urllib.parse import urlsplit

import pika
from django.conf import settings
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from pika.exceptions import AMQPError, ChannelClosedByBroker

from club.accrual.ports import Message, StreamLost

PREFETCH_MAX: Final = 1_000
GATHER_S: Final = 0.1
"""How long a batch may grow after its first message: some latency for many times the throughput."""
BLOCKED_TIMEOUT_S: Final = 60
NO_SUCH_QUEUE: Final = 404


class RabbitStream:
    """Implements `accrual.ports.EventStream`."""

    def __init__(self, url: str | None = None, queue: str | None = None) -> None:
        self._url = url or settings.BROKER_URL
        self._queue = queue or settings.BROKER_QUEUE
        self._connection: BlockingConnection | None = None
        self._channel: BlockingChannel
        self._waiting: deque[Message] = deque()
        self._is_cancelled = False

    def receive(self, *, limit: int, wait_s: float) -> Sequence[Message]:
        with self._lost():
            connection = self._connected()
            deadline_s = time.monotonic() + wait_s
            while len(self._waiting) < limit and (left_s := deadline_s - time.monotonic()) > 0:
                had_none = not self._waiting
                connection.process_data_events(time_limit=left_s)
                if self._is_cancelled:
                    raise StreamLost(f"the queue {self._queue} is gone")
                if had_none and self._waiting:
                    deadline_s = min(deadline_s, time.monotonic() + GATHER_S)
        return [self._waiting.popleft() for _ in range(min(limit, len(self._waiting)))]

    def settle(self, messages: Sequence[Message], *, dead: Sequence[Message]) -> None:
        with self._lost():
            for message in dead:
                self._channel.basic_nack(message.number, requeue=False)
            gone = {message.number for message in dead}
            # The numbers ascend: what is before the last is settled, or among these.
            if alive := [m.number for m in messages if m.number not in gone]:
                self._channel.basic_ack(alive[-1], multiple=True)

    def close(self) -> None:
        connection, self._connection = self._connection, None
        self._waiting.clear()
        if connection is not None and connection.is_open:
            with suppress(AMQPError, OSError):
                connection.close()

    def _connected(self) -> BlockingConnection:
        if self._connection is not None:
            return self._connection
        if not self._url:
            raise StreamLost("no broker is configured: set CLUB_BROKER_URL")
        parameters = pika.URLParameters(self._url)
        parameters.blocked_connection_timeout = BLOCKED_TIMEOUT_S
        parameters.client_properties = {"connection_name": "beeline-club"}
        self._connection = BlockingConnection(parameters)
        self._channel = self._with_queue(self._connection)
        self._is_cancelled = False
        self._channel.add_on_cancel_callback(self._cancelled)
        self._channel.basic_qos(prefetch_count=PREFETCH_MAX)
        self._channel.basic_consume(self._queue, self._keep)
        return self._connection

    def _with_queue(self, connection: BlockingConnection) -> BlockingChannel:
        channel = connection.channel()
        try:
            channel.queue_declare(self._queue, passive=True)
        except ChannelClosedByBroker as error:
            if error.reply_code != NO_SUCH_QUEUE:
                raise
            channel = connection.channel()
            dead = f"{self._queue}.dead"
            channel.queue_declare(dead, durable=True)
            to_the_dead = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead}
            channel.queue_declare(self._queue, durable=True, arguments=to_the_dead)
        return channel

    def _keep(self, _channel: Any, method: Any, _properties: Any, body: bytes) -> None:
        self._waiting.append(Message(body, method.delivery_tag))

    def _cancelled(self, _method: Any) -> None:
        self._is_cancelled = True

    @contextmanager
    def _lost(self) -> Iterator[None]:
        """Every way to lose a broker is one to its user; the address is told without its password."""
        try:
            yield
        except (AMQPError, OSError) as error:
            self.close()
            why = str(error) or type(error).__name__
            host = urlsplit(self._url).hostname
            raise StreamLost(f"the broker at {host} is out of reach: {why}") from error

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel

from tests.accrual.conftest import Office
from tests.missing import missing
from tests.peers.rabbitmq import Broker, started


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One for all tests; each has a queue of its own."""
    if why := missing(["rabbitmq"]):
        pytest.skip(why)
    with started(Path(tmp_path_factory.mktemp("rabbitmq"))) as running:
        yield running


@pytest.fixture
def channel(broker: Broker) -> Iterator[BlockingChannel]:
    """The other side: whoever publishes, with confirms."""
    connection = pika.BlockingConnection(pika.URLParameters(broker.url))
    channel = connection.channel()
    channel.confirm_delivery()
    yield channel
    with suppress(pika.exceptions.AMQPError):  # a test may have killed the other end
        connection.close()


@pytest.fixture
def club(transactional_db: None, settings: Any) -> Office:
    """The programme open, in a database that other connections see."""
    settings.EVENT_SOURCES = {"billing": {}}
    settings.IS_DEMO = False
    return Office().open()


@pytest.fixture
def publish(channel: BlockingChannel) -> Callable[..., None]:
    def send(queue: str, *octets: bytes) -> None:
        durable = pika.BasicProperties(delivery_mode=pika.DeliveryMode.Persistent)
        for one in octets:
            channel.basic_publish("", queue, one, durable, mandatory=True)

    return send

"""With a real broker: whatever is killed, each event is in the inbox once."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event as Flag
from threading import Thread

import pika
import pytest
from django.db import connection

from club.accrual import streaming
from club.accrual.models import Event, Rejection
from club.accrual.ports import Message, StreamLost
from club.integrations.rabbitmq.stream import RabbitStream
from tests.accrual.conftest import Office
from tests.accrual.event_lines import told
from tests.peers.rabbitmq import Broker

pytestmark = pytest.mark.peer("rabbitmq")
BASE = Path(__file__).resolve().parents[2]
TIMEOUT_S = 60
DIES_BEFORE_IT_ANSWERS = """
import os, signal, django
django.setup()
from club.accrual import streaming
from club.integrations.rabbitmq.stream import RabbitStream

class Dies(RabbitStream):
    def settle(self, messages, *, dead):
        os.kill(os.getpid(), signal.SIGKILL)

while True:
    streaming.take_batch(Dies())
"""

Publish = Callable[..., None]


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.05)


def waiting(broker: Broker, queue: str) -> int:
    """How many messages stand in a queue, those that somebody has and did not settle aside."""
    link = pika.BlockingConnection(pika.URLParameters(broker.url))
    try:
        return int(link.channel().queue_declare(queue, passive=True).method.message_count)
    finally:
        link.close()


def test_events_arrive_and_what_cannot_be_read_is_among_the_dead_letters(
    club: Office, broker: Broker, publish: Publish
) -> None:
    stream = RabbitStream(broker.url, "mixed")
    assert streaming.take_batch(stream, wait_s=0.1).received == 0  # now there is a queue
    publish("mixed", told("1"), b"\xff not json", told("2"), told("1"), told("3", source="who"))

    counts = streaming.take_batch(stream, wait_s=5)

    assert (counts.new, counts.duplicate, len(counts.rejected)) == (2, 1, 2)
    stream.close()
    until(lambda: waiting(broker, "mixed.dead") == 2)
    assert waiting(broker, "mixed") == 0
    assert set(Rejection.objects.values_list("code", flat=True)) == {"unreadable", "unknown_source"}


def test_when_all_of_a_batch_is_unreadable_the_next_one_is_taken(
    club: Office, broker: Broker, publish: Publish
) -> None:
    stream = RabbitStream(broker.url, "poison")
    streaming.take_batch(stream, wait_s=0.1)

    for number in range(3):
        publish("poison", b"poison", told(f"{number}"), b"poison")
        assert len(streaming.take_batch(stream, wait_s=5).rejected) == 2
    stream.close()

    assert Event.objects.count() == 3
    assert waiting(broker, "poison") == 0


def test_a_broker_that_is_killed_in_the_middle_and_comes_back_loses_and_doubles_nothing(
    club: Office, broker: Broker, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "BATCH_MESSAGES", 50)
    events = [told(f"{number}") for number in range(300)]
    is_killed, stopping = Flag(), Flag()

    class Interrupted(RabbitStream):
        batches = 0

        def settle(self, messages: Sequence[Message], *, dead: Sequence[Message]) -> None:
            self.batches += 1
            if self.batches == 3:
                broker.kill()
                is_killed.set()
            super().settle(messages, dead=dead)

    stream = Interrupted(broker.url, "mortal")
    streaming.take_batch(stream, wait_s=0.1)
    publish("mortal", *events)

    def consume() -> None:
        try:
            streaming.run(stream, stopping=stopping)
        finally:
            connection.close()

    consumer = Thread(target=consume)
    consumer.start()
    try:
        assert is_killed.wait(TIMEOUT_S)
        assert 150 <= Event.objects.count() < 300
        broker.start()
        until(lambda: Event.objects.count() == 300 and waiting(broker, "mortal") == 0)
    finally:
        stopping.set()
        consumer.join(TIMEOUT_S)

    assert not consumer.is_alive()
    assert stream.batches > 6, "what was not settled came again"
    assert not Rejection.objects.exists()


def test_a_reader_that_is_killed_after_the_commit_leaves_nothing_but_duplicates(
    club: Office, broker: Broker, publish: Publish, database_url: str
) -> None:
    stream = RabbitStream(broker.url, "reader")
    streaming.take_batch(stream, wait_s=0.1)
    stream.close()
    publish("reader", *(told(f"{number}") for number in range(20)))

    died = subprocess.run(
        [sys.executable, "-c", DIES_BEFORE_IT_ANSWERS],
        cwd=BASE,
        env=environment(broker, "reader", database_url),
        check=False,
        timeout=TIMEOUT_S,
    )
    assert died.returncode == -signal.SIGKILL
    written = Event.objects.count()
    assert written > 0
    until(lambda: waiting(broker, "reader") == 20)  # none was settled

    counts = streaming.take_batch(stream, wait_s=5)
    stream.close()

    assert (counts.duplicate, counts.new) == (written, 20 - written)
    assert Event.objects.count() == 20


def test_the_program_takes_events_until_it_is_told_to_end(
    club: Office, broker: Broker, publish: Publish, database_url: str
) -> None:
    program = subprocess.Popen(
        [sys.executable, "-m", "club", "broker"],
        cwd=BASE,
        env=environment(broker, "program", database_url),
    )
    try:
        until(lambda: is_there(broker, "program"))
        publish("program", told("1"), told("2"))
        until(lambda: Event.objects.count() == 2)
        program.send_signal(signal.SIGTERM)
        assert program.wait(TIMEOUT_S) == 0
    finally:
        program.kill()
        program.wait()
    assert waiting(broker, "program") == 0


def test_a_broker_that_is_not_there_is_said_without_its_password() -> None:
    stream = RabbitStream("amqp://club:secret@127.0.0.1:1/", "none")

    with pytest.raises(StreamLost, match=r"the broker at 127\.0\.0\.1 is out of reach") as refusal:
        stream.receive(limit=1, wait_s=0.1)

    assert "secret" not in str(refusal.value)


def test_a_queue_that_goes_away_is_noticed(club: Office, broker: Broker) -> None:
    stream = RabbitStream(broker.url, "brief")
    stream.receive(limit=1, wait_s=0.1)
    link = pika.BlockingConnection(pika.URLParameters(broker.url))
    link.channel().queue_delete("brief")
    link.close()

    with pytest.raises(StreamLost, match="the queue brief is gone"):
        stream.receive(limit=1, wait_s=10)

    stream.close()
    assert stream.receive(limit=1, wait_s=0.1) == []  # it is there again
    stream.close()


def is_there(broker: Broker, queue: str) -> bool:
    try:
        return waiting(broker, queue) == 0
    except pika.exceptions.ChannelClosedByBroker:
        return False


def environment(broker: Broker, queue: str, database_url: str) -> dict[str, str]:
    return os.environ | {
        "DATABASE_URL": database_url,
        "DJANGO_SETTINGS_MODULE": "club.settings",
        "CLUB_SECRET_KEY": "of the tests",
        "CLUB_EVENT_SOURCES": '{"billing": {}}',
        "CLUB_BROKER_URL": broker.url,
        "CLUB_BROKER_QUEUE": queue,
    }

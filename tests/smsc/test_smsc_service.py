"""The whole way: outbox in PostgreSQL → service → centre → receipt → outbox."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from django.db import connection

from club.integrations.smsc import ownership
from club.integrations.smsc.config import Contract
from club.integrations.smsc.pdu import Command
from club.integrations.smsc.service import Service
from club.integrations.smsc.session import Link
from club.messages import actions
from club.messages.models import Inbound, Message
from club.messages.rules import State
from tests.smsc_centre import Centre, eventually

pytestmark = pytest.mark.usefixtures("outbox_tables")

LONG = "Ҳурматли мижоз! Сизга 5 000 сўм ўтказилди – раҳмат. " * 4
MSISDN = "998901234567"
numbers = count(1)


def queue(text: str = "Hi", *, is_secret: bool = False, msisdn: str = MSISDN) -> Message:
    return actions.queue(
        "test",
        msisdn=msisdn,
        language="en",
        values={"text": text},
        dedupe_key=f"test {next(numbers)}",
        now=datetime.now(UTC),
        lifetime=timedelta(minutes=3),
        is_secret=is_secret,
    )


def state(message: Message) -> State:
    message.refresh_from_db()
    return State(message.state)


def becomes(message: Message, wanted: State) -> None:
    eventually(lambda: state(message) == wanted, f"{wanted}, it is {state(message)}")


@contextmanager
def serving(centre: Centre, **changes: object) -> Iterator[Callable[[], None]]:
    """The service in a thread of its own, bound to this centre; stopped cleanly afterwards.

    Gives the call that stops it sooner.
    """
    values: dict[str, object] = {"rate_per_s": 2_000.0, "retry_delay_s_max": 0.2, **changes}
    bind = values.pop("binds", (Command.BIND_TRANSCEIVER,))
    link = Link("127.0.0.1", centre.port, "club", "secret", **values)  # type: ignore[arg-type]
    links = tuple(Link(**{**vars(link), "bind": one}) for one in bind)  # type: ignore[attr-defined]
    started, ends, holder = threading.Event(), [], []

    async def run() -> None:
        holder.append(
            (Service(Contract("club@test", links, "Beeline")), asyncio.get_running_loop())
        )
        started.set()
        await holder[0][0].run()

    def in_thread() -> None:
        try:
            asyncio.run(run())
        except BaseException as error:
            ends.append(error)
            raise

    thread = threading.Thread(target=in_thread)
    thread.start()
    started.wait()
    service, loop = holder[0]

    def stop() -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(service.stop)
        thread.join(20)

    try:
        yield stop
    finally:
        stop()
    assert not thread.is_alive()
    assert ends == []


def test_a_queued_message_is_delivered_and_its_receipt_written_down(centre: Centre) -> None:
    with serving(centre):
        message = queue("Sizga 500 soʻm qoʻshildi")
        becomes(message, State.DELIVERED)

    assert centre.texts(MSISDN) == ["Sizga 500 so'm qo'shildi"]
    part = message.parts.get()
    assert (part.centre, part.state, part.error_code) == ("club@test", "delivered", "000")
    assert message.attempts == 1
    assert message.sent_at is not None
    assert message.settled_at is not None


def test_a_long_message_is_delivered_when_every_part_is(centre: Centre) -> None:
    with serving(centre):
        message = queue(LONG)
        becomes(message, State.DELIVERED)

    assert centre.texts(MSISDN) == [LONG]
    assert message.parts.count() == len(centre.submits()) == 4


def test_a_code_is_erased_once_it_is_sent(centre: Centre) -> None:
    with serving(centre):
        message = queue("Код: 123456", is_secret=True)
        becomes(message, State.DELIVERED)

    assert message.text == ""
    assert centre.texts(MSISDN) == ["Код: 123456"]


def test_a_hundred_messages_leave_exactly_once(centre: Centre) -> None:
    messages = [queue(f"Hi {n}", msisdn=str(998_900_000_000 + n)) for n in range(100)]
    with serving(centre):
        eventually(lambda: Message.objects.filter(state=State.DELIVERED).count() == 100)

    assert centre.all_texts() == {m.msisdn: [m.text] for m in messages}


def test_a_throttled_centre_is_left_alone_and_gets_everything_later(centre: Centre) -> None:
    centre.behave(submit_status=88)
    with serving(centre):
        messages = [queue(f"Hi {n}") for n in range(5)]
        for message in messages:
            eventually(lambda m=message: state(m) == State.QUEUED and m.attempts == 1)
            assert message.last_error == "smpp_0x58"
        centre.reset()
        for message in messages:
            becomes(message, State.DELIVERED)

    assert sorted(centre.texts(MSISDN)) == [f"Hi {n}" for n in range(5)]


def test_a_refused_number_is_not_tried_again(centre: Centre) -> None:
    centre.behave(submit_status=0x0B)
    with serving(centre):
        message = queue()
        becomes(message, State.REFUSED)
        centre.behave()
        becomes(queue("After it"), State.DELIVERED)

    assert message.last_error == "smpp_0x0b"
    assert len(centre.submits()) == 2


def test_a_text_too_long_is_refused_and_the_next_one_leaves(simulated: Centre) -> None:
    with serving(simulated):
        message, after = queue("я" * 671), queue("After it")
        becomes(message, State.REFUSED)
        becomes(after, State.DELIVERED)

    assert message.last_error == "text_too_long"
    assert simulated.texts(MSISDN) == ["After it"]


def test_a_cut_after_the_submit_is_unknown_and_is_not_sent_again(centre: Centre) -> None:
    centre.behave(drop_after=1)
    with serving(centre):
        message = queue("Only once")
        becomes(message, State.UNKNOWN)
        becomes(queue("After it"), State.DELIVERED)

    assert "the connection ended before the answer" in message.last_error
    assert centre.texts(MSISDN) == ["Only once", "After it"]


def test_a_code_lost_on_the_way_is_sent_once_more(centre: Centre) -> None:
    centre.behave(drop_after=1)
    with serving(centre):
        message = queue("123456", is_secret=True)
        becomes(message, State.DELIVERED)

    assert (message.attempts, message.unknown_attempts, message.text) == (2, 1, "")
    assert centre.texts(MSISDN) == ["123456", "123456"]


def test_an_undelivered_message_tells_the_cause(centre: Centre) -> None:
    centre.behave(dlr="UNDELIV", dlr_err="0A1")
    with serving(centre):
        message = queue()
        becomes(message, State.UNDELIVERED)

    assert message.parts.get().error_code == "0A1"


def test_messages_wait_in_the_outbox_while_the_centre_is_away(mortal_centre: Centre) -> None:
    with serving(mortal_centre):
        becomes(queue(), State.DELIVERED)
        assert mortal_centre.stop() == 0
        eventually(lambda: ownership.problem() == "the message centre is not bound")
        message = queue("Waits")
        time.sleep(0.3)
        assert (state(message), message.attempts) == (State.QUEUED, 0)
        mortal_centre.start()
        becomes(message, State.DELIVERED)

    assert mortal_centre.texts(MSISDN) == ["Waits"]


def test_a_subscribers_message_is_kept_before_it_is_acknowledged(centre: Centre) -> None:
    with serving(centre):
        eventually(lambda: centre.binds())
        for text in ("Баланс", "Баланс", "Дўст"):
            assert centre.write(source=MSISDN, to="776", text=text) == 0

    kept = Inbound.objects.order_by("id").values_list("source", "destination", "text")
    assert list(kept) == [(MSISDN, "776", "Баланс"), (MSISDN, "776", "Дўст")]


def test_a_receipt_before_the_answer_finds_its_message(simulated: Centre) -> None:
    simulated.behave(dlr_first=True)
    with serving(simulated):
        becomes(queue(), State.DELIVERED)


def test_an_answer_after_its_time_out_is_still_a_proof(simulated: Centre) -> None:
    simulated.behave(submit_delay_ms=500)
    with serving(simulated, answer_timeout_s=0.2):
        message = queue()
        becomes(message, State.DELIVERED)

    assert (message.attempts, message.unknown_attempts) == (1, 1)
    assert len(simulated.submits()) == 1


def test_a_pair_of_binds_sends_on_one_and_hears_on_the_other(simulated: Centre) -> None:
    with serving(simulated, binds=(Command.BIND_TRANSMITTER, Command.BIND_RECEIVER)):
        becomes(queue(), State.DELIVERED)
        assert sorted(str(b["type"]) for b in simulated.binds()) == ["receiver", "transmitter"]


def test_the_service_survives_the_loss_of_its_database_connections(simulated: Centre) -> None:
    with serving(simulated):
        becomes(queue(), State.DELIVERED)
        with connection.cursor() as cursor:
            cursor.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
            )
        message = queue("After it")
        becomes(message, State.DELIVERED)

    assert simulated.texts(MSISDN) == ["Hi", "After it"]


def test_a_second_process_stands_by_until_the_first_is_gone(simulated: Centre) -> None:
    with serving(simulated) as stop_the_first:
        eventually(lambda: ownership.problem() == "")
        with serving(simulated):
            time.sleep(0.3)
            assert len(simulated.binds()) == 1
            stop_the_first()
            becomes(queue(), State.DELIVERED)
            assert len(simulated.binds()) == 1
    eventually(lambda: ownership.problem() == "no process sends messages")


@contextmanager
def program(centre: Centre, database_url: str) -> Iterator[subprocess.Popen[bytes]]:
    """The service as a program of its own, which is killed at the end if it still lives."""
    environment = {
        **os.environ,
        "DATABASE_URL": database_url,
        "CLUB_SMSC_PORT": str(centre.port),
        "CLUB_SECRET_KEY": "of the tests",
        "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", "club.settings"),
    }
    command = [sys.executable, "-m", "club.integrations.smsc"]
    with subprocess.Popen(command, env=environment) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_process_killed_in_the_middle_leaves_its_message_unknown(
    simulated: Centre, database_url: str
) -> None:
    simulated.behave(no_answer=1)
    message = queue("Only once")

    with program(simulated, database_url):
        eventually(lambda: simulated.submits())
    assert state(message) == State.SENDING

    with program(simulated, database_url) as second:
        becomes(message, State.UNKNOWN)
        after = queue("After it")
        becomes(after, State.DELIVERED)
        second.send_signal(signal.SIGTERM)
        assert second.wait(20) == 0

    assert message.last_error == "the sender stopped in the middle"
    assert simulated.texts(MSISDN) == ["Only once", "After it"]
    assert simulated.binds() == []


def test_a_stop_waits_for_the_answers_that_are_on_their_way(centre: Centre) -> None:
    centre.behave(submit_delay_ms=300, dlr="none")
    with serving(centre):
        message = queue()
        eventually(lambda: centre.submits())

    assert state(message) == State.SENT
    assert message.parts.get().centre_id != ""

"""The ESME over real sockets, against our simulator and against the foreign centre."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from club.integrations.smsc import receipt, text
from club.integrations.smsc.config import Contract
from club.integrations.smsc.esme import Esme, Outcome
from club.integrations.smsc.pdu import (
    ANSWER,
    BindAnswer,
    Body,
    Command,
    Empty,
    MessageAnswer,
    Pdu,
    ShortMessage,
    Status,
    encode,
)
from club.integrations.smsc.session import BindRefused, Link, bound, read_pdu
from club.messages.rules import State
from club.outcomes import Done, Refused, Unknown
from tests.smsc_centre import Centre, eventually

MSISDN = "998901234567"
LIFETIME = timedelta(minutes=3)
CYRILLIC = "Ҳурматли мижоз! Сизга 5 000 сўм ўтказилди – раҳмат. " * 6


class Kept:
    """What the ESME handed on; answers as told."""

    def __init__(self) -> None:
        self.messages: list[ShortMessage] = []
        self.status = Status.OK
        self.fails = 0

    async def __call__(self, messages: Sequence[ShortMessage]) -> Sequence[int]:
        if self.fails:
            self.fails -= 1
            raise ConnectionError("the database is away")
        self.messages += messages
        return [self.status] * len(messages)

    def receipts(self) -> list[receipt.Receipt]:
        return [told for message in self.messages if (told := receipt.read(message))]


def link(centre: Centre, **changes: object) -> Link:
    values: dict[str, object] = {"rate_per_s": 10_000.0, "retry_delay_s_max": 0.2, **changes}
    return Link("127.0.0.1", centre.port, "club", "secret", **values)  # type: ignore[arg-type]


@asynccontextmanager
async def running(wanted: Link, kept: Kept | None = None) -> AsyncIterator[Esme]:
    esme = Esme(wanted, on_deliver=kept or Kept())
    run = asyncio.create_task(esme.run())
    async with asyncio.timeout(20):
        await esme.is_bound.wait()
        yield esme
        esme.stop()
        await run


async def send(
    esme: Esme, words: str, *, reference: int = 1, msisdn: str = MSISDN
) -> list[Outcome]:
    contract = Contract("test", (esme.link,), "Beeline")
    return [
        await esme.submit(contract.submit(msisdn, piece, lifetime=LIFETIME))
        for piece in text.split(words, reference=reference)
    ]


async def until(is_so: Callable[[], object]) -> None:
    async with asyncio.timeout(15):
        while not is_so():  # noqa: ASYNC110  # Another process changes.
            await asyncio.sleep(0.01)


# ---- what both centres must see alike ------------------------------------------------------------


def test_a_cyrillic_message_arrives_as_it_was_written(centre: Centre) -> None:
    async def story() -> None:
        async with running(link(centre)) as esme:
            assert all(isinstance(o, Done) for o in await send(esme, "Ваш код: 123456 – никому"))

    asyncio.run(story())

    assert centre.texts(MSISDN) == ["Ваш код: 123456 – никому"]
    [part] = centre.submits()
    assert part["data_coding"] == 8
    assert (part["source"], part["source_ton"]) == ("Beeline", 5)
    assert part["registered_delivery"] == 1


def test_uzbek_apostrophes_arrive_as_one_gsm_message(centre: Centre) -> None:
    async def story() -> None:
        async with running(link(centre)) as esme:
            await send(esme, "Sizga 5 000 soʻm qoʼshildi: ‘Beeline’ [€5] ~ {ok}")

    asyncio.run(story())

    assert centre.texts(MSISDN) == ["Sizga 5 000 so'm qo'shildi: 'Beeline' [€5] ~ {ok}"]
    assert [part["data_coding"] for part in centre.submits()] == [0]


@pytest.mark.parametrize("words", [CYRILLIC, "Soʻm {€} " * 40, "😀" * 100])
def test_a_long_message_is_put_together_again_equal(centre: Centre, words: str) -> None:
    async def story() -> list[Outcome]:
        async with running(link(centre)) as esme:
            return await send(esme, words, reference=200)

    outcomes = asyncio.run(story())

    assert len(outcomes) > 1
    assert all(isinstance(outcome, Done) for outcome in outcomes)
    assert centre.texts(MSISDN) == [text.fold(words)]


def test_three_hundred_long_messages_arrive_each_as_written(centre: Centre) -> None:
    numbers = [str(998_900_000_000 + n) for n in range(310)]

    async def story() -> None:
        async with running(link(centre, window=50)) as esme:
            sends = (send(esme, f"{n} {CYRILLIC}", reference=int(n), msisdn=n) for n in numbers)
            for outcomes in await asyncio.gather(*sends):
                assert all(isinstance(outcome, Done) for outcome in outcomes)

    asyncio.run(story())

    assert centre.all_texts() == {number: [f"{number} {CYRILLIC}"] for number in numbers}


def test_a_receipt_tells_by_the_id_of_the_answer(centre: Centre) -> None:
    kept = Kept()

    async def story() -> Outcome:
        async with running(link(centre), kept) as esme:
            [outcome] = await send(esme, "Hi")
            await until(kept.receipts)
            return outcome

    outcome = asyncio.run(story())

    assert isinstance(outcome, Done)
    assert kept.receipts() == [receipt.Receipt(outcome.value, State.DELIVERED, "000")]


def test_a_failed_delivery_tells_its_cause(centre: Centre) -> None:
    kept = Kept()
    centre.behave(dlr="UNDELIV", dlr_err="0A1")

    async def story() -> None:
        async with running(link(centre), kept) as esme:
            await send(esme, "Hi")
            await until(kept.receipts)

    asyncio.run(story())
    assert [(r.state, r.error_code) for r in kept.receipts()] == [(State.UNDELIVERED, "0A1")]


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (0x58, Refused("smpp_0x58", is_for_now=True)),
        (0x14, Refused("smpp_0x14", is_for_now=True)),
        (0x08, Refused("smpp_0x08", is_for_now=True)),
        (0x0B, Refused("smpp_0x0b")),
        (0x45, Refused("smpp_0x45")),
    ],
)
def test_what_the_centre_refuses_ends_as_refused(
    centre: Centre, status: int, outcome: Outcome
) -> None:
    centre.behave(submit_status=status)

    async def story() -> None:
        async with running(link(centre)) as esme:
            assert await send(esme, "Hi") == [outcome]
            centre.behave()
            [after] = await send(esme, "Hi")
            assert isinstance(after, Done)

    asyncio.run(story())


def test_a_socket_cut_after_the_submit_is_unknown_and_the_bind_comes_back(centre: Centre) -> None:
    centre.behave(drop_after=1)

    async def story() -> None:
        async with running(link(centre)) as esme:
            [outcome] = await send(esme, "Hi")
            assert isinstance(outcome, Unknown)
            await until(lambda: not esme.is_bound.is_set())
            await esme.is_bound.wait()
            [after] = await send(esme, "Again")
            assert isinstance(after, Done)

    asyncio.run(story())
    assert [part["text"] for part in centre.submits()] == ["Hi", "Again"]


def test_an_answer_that_does_not_come_in_time_is_unknown_and_heard_late(centre: Centre) -> None:
    centre.behave(submit_delay_ms=400)
    late: list[Outcome] = []

    async def story() -> Outcome:
        async with running(link(centre, answer_timeout_s=0.1)) as esme:
            outcome = await esme.submit(ShortMessage(destination=MSISDN), on_late=late.append)
            assert isinstance(outcome, Unknown)
            await until(lambda: late)
            assert esme.is_bound.is_set()  # the centre answered our question whether it is there
            return outcome

    asyncio.run(story())
    assert [type(outcome) for outcome in late] == [Done]


def test_the_bind_comes_back_when_the_centre_is_restarted(mortal_centre: Centre) -> None:
    async def story() -> None:
        async with running(link(mortal_centre)) as esme:
            assert await asyncio.to_thread(mortal_centre.stop) == 0
            await until(lambda: not esme.is_bound.is_set())
            assert await send(esme, "Lost?") == [
                Refused("not_connected", "no bind at this moment", is_for_now=True)
            ]
            await asyncio.to_thread(mortal_centre.start)
            await esme.is_bound.wait()
            [outcome] = await send(esme, "Here again")
            assert isinstance(outcome, Done)

    asyncio.run(story())
    assert mortal_centre.texts(MSISDN) == ["Here again"]


def test_a_clean_stop_unbinds_and_loses_no_answer(centre: Centre) -> None:
    centre.behave(submit_delay_ms=200)

    async def story() -> Outcome:
        async with running(link(centre)) as esme:
            sending = asyncio.create_task(send(esme, "Last words"))
            await until(lambda: centre.submits())
            esme.stop()
            [outcome] = await sending
            return outcome

    assert isinstance(asyncio.run(story()), Done)
    eventually(lambda: centre.binds() == [], "unbound")


def test_a_subscribers_message_is_asked_for_again_until_it_is_kept(centre: Centre) -> None:
    kept = Kept()
    kept.fails = 1

    async def story() -> list[int]:
        async with running(link(centre), kept):
            return [
                await asyncio.to_thread(
                    lambda: centre.write(source=MSISDN, to="776", text="Баланс")
                )
                for _ in range(2)
            ]

    assert asyncio.run(story()) == [Status.RECEIVER_TEMPORARY, Status.OK]
    [message] = kept.messages
    assert (message.source, message.destination) == (MSISDN, "776")
    assert text.received(message).text == "Баланс"


def test_the_centre_is_asked_whether_it_is_there_while_nothing_happens(centre: Centre) -> None:
    async def story() -> None:
        async with running(link(centre, enquire_s=0.05, answer_timeout_s=0.5)) as esme:
            await asyncio.sleep(0.4)
            assert esme.is_bound.is_set()
            [outcome] = await send(esme, "Hi")
            assert isinstance(outcome, Done)

    asyncio.run(story())


# ---- what only the simulator can be told to do ---------------------------------------------------


def test_a_refused_bind_is_told_and_tried_again(simulated: Centre) -> None:
    simulated.behave(bind_status=Status.INVALID_PASSWORD)

    async def story() -> None:
        with pytest.raises(BindRefused, match="0x0e"):
            await bound(link(simulated), on_deliver=Kept())
        esme = Esme(link(simulated), on_deliver=Kept())
        run = asyncio.create_task(esme.run())
        await until(lambda: esme.last_error)
        assert "0x0e" in esme.last_error
        assert not esme.is_bound.is_set()
        simulated.behave()
        await esme.is_bound.wait()
        esme.stop()
        await run

    asyncio.run(story())


def test_a_receipt_may_overtake_its_answer(simulated: Centre) -> None:
    simulated.behave(dlr_first=True)
    kept = Kept()

    async def story() -> Outcome:
        async with running(link(simulated), kept) as esme:
            sending = asyncio.create_task(send(esme, "Hi"))
            await until(kept.receipts)
            assert not sending.done()
            return (await sending)[0]

    outcome = asyncio.run(story())
    assert isinstance(outcome, Done)
    assert kept.receipts()[0].centre_id == outcome.value


@pytest.mark.parametrize("window", [1, 7])
def test_no_more_submits_are_unanswered_than_the_window_allows(
    simulated: Centre, window: int
) -> None:
    simulated.behave(submit_delay_ms=20)

    async def story() -> object:
        async with running(link(simulated, window=window)) as esme:
            await asyncio.gather(*(send(esme, "Hi") for _ in range(window * 5)))
            [bind] = simulated.binds()
            return bind["unanswered_max"]

    assert asyncio.run(story()) == window


def test_what_does_not_fit_a_pdu_is_refused_and_nothing_leaves(simulated: Centre) -> None:
    async def story() -> None:
        async with running(link(simulated)) as esme:
            outcome = await esme.submit(ShortMessage(destination="9" * 21))
            assert isinstance(outcome, Refused)
            assert outcome.code == "does_not_fit"
            assert esme.is_bound.is_set()

    asyncio.run(story())
    assert simulated.submits() == []


def test_a_bind_for_receiving_only_takes_no_submit(simulated: Centre) -> None:
    async def story() -> None:
        async with running(link(simulated, bind=Command.BIND_RECEIVER)) as esme:
            assert await send(esme, "Hi") == [Refused("smpp_0x04", is_for_now=True)]

    asyncio.run(story())
    assert simulated.submits() == []


# ---- a centre that misbehaves on the wire --------------------------------------------------------


@pytest.mark.parametrize("ends_by", ["half an answer", "a reset", "a black hole"])
def test_whatever_cuts_the_answer_short_the_submit_is_unknown_and_sent_once(ends_by: str) -> None:
    submits = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal submits
        try:
            bind = await read_pdu(reader)
            writer.write(encode(Pdu(bind.command | ANSWER, bind.sequence)))
            submit = await read_pdu(reader)
            submits += submit.command == Command.SUBMIT_SM
            answer = encode(
                Pdu(submit.command | ANSWER, submit.sequence, MessageAnswer("00000001"))
            )
            if ends_by == "half an answer":
                writer.write(answer[: len(answer) // 2])
            elif ends_by == "a reset":
                writer.transport.abort()
            else:
                await reader.read()
        except (EOFError, OSError):
            pass
        finally:
            writer.close()

    async def story() -> Outcome:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            wanted = Link("127.0.0.1", port, "club", answer_timeout_s=0.2)
            esme = Esme(wanted, on_deliver=Kept())
            run = asyncio.create_task(esme.run())
            await esme.is_bound.wait()
            outcome = await esme.submit(ShortMessage(destination=MSISDN))
            esme.stop()
            await run
            return outcome

    assert isinstance(asyncio.run(story()), Unknown)
    assert submits == 1


def test_an_answer_that_drips_in_octet_by_octet_is_an_answer() -> None:
    bodies: dict[int, Body] = {
        Command.BIND_TRANSCEIVER: BindAnswer("slow"),
        Command.SUBMIT_SM: MessageAnswer("A1"),
    }

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                asked = await read_pdu(reader)
                body = bodies.get(asked.command, Empty())
                for octet in encode(Pdu(asked.command | ANSWER, asked.sequence, body)):
                    writer.write(bytes([octet]))
                    await asyncio.sleep(0.001)
        except (EOFError, OSError):
            writer.close()

    async def story() -> Outcome:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            async with running(Link("127.0.0.1", port, "club")) as esme:
                return await esme.submit(ShortMessage(destination=MSISDN))

    assert asyncio.run(story()) == Done("A1")


@asynccontextmanager
async def odd_centre(*frames: bytes) -> AsyncIterator[tuple[Link, list[Pdu]]]:
    """Answers the bind, then says these frames; collects what it hears."""
    heard: list[Pdu] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            bind = await read_pdu(reader)
            writer.write(encode(Pdu(bind.command | ANSWER, bind.sequence)))
            for frame in frames:
                writer.write(frame)
            while True:
                heard.append(await read_pdu(reader))
        except (EOFError, OSError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield Link("127.0.0.1", port, "club", answer_timeout_s=0.2, retry_delay_s_max=0.2), heard


def test_an_unreadable_delivery_is_answered_so_that_it_does_not_come_for_ever() -> None:
    frame = encode(Pdu(Command.DELIVER_SM, 5, ShortMessage(tlvs=((1, b"abc"),))))
    broken = (len(frame) - 1).to_bytes(4, "big") + frame[4:-1]
    good = encode(Pdu(Command.DELIVER_SM, 6, ShortMessage(source=MSISDN)))
    strange = encode(Pdu(Command.BIND_RECEIVER, 7))[:4] + b"\0\0\1\2" + bytes(4) + b"\0\0\0\x07"
    strange = len(strange).to_bytes(4, "big") + strange[4:]
    kept = Kept()

    async def story() -> list[tuple[int, int, int]]:
        async with odd_centre(broken, good, strange) as (wanted, heard):
            session = await bound(wanted, on_deliver=kept)
            await until(lambda: len(heard) >= 3)
            await session.end("the test is over")
            return sorted((pdu.sequence, pdu.command, pdu.status) for pdu in heard[:3])

    answer = Command.DELIVER_SM | ANSWER
    assert asyncio.run(story()) == [
        (5, answer, Status.INVALID_OPTIONAL_PART),
        (6, answer, Status.OK),
        (7, Command.GENERIC_NACK, Status.INVALID_COMMAND),
    ]
    assert [message.source for message in kept.messages] == [MSISDN]


def test_a_stream_out_of_step_ends_the_connection() -> None:
    async def story() -> str:
        async with odd_centre(b"HTTP/1.1 400 Bad Request\r\n\r\n") as (wanted, _):
            session = await bound(wanted, on_deliver=Kept())
            return await session.ended()

    assert "a PDU of" in asyncio.run(story())


def test_a_silent_centre_is_left_and_what_was_asked_is_unknown() -> None:
    async def story() -> Outcome:
        async with odd_centre() as (wanted, heard):
            esme = Esme(wanted, on_deliver=Kept())
            run = asyncio.create_task(esme.run())
            await esme.is_bound.wait()
            outcome = await esme.submit(ShortMessage(destination=MSISDN))
            await until(lambda: not esme.is_bound.is_set())
            esme.stop()
            await run
            assert [pdu.command for pdu in heard[:2]] == [Command.SUBMIT_SM, Command.ENQUIRE_LINK]
            return outcome

    assert asyncio.run(story()) == Unknown("no answer in 0.2 s")

"""What the demo's phone sees of the simulated message centre, and how the process behaves."""

import asyncio
import socket
import subprocess
import sys

import httpx

from club.integrations.smsc import text
from club.integrations.smsc.config import Contract
from club.integrations.smsc.esme import Esme
from club.integrations.smsc.session import Link
from tests.smsc_centre import BASE, LIFETIME, Centre, eventually, keep_nothing, simulator, started

ONE, TWO = "998901234567", "998901234568"
LONG = "Ваш баланс пополнен. " * 10


def say(centre: Centre, *sent: tuple[str, str]) -> None:
    async def story() -> None:
        link = Link("127.0.0.1", centre.port, "club", rate_per_s=1_000)
        esme = Esme(link, on_deliver=keep_nothing)
        run = asyncio.create_task(esme.run())
        await esme.is_bound.wait()
        for number, (msisdn, words) in enumerate(sent):
            for piece in text.split(words, reference=number):
                contract = Contract("test", (link,), "Beeline")
                await esme.submit(contract.submit(msisdn, piece, lifetime=LIFETIME))
        esme.stop()
        await run

    asyncio.run(story())


def messages(centre: Centre, **query: str) -> list[dict[str, object]]:
    answer = httpx.get(f"{centre.url}/messages", params=query).raise_for_status()
    return list(answer.json())


def test_the_phone_of_one_number_shows_whole_messages_the_oldest_first(simulated: Centre) -> None:
    say(simulated, (ONE, "Код: 123456"), (TWO, "Hi"), (ONE, LONG))

    shown = [(m["sender"], m["text"], m["parts"]) for m in messages(simulated, msisdn=ONE)]

    assert shown == [("Beeline", "Код: 123456", 1), ("Beeline", LONG, 4)]
    assert [m["msisdn"] for m in messages(simulated)] == [ONE, TWO, ONE]


def test_the_last_thousand_messages_are_kept(simulated: Centre) -> None:
    say(simulated, *((ONE, f"{n}") for n in range(1_001)))

    kept = messages(simulated)

    assert len(kept) == 1_000
    assert (kept[0]["text"], kept[-1]["text"]) == ("1", "1000")


def test_a_call_that_does_not_exist_or_cannot_be_read_is_an_error(simulated: Centre) -> None:
    assert httpx.get(f"{simulated.url}/nothing").status_code == 404
    assert httpx.post(f"{simulated.url}/behaviour", content=b"{").status_code == 400
    assert httpx.post(f"{simulated.url}/behaviour", json={"mood": "bad"}).status_code == 400
    assert httpx.post(f"{simulated.url}/mo", json={"from": ONE}).status_code == 400
    message = {"from": ONE, "to": "776", "text": "Hi"}
    assert httpx.post(f"{simulated.url}/mo", json=message).status_code == 409
    assert httpx.post(f"{simulated.url}/behaviour", content=b"x" * 70_000).status_code == 400


def test_octets_that_are_no_smpp_end_their_connection_only(simulated: Centre) -> None:
    with socket.create_connection(("127.0.0.1", simulated.port), timeout=5) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert connection.recv(100) == b""
    say(simulated, (ONE, "Still here"))
    assert simulated.texts(ONE) == ["Still here"]


def test_a_taken_port_gives_one_clear_line(simulated: Centre) -> None:
    command = [sys.executable, "-m", "simulators.smsc", "--port", str(simulated.port)]
    ended = subprocess.run(
        [*command, "--http-port", "0"], cwd=BASE, capture_output=True, text=True, timeout=20
    )
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert "address already in use" in ended.stderr


def test_a_stop_unbinds_whoever_is_bound_and_exits_cleanly() -> None:
    async def story(centre: Centre) -> None:
        esme = Esme(Link("127.0.0.1", centre.port, "club"), on_deliver=keep_nothing)
        run = asyncio.create_task(esme.run())
        await esme.is_bound.wait()
        assert await asyncio.to_thread(centre.stop) == 0
        await asyncio.to_thread(eventually, lambda: "unbound us" in esme.last_error)
        esme.stop()
        await run

    with started(simulator()) as centre:
        asyncio.run(story(centre))

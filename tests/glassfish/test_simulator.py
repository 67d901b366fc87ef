"""The simulator as a server and as a program: as strict as the real one, and gone when told."""

import http.client
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import zeep

from simulators import glassfish
from simulators.glassfish import BODY_BYTES_MAX, Server, Subscribers
from tests.glassfish.conftest import Peer
from tests.glassfish.test_codec import REQUEST, SOC, envelope


@pytest.mark.parametrize(
    "body",
    [
        b"not xml",
        b"<!DOCTYPE a>" + envelope(REQUEST),
        envelope(REQUEST.replace(SOC, SOC + "<evil/>")),
        envelope("<unheard/>"),
        envelope(REQUEST) + b" " * BODY_BYTES_MAX,
    ],
    ids=["not XML", "a DTD", "an unknown element", "an unknown operation", "too large"],
)
def test_a_request_outside_the_contract_is_the_clients_fault_and_nothing_arrives(
    simulator: Peer, body: bytes
):
    before = simulator.requests()

    status, answer = post(simulator.url, body)

    assert status == 500
    assert b"<faultcode>s:Client</faultcode>" in answer
    assert b"Traceback" not in answer
    assert simulator.requests() == before


def test_a_client_without_our_file_reads_the_contract_from_the_server(simulator: Peer):
    client = zeep.Client(simulator.url + "?wsdl")

    answer = client.service.addService(
        token="", msisdn="998901234541", soc="PACK", requestId="by-its-own-wsdl"
    )

    assert answer.state == "ACCEPTED"
    assert simulator.arrived("by-its-own-wsdl") == (1, 1)


def test_what_arrived_is_shown_without_numbers(simulator: Peer):
    post(simulator.url, envelope(REQUEST))

    status, shown = get(simulator.url.replace("/SubscriberService", "/requests"))

    assert status == 200
    assert b"PACK" in shown
    assert b"998901234541" not in shown


def test_its_memory_is_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(glassfish, "REQUESTS_MAX", 3)
    subscribers = Subscribers(hang_s=0, work_s=0)

    for number in range(5):
        subscribers.add_service(token="", msisdn="998901234541", soc="PACK", request_id=str(number))

    assert [each["requestId"] for each in subscribers.arrived()] == ["2", "3", "4"]


@pytest.fixture
def fresh() -> Iterator[Server]:
    with Server(0, work_s=0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_one_connection_carries_many_requests(fresh: Server):
    address = urlsplit(fresh.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=5)
    try:
        for _ in range(3):
            connection.request("POST", address.path, envelope(REQUEST))
            assert connection.getresponse().read().count(b"<state>DONE</state>") == 1
    finally:
        connection.close()

    assert [each["arrivals"] for each in fresh.subscribers.arrived()] == [3]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_as_a_program_it_says_where_it_is_and_ends_when_told(number: signal.Signals):
    command = [sys.executable, "-m", "simulators.glassfish", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        word, name, url = process.stdout.readline().split()
        assert (word, name) == ("READY", "glassfish")
        assert get(url.removeprefix("url=") + "?wsdl")[0] == 200

        process.send_signal(number)

        assert process.wait(timeout=10) == 0


def get(url: str) -> tuple[int, bytes]:
    return _ask("GET", url, None)


def post(url: str, body: bytes) -> tuple[int, bytes]:
    return _ask("POST", url, body)


def _ask(method: str, url: str, body: bytes | None) -> tuple[int, bytes]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    try:
        connection.request(method, f"{parts.path}?{parts.query}", body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()

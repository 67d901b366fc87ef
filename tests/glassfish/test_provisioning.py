"""The adapter against whoever keeps the contract: what each answer means."""

import logging
import time

import pytest
import zeep

from club.integrations.glassfish import WSDL
from club.integrations.glassfish.provisioning import GlassfishProvisioning
from club.orders.ports import Outcome
from club.outcomes import Done, Refused, Unknown, Waiting
from tests.glassfish.conftest import HANG_S, TOKEN, WORK_S, Peer

NUMBER = "998901234"


def submit(request_id: str, ending: str) -> Outcome:
    return GlassfishProvisioning().submit(
        service_code="PACK_100", msisdn=NUMBER + ending, request_id=request_id
    )


def status(request_id: str) -> Outcome:
    return GlassfishProvisioning().status(request_id=request_id)


def settled(request_id: str) -> Outcome:
    """Its status once the peer has finished its work."""
    time.sleep(WORK_S * 1.5)
    return status(request_id)


def test_a_request_is_accepted_and_done_a_moment_later(peer: Peer, request_id: str):
    assert submit(request_id, "541") == Waiting()

    assert settled(request_id) == Done("Хизмат уланди")
    assert peer.arrived(request_id) == (1, 1)


def test_a_repeated_request_id_switches_on_once(peer: Peer, request_id: str):
    provisioning = GlassfishProvisioning()
    for _ in range(3):
        provisioning.submit(service_code="P", msisdn=NUMBER + "541", request_id=request_id)

    assert peer.arrived(request_id) == (3, 1)


def test_a_typed_fault_is_a_refusal_in_its_own_words(peer: Peer, request_id: str):
    assert submit(request_id, "404") == Refused("SUBS-404", "Абонент топилмади")
    assert peer.arrived(request_id) == (1, 0)


def test_a_service_that_is_on_already_is_done(peer: Peer, request_id: str):
    assert submit(request_id, "409") == Done("Хизмат аллақачон уланган")


def test_an_accepted_request_may_be_refused_later(peer: Peer, request_id: str):
    assert submit(request_id, "422") == Waiting()

    assert settled(request_id) == Refused("SOC-422", "Тарифга мос эмас")
    assert peer.arrived(request_id) == (1, 0)


def test_a_server_fault_proves_nothing(peer: Peer, request_id: str):
    assert submit(request_id, "503") == Unknown("the other side failed")
    assert status(request_id) == Refused("unknown_request", "Сўров топилмади")


def test_a_peer_that_hangs_after_accepting_leaves_it_unknown_and_tells_by_status(
    peer: Peer, request_id: str
):
    assert submit(request_id, "504") == Unknown("no answer: ReadTimeout")

    assert settled(request_id) == Done("Хизмат уланди")
    assert peer.arrived(request_id) == (1, 1)


def test_a_peer_that_hangs_before_accepting_does_not_know_the_request(peer: Peer, request_id: str):
    assert submit(request_id, "505") == Unknown("no answer: ReadTimeout")

    assert status(request_id) == Refused("unknown_request", "Сўров топилмади")
    assert peer.arrived(request_id) == (1, 0)


def test_a_request_may_be_accepted_after_its_status_was_unknown(peer: Peer, request_id: str):
    assert submit(request_id, "506") == Unknown("no answer: ReadTimeout")
    assert status(request_id) == Refused("unknown_request", "Сўров топилмади")

    time.sleep(HANG_S)
    assert settled(request_id) == Done("Хизмат уланди")


def test_neither_number_nor_token_is_ever_logged(
    peer: Peer, request_id: str, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)

    for ending in ("541", "404", "503"):
        submit(request_id, ending)

    assert NUMBER not in caplog.text
    assert TOKEN not in caplog.text


def test_the_published_contract_is_the_one_we_keep(peer: Peer):
    def signatures(wsdl: str) -> dict[str, str]:
        service = zeep.Client(wsdl).wsdl.services["SubscriberService"]
        operations = service.ports["SubscriberPort"].binding._operations.values()
        return {str(each): str(each.faults) for each in operations}

    ours, theirs = signatures(str(WSDL)), signatures(peer.url + "?wsdl")

    assert len(ours) == 2
    assert ours.keys() == theirs.keys()

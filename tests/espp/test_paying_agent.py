"""The simulated agent behaves as a careful agent does; our tests stand on it."""

import threading
from collections.abc import Iterator
from datetime import datetime

import httpx
import pytest

from club.clock import TASHKENT
from club.integrations.espp import messages
from club.integrations.espp.messages import (
    Accepted,
    AcceptRefused,
    CheckRefused,
    Permitted,
    State,
    StateRefused,
)
from club.outcomes import Done, Refused, Unknown
from simulators.espp import PayingAgent, Server

NOON = datetime(2026, 8, 1, 12, 0, tzinfo=TASHKENT)
PERMITTED = Permitted(espp_id="8001")
ACCEPTED = Accepted(accepted_at=NOON, acceptance="1")
KNOWN = State(state=State.ACCEPTED, accepted_at=NOON, acceptance="1")
SILENCE = None


class OtherSide:
    """Answers by the request's name; None is a time-out after the request left."""

    def __init__(self, check=PERMITTED, accept=ACCEPTED, state=KNOWN) -> None:
        self._answers = {"ESPP_0104010": check, "ESPP_0104090": accept, "ESPP_0104085": state}
        self.heard: list[messages.Message] = []

    def __call__(self, body: bytes) -> bytes:
        request = messages.parse(body)
        self.heard.append(request)
        answer = self._answers[request.name]
        if answer is SILENCE:
            raise httpx.ReadTimeout("nobody answered")
        return messages.write(answer)

    def names(self) -> list[str]:
        return [request.name[-7:] for request in self.heard]


def pay(other_side: OtherSide) -> Done | Refused | Unknown:
    return PayingAgent(other_side).pay("998901234567", amount_uzs=50_000, at=NOON)


def test_a_payment_is_checked_and_its_document_carries_the_id_of_the_check():
    other_side = OtherSide()
    paid = pay(other_side)
    assert isinstance(paid, Done)
    assert other_side.names() == ["0104010", "0104090"]
    assert other_side.heard[1] == paid.value
    assert paid.value.espp_id == "8001"


def test_after_a_silence_the_agent_asks_and_never_sends_the_document_again():
    other_side = OtherSide(accept=SILENCE)
    assert isinstance(pay(other_side), Done)
    assert other_side.names() == ["0104010", "0104090", "0104085"]


@pytest.mark.parametrize("state", [SILENCE, StateRefused(number=651)])
def test_a_silence_that_nobody_clears_up_stays_unknown(state):
    other_side = OtherSide(accept=SILENCE, state=state)
    assert isinstance(pay(other_side), Unknown)
    assert other_side.names().count("0104090") == 1


def test_a_refused_check_sends_no_document():
    other_side = OtherSide(check=CheckRefused(number=201, text="no such number"))
    assert pay(other_side) == Refused("201", "no such number")
    assert other_side.names() == ["0104010"]


def test_a_refused_document_is_refused():
    other_side = OtherSide(accept=AcceptRefused(number=357, text="known with another sum"))
    assert pay(other_side) == Refused("357", "known with another sum")


# ---- its till ----------------------------------------------------------------------------------------


@pytest.fixture
def other_side() -> OtherSide:
    return OtherSide()


@pytest.fixture
def till(other_side) -> Iterator[str]:
    with Server(0, post=other_side) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"{server.url}/payments"
        server.shutdown()


def test_the_till_pays_through_the_agent_it_is_asked_for(till, other_side):
    wish = {"msisdn": "998901234567", "amount_uzs": 50_000, "agent": "paynet"}
    answer = httpx.post(till, json=wish)
    assert answer.status_code == 201
    assert answer.text == other_side.heard[1].payment_id
    assert other_side.heard[1].agent == "paynet"


def test_the_till_repeats_a_refusal_in_its_own_words(till, other_side):
    other_side._answers["ESPP_0104010"] = CheckRefused(number=201, text="no such number")
    answer = httpx.post(till, json={"msisdn": "1", "amount_uzs": 1})
    assert (answer.status_code, answer.text) == (422, "no such number")


@pytest.mark.parametrize(
    "wish", [{}, [], {"msisdn": "1", "amount_uzs": "much"}, {"msisdn": "1", "agent": "x"}]
)
def test_the_till_asks_for_what_is_missing(till, other_side, wish):
    assert httpx.post(till, json=wish).status_code == 400
    assert other_side.heard == []

"""POST /intake/espp: whose certificate it is, and a register at the same door."""

import json
from datetime import datetime

import pytest

from club.accrual.models import Event, Register
from club.clock import TASHKENT
from club.integrations.espp import messages
from club.integrations.espp.messages import Check, Permitted
from tests.espp.conftest import AZIZA

# ---- a client certificate, verified by the TLS terminator ------------------------------------------

SUBJECT = "CN=beepul,O=Beepul,C=UZ"


@pytest.fixture
def behind_a_terminator(settings, agents):
    settings.ESPP_MTLS = True
    settings.TLS_PROXY = ["127.0.0.1"]
    agents["beepul"]["subject"] = SUBJECT


CHECK = messages.write(Check(phone=AZIZA, amount_tiyin=100, agent="beepul", contract="C-17"))


def test_the_agents_own_certificate_opens_the_door(post, behind_a_terminator):
    headers = {"X-SSL-Client-Verify": "SUCCESS", "X-SSL-Client-S-DN": SUBJECT}
    assert isinstance(messages.parse(post(CHECK, **headers).content), Permitted)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-SSL-Client-Verify": "NONE", "X-SSL-Client-S-DN": SUBJECT},
        {"X-SSL-Client-Verify": "FAILED:expired", "X-SSL-Client-S-DN": SUBJECT},
        {"X-SSL-Client-Verify": "SUCCESS"},
    ],
)
def test_without_a_verified_certificate_the_door_stays_shut(
    post, behind_a_terminator, nothing_was_written, headers
):
    response = post(CHECK, **headers)
    assert response.status_code == 403
    assert json.loads(response.content)["code"] == "wrong_certificate"
    assert nothing_was_written()


def test_the_terminators_headers_are_worth_nothing_from_another_address(
    post, behind_a_terminator, settings
):
    settings.TLS_PROXY = ["10.0.0.1"]
    headers = {"X-SSL-Client-Verify": "SUCCESS", "X-SSL-Client-S-DN": SUBJECT}
    assert post(CHECK, **headers).status_code == 403


def test_another_agents_certificate_does_not_pay_for_this_one(
    post, agent, now, behind_a_terminator, nothing_was_written
):
    headers = {"X-SSL-Client-Verify": "SUCCESS", "X-SSL-Client-S-DN": "CN=paynet"}
    document = messages.write(agent.document(AZIZA, amount_uzs=50_000, at=now))

    assert messages.parse(post(document, **headers).content).number == 9003
    assert nothing_was_written()


def test_an_agent_without_a_certificate_on_file_is_not_let_in(post, behind_a_terminator):
    headers = {"X-SSL-Client-Verify": "SUCCESS", "X-SSL-Client-S-DN": SUBJECT}
    check = messages.write(Check(phone=AZIZA, amount_tiyin=100, agent="paynet"))
    assert messages.parse(post(check, **headers).content).number == 9003


# ---- a register at the same door --------------------------------------------------------------------


def packet(*lines: str) -> bytes:
    payments = "".join(f'<p id="{n}">{line}</p>' for n, line in enumerate(lines, start=1))
    return f"<comparePacket><payments>{payments}</payments></comparePacket>".encode()


def line(payment_id: str, at: datetime, **change: str) -> str:
    parts = {"agent": "paynet", "phone": AZIZA, "sum": "1000.00"} | change
    time = at.astimezone(TASHKENT).strftime("%Y%m%d%H%M%S000")
    return f"{parts['agent']};;{time};{payment_id};T1;{parts['phone']};;;{parts['sum']};860;1;0"


def test_a_register_posted_to_the_door_is_answered_by_counts(post, aziza, now):
    body = packet(line("1", now), line("2", now, sum="-1"), line("3", now), line("3", now))

    response = post(body)

    assert response.status_code == 200
    assert json.loads(response.content) == {
        "received": 4,
        "new": 2,
        "duplicate": 1,
        "conflicting": 0,
        "rejected": [
            {"line": 2, "code": "not_positive", "reason": "the amount must be more than zero"}
        ],
    }
    register = Register.objects.get()
    assert (register.received, register.new, register.duplicate, register.rejected) == (4, 2, 1, 1)


def test_a_register_brings_only_the_payments_of_the_agent_whose_certificate_it_is(
    post, aziza, now, behind_a_terminator
):
    headers = {"X-SSL-Client-Verify": "SUCCESS", "X-SSL-Client-S-DN": SUBJECT}
    response = post(packet(line("1", now), line("2", now, agent="beepul")), **headers)
    answer = json.loads(response.content)
    assert (answer["new"], answer["rejected"][0]["code"]) == (1, "wrong_certificate")
    assert Event.objects.get().external_id == "beepul:2"

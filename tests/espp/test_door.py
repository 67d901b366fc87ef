"""POST /intake/espp, from an agent's side."""

import io
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from django.conf import settings as django_settings
from django.db import connection

from club.accrual.models import Conflict, Event, EventState, Kind, Rejection
from club.integrations.espp import messages
from club.integrations.espp.messages import (
    AcceptRefused,
    CancelRefused,
    Check,
    CheckRefused,
    Permitted,
    State,
    StateRefused,
)
from club.outcomes import Done, Refused
from tests.espp.conftest import AZIZA


def numbers(response) -> dict[str, int]:
    names = ("Received", "New", "Duplicate", "Conflicting", "Rejected")
    return {name.lower(): int(response[f"X-Club-{name}"]) for name in names}


# ---- the good road ---------------------------------------------------------------------------


def test_a_payment_is_checked_accepted_and_written_once(agent, aziza, now):
    paid = agent.pay(AZIZA, amount_uzs=50_000, at=now)

    assert isinstance(paid, Done)
    event = Event.objects.get()
    assert event.kind == Kind.PAYMENT
    assert event.source == "espp"
    assert event.external_id == f"beepul:{paid.value.payment_id}"
    assert event.subscriber_id == aziza.id
    assert event.amount_tiyin == 5_000_000
    assert event.occurred_at == now
    assert event.channel == "app"
    assert event.details == {"agent": "beepul", "document": paid.value.espp_id, "terminal": ""}


def test_a_repeated_document_gets_the_first_answer_again_byte_by_byte(post, agent, aziza, now):
    document = messages.write(agent.document(AZIZA, amount_uzs=50_000, at=now, espp_id="1"))
    first, second = post(document), post(document)

    assert first.content == second.content
    assert numbers(first) == {
        "received": 1, "new": 1, "duplicate": 0, "conflicting": 0, "rejected": 0,
    }  # fmt: skip
    assert numbers(second) == {
        "received": 1, "new": 0, "duplicate": 1, "conflicting": 0, "rejected": 0,
    }  # fmt: skip
    assert Event.objects.count() == 1


def test_a_number_that_is_no_subscriber_yet_is_permitted_and_its_payment_waits(agent, now):
    assert isinstance(agent.pay(AZIZA, amount_uzs=50_000, at=now), Done)

    event = Event.objects.get()
    assert event.subscriber_id is None
    assert event.state == EventState.WAITING


def test_a_check_leaves_nothing_behind_and_tells_nothing_of_a_subscriber(
    told, aziza, nothing_was_written
):
    check = Check(phone=AZIZA, amount_tiyin=100, agent="beepul", contract="C-17")
    nobody = replace(check, phone="998901111111")
    answers = [told(check), told(nobody)]

    assert {replace(answer, espp_id="") for answer in answers} == {
        Permitted(operator="beeline-uz", operator_name="Beeline Uzbekistan", espp_id="")
    }
    assert answers[0].espp_id != answers[1].espp_id
    assert nothing_was_written()


def test_the_state_of_a_payment_is_known_by_either_number(told, agent, aziza, now):
    document = agent.document(AZIZA, amount_uzs=50_000, at=now, espp_id="20260801000000000001")
    accepted = agent.accept(document)
    by_its_own = messages.AskState(agent="beepul", contract="C-17", payment_id=document.payment_id)
    by_ours = messages.AskState(agent="beepul", contract="C-17", espp_id=document.espp_id)

    expected = State(
        state=State.ACCEPTED,
        accepted_at=accepted.value.accepted_at,
        acceptance=accepted.value.acceptance,
    )
    assert told(by_its_own) == expected
    assert told(by_ours) == expected
    agent.cancel(document, at=now)
    assert told(by_ours) == replace(expected, state=State.CANCELLED)


def test_the_state_of_an_unknown_payment_and_of_another_agents_is_the_same_refusal(
    told, agent, aziza, now
):
    agent.accept(agent.document(AZIZA, amount_uzs=50_000, at=now, payment_id="7", espp_id="8"))

    for question in (
        messages.AskState(agent="paynet", payment_id="7"),
        messages.AskState(agent="paynet", espp_id="8"),
        messages.AskState(agent="paynet", espp_id="unheard of"),
    ):
        assert told(question) == StateRefused(
            number=651, text="no payment of this agent has this number"
        )


def test_two_agents_may_count_their_payments_alike(told, agent, aziza, now):
    document = agent.document(AZIZA, amount_uzs=50_000, at=now, payment_id="7")
    told(document)
    told(replace(document, agent="paynet", contract="", amount_tiyin=700_000))

    assert set(Event.objects.values_list("external_id", "amount_tiyin", "channel")) == {
        ("beepul:7", 5_000_000, "app"),
        ("paynet:7", 700_000, "kiosk"),
    }


# ---- cancelling ------------------------------------------------------------------------------


def test_a_payment_is_cancelled_and_cancelling_again_answers_the_same(post, agent, aziza, now):
    document = agent.document(AZIZA, amount_uzs=50_000, at=now)
    agent.accept(document)
    assert isinstance(agent.cancel(document, at=now), Done)
    assert isinstance(agent.cancel(document, at=now + timedelta(minutes=1)), Done)

    kinds = Event.objects.values_list("kind", "external_id").order_by("kind")
    external_id = f"beepul:{document.payment_id}"
    assert list(kinds) == [(Kind.CANCELLATION, external_id), (Kind.PAYMENT, external_id)]


def test_a_cancellation_may_overtake_its_payment(agent, aziza, now):
    document = agent.document(AZIZA, amount_uzs=50_000, at=now)
    assert isinstance(agent.cancel(document, at=now), Done)
    assert isinstance(agent.accept(document), Done)
    assert Event.objects.count() == 2


def test_a_payment_can_be_cancelled_by_the_espp_id_alone(told, agent, aziza, now):
    document = agent.document(AZIZA, amount_uzs=50_000, at=now, espp_id="8")
    by_espp_id = messages.Cancel(espp_id="8", agent="beepul", contract="C-17", cancelled_at=now)

    refused = told(by_espp_id)
    agent.accept(document)
    told(by_espp_id)
    again = told(by_espp_id)

    assert refused == CancelRefused(number=651, text="no payment of this agent has this number")
    assert isinstance(again, messages.Cancelled)
    cancellation = Event.objects.get(kind=Kind.CANCELLATION)
    assert cancellation.external_id == f"beepul:{document.payment_id}"


@pytest.mark.parametrize("change", [{"amount_tiyin": 1}, {"phone": "998907654321"}])
def test_a_cancellation_that_knows_its_payment_wrongly_is_refused(told, agent, aziza, now, change):
    document = agent.document(AZIZA, amount_uzs=50_000, at=now)
    agent.accept(document)
    wrong = messages.Cancel(
        phone=change.get("phone", AZIZA),
        amount_tiyin=change.get("amount_tiyin", 5_000_000),
        payment_id=document.payment_id,
        cancelled_at=now,
        agent="beepul",
        contract="C-17",
    )

    answer = told(wrong)

    assert isinstance(answer, CancelRefused)
    assert answer.number == 357
    assert not Event.objects.filter(kind=Kind.CANCELLATION).exists()


def test_a_cancellation_needs_one_of_the_two_numbers(told, now):
    answer = told(messages.Cancel(agent="beepul", contract="C-17", cancelled_at=now))
    assert answer.number == 400
    assert "one of the payment's two ids" in answer.text


# ---- refusals that are answered in the agent's language ----------------------------------------


def test_the_same_id_with_another_sum_is_a_conflict_that_is_kept(post, agent, aziza, now):
    document = agent.document(AZIZA, amount_uzs=50_000, at=now)
    agent.accept(document)
    response = post(messages.write(replace(document, amount_tiyin=9_900_000)))

    answer = messages.parse(response.content)
    assert isinstance(answer, AcceptRefused)
    assert answer.number == 357
    assert numbers(response)["conflicting"] == 1
    assert Event.objects.get().amount_tiyin == 5_000_000
    assert Conflict.objects.get().payload["amount_tiyin"] == 9_900_000


@pytest.mark.parametrize(
    ("change", "number", "code"),
    [
        ({"amount_tiyin": 0}, 9006, "not_positive"),
        ({"amount_tiyin": -5_000}, 9006, "not_positive"),
        ({"amount_tiyin": 10**12 + 1}, 9007, "too_large"),
        ({"phone": "12345"}, 201, "bad_msisdn"),
        ({"paid_at": timedelta(days=1)}, 363, "in_the_future"),
    ],
)
def test_what_cannot_be_taken_is_refused_by_number_and_kept_with_its_reason(
    told, agent, aziza, now, change, number, code
):
    if "paid_at" in change:
        change = {"paid_at": now + change["paid_at"]}
    document = replace(agent.document(AZIZA, amount_uzs=50_000, at=now), **change)

    answer = told(document)

    assert isinstance(answer, AcceptRefused)
    assert answer.number == number
    assert answer.text
    assert not Event.objects.exists()
    rejection = Rejection.objects.get()
    assert rejection.code == code
    assert json.loads(rejection.raw)["f_07"] == document.payment_id


@pytest.mark.parametrize(
    ("change", "number"),
    [({"amount_tiyin": 0}, 9006), ({"amount_tiyin": 10**13}, 9007), ({"phone": "7"}, 201)],
)
def test_a_check_refuses_what_the_document_would_be_refused_for(
    told, nothing_was_written, change, number
):
    check = Check(phone=AZIZA, amount_tiyin=100, agent="beepul", contract="C-17")
    answer = told(replace(check, **change))
    assert isinstance(answer, CheckRefused)
    assert answer.number == number
    assert nothing_was_written()


def test_a_payment_two_years_old_is_taken_and_waits_for_a_person(agent, aziza, now):
    assert isinstance(agent.pay(AZIZA, amount_uzs=50_000, at=now - timedelta(days=730)), Done)
    assert Event.objects.get().state == EventState.REVIEW


@pytest.mark.parametrize(
    ("change", "number"),
    [
        ({"agent": "nobody"}, 9001),
        ({"contract": "C-18"}, 9002),
        ({"currency": "643"}, 9005),
        ({"payment_id": "7;8"}, 400),
    ],
)
def test_an_unknown_agent_a_wrong_contract_and_roubles_are_refused_and_nothing_is_written(
    told, agent, now, nothing_was_written, change, number
):
    answer = told(replace(agent.document(AZIZA, amount_uzs=50_000, at=now), **change))
    assert isinstance(answer, AcceptRefused)
    assert answer.number == number
    assert nothing_was_written()


def test_in_the_demo_every_agent_is_welcome(told, agent, aziza, now, settings):
    settings.IS_DEMO = True
    told(replace(agent.document(AZIZA, amount_uzs=50_000, at=now), agent="somebody"))
    assert Event.objects.get().channel == "app"


def test_a_document_without_its_control_code_is_refused_where_one_is_asked_for(
    told, agent, now, settings, nothing_was_written
):
    settings.ESPP_CONTROL_CODE = "md5"
    document = agent.document(AZIZA, amount_uzs=50_000, at=now)

    assert told(replace(document, control_code="")).number == 9004
    assert told(replace(document, amount_tiyin=1)).number == 9004
    assert nothing_was_written()
    assert isinstance(told(document), messages.Accepted)


def test_the_operators_own_numbers_replace_ours(told, settings, open_club):
    settings.ESPP_CODES = {"unknown_agent": 352}
    assert told(Check(phone=AZIZA, amount_tiyin=1, agent="nobody")).number == 352


def test_a_message_with_a_bad_field_is_refused_in_its_own_kind(post, nothing_was_written):
    response = post(b"<ESPP_0104090><f_02>many</f_02></ESPP_0104090>")
    answer = messages.parse(response.content)
    assert response.status_code == 200
    assert answer == AcceptRefused(number=400, text="f_01: this field is compulsory")
    assert numbers(response)["rejected"] == 1
    assert nothing_was_written()


# ---- what is not a message ---------------------------------------------------------------------

BOMB = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><ESPP_0104090>&x;</ESPP_0104090>'


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "unreadable"),
        (b"pay 50000 to 998901234567", 400, "unreadable"),
        (b"<ESPP_0104090><f_01>", 400, "unreadable"),
        (BOMB, 400, "unreadable"),
        ('<?xml version="1.0"?><a>Жалаб</a>'.encode("cp1251"), 400, "bad_encoding"),
        (b'<?xml version="1.0" encoding="koi8-r"?><a/>', 400, "bad_encoding"),
        (b"<ESPP_0104050/>", 400, "unknown_message"),
        (b"<ESPP_1204010><f_05>1</f_05></ESPP_1204010>", 400, "unknown_message"),
        (b"<a>" + b"x" * 65_536 + b"</a>", 413, "body_too_large"),
    ],
)
def test_what_is_no_message_is_a_problem_with_a_code_and_nothing_is_written(
    post, nothing_was_written, body, status, code
):
    response = post(body)
    problem = json.loads(response.content)
    assert response["Content-Type"] == "application/problem+json"
    assert (response.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert problem["title"]
    assert nothing_was_written()


def test_ten_megabytes_are_refused_unread(client, nothing_was_written):
    class Unread(io.BytesIO):
        def read(self, *_: object) -> bytes:
            raise AssertionError("a body over the limit must not be read")

    size = 10 * 1024 * 1024
    response = client.generic(
        "POST", "/intake/espp", **{"CONTENT_LENGTH": str(size), "wsgi.input": Unread()}
    )
    assert response.status_code == 413
    assert json.loads(response.content)["code"] == "body_too_large"
    assert nothing_was_written()


def test_without_the_database_the_agent_is_told_to_send_it_again(
    client, monkeypatch, django_db_blocker, now
):
    document = messages.Accept(
        phone=AZIZA, amount_tiyin=1, payment_id="7", paid_at=now, agent="paynet"
    )
    with django_db_blocker.unblock():
        connection.close()
        monkeypatch.setitem(connection.settings_dict, "HOST", "127.0.0.1")
        monkeypatch.setitem(connection.settings_dict, "PORT", "1")
        response = client.post(
            "/intake/espp", data=messages.write(document), content_type="application/xml"
        )
    assert response.status_code == 503
    assert json.loads(response.content)["code"] == "unavailable"


def test_only_post_is_spoken(client):
    assert client.get("/intake/espp").status_code == 405


def test_a_message_may_be_larger_than_a_form_but_a_form_limit_does_not_apply(post):
    assert django_settings.DATA_UPLOAD_MAX_MEMORY_SIZE <= 2 * 1024 * 1024
    response = post(b"<comparePacket>" + b" " * (2 * 1024 * 1024 - 100) + b"</comparePacket>")
    assert response.status_code == 200


def test_a_refused_agent_hears_of_it_as_a_refusal(agent, now):
    agent.agent = "nobody"
    assert agent.pay(AZIZA, amount_uzs=1, at=now) == Refused("9001", "this agent is not known here")

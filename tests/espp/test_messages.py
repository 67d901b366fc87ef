from dataclasses import replace
from datetime import UTC, datetime
from typing import get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from club.clock import TASHKENT
from club.errors import ClubError
from club.integrations.espp import messages, values
from club.integrations.espp.messages import Accept, Accepted, Check, parse, write
from club.integrations.espp.refusals import BadField, UnknownMessage, WrongCurrency

SUMS = st.integers(min_value=-(10**17), max_value=10**17)
MOMENTS = st.integers(946_684_800, 4_102_444_800).map(
    lambda seconds: datetime.fromtimestamp(seconds, TASHKENT)
)
TEXTS = (
    st.text(
        st.characters(categories=["L", "N", "P", "S"], include_characters=" "),
        min_size=1,
        max_size=100,
    )
    .map(str.strip)
    .filter(bool)
)
AGENTS = st.from_regex(values.AGENT, fullmatch=True)
PAYMENT_IDS = st.from_regex(values.PAYMENT_ID, fullmatch=True)

KNOWN = {"agent": AGENTS, "payment_id": PAYMENT_IDS, "currency": st.just("860")}
BY_TYPE = {int: SUMS, datetime: MOMENTS, datetime | None: MOMENTS, str: TEXTS}


def anything(kind: type) -> st.SearchStrategy:
    """Messages of a kind with every field filled."""
    hints = get_type_hints(kind)
    return st.builds(
        kind,
        **{
            name: KNOWN[name] if name in KNOWN else BY_TYPE[hints[name]]
            for name in messages.WIRES[kind]
        },
    )


@given(st.one_of(*(anything(kind) for kind in messages.KINDS.values())))
def test_what_is_written_is_read_again(message):
    assert parse(write(message)) == message


ACCEPT = Accept(
    phone="901234567",
    amount_tiyin=5_000_000,
    payment_id="7001",
    paid_at=datetime(2026, 8, 1, 10, 0, tzinfo=TASHKENT),
    espp_id="20260801100000123456",
    agent="beepul",
    contract="C-17",
)


def test_a_document_travels_as_the_published_clients_send_it():
    text = write(ACCEPT).decode()

    assert "<ESPP_0104090" in text
    assert 'xmlns="http://schema.mts.ru/ESPP/AgentPayments/Protocol/Messages/v5_01"' in text
    assert '<f_01 xsi:type="espp-constraints:PHN_CODE_fmt_01">901234567</f_01>' in text
    assert "<f_02>50000.00</f_02>" in text
    assert '<f_03 xsi:type="espp-constraints:CUR_fmt_01">860</f_03>' in text
    assert "<f_08>2026-08-01T10:00:00</f_08>" in text
    assert "<f_10>20260801100000123456</f_10>" in text


def test_a_check_says_how_long_the_agent_will_wait():
    check = Check(phone="901234567", amount_tiyin=100, agent="beepul")
    assert 'a_01="60"' in write(check).decode()


def test_a_message_of_the_next_schema_version_and_one_in_windows_1251_are_read_as_well():
    text = write(replace(ACCEPT, terminal="Чиланзар 7")).decode().split("?>", 1)[1]
    newer = text.replace("v5_01", "v5_02")
    russian = f'<?xml version="1.0" encoding="windows-1251"?>{text}'.encode("cp1251")

    assert parse(newer.encode()).terminal == "Чиланзар 7"
    assert parse(russian).terminal == "Чиланзар 7"


@pytest.mark.parametrize(
    ("text", "tiyin"),
    [("50000", 5_000_000), ("0.01", 1), ("1000.5", 100_050), ("-3.10", -310), ("7.100", 710)],
)
def test_a_sum_becomes_tiyin_exactly(text, tiyin):
    assert values.tiyin(text) == tiyin


@given(SUMS)
def test_a_sum_survives_the_journey_to_text_and_back(tiyin):
    assert values.tiyin(values.sum_text(tiyin)) == tiyin


@pytest.mark.parametrize(
    "text", ["", "1e5", "1,50", "0.001", "NaN", "Infinity", "١٢", "1 000", "9" * 17, "0x10", "."]
)
def test_what_is_not_plainly_a_sum_is_refused(text):
    with pytest.raises(BadField):
        values.tiyin(text)


def test_a_time_without_an_offset_is_a_time_in_tashkent():
    noon = datetime(2026, 8, 1, 7, 0, tzinfo=UTC)
    assert values.moment("2026-08-01T12:00:00") == noon
    assert values.moment("2026-08-01 07:00:00 UTC") == noon
    assert values.moment("2026-08-01T10:00:00.5+0300") == noon
    assert values.moment("20260801120000000") == noon


@pytest.mark.parametrize(
    "text",
    ["2026-08-01", "2026-13-01T00:00:00", "2026-02-30T00:00:00", "1999-12-31T23:59:59",
     "2101-01-01T00:00:00", "2026-08-01T24:00:00", "2026-08-01T10:00:00+99:99", "yesterday"],
)  # fmt: skip
def test_what_is_not_plainly_a_time_is_refused(text):
    with pytest.raises(BadField):
        values.moment(text)


@pytest.mark.parametrize(
    ("before", "after", "error"),
    [
        ("<f_07>7001</f_07>", "", "f_07: this field is compulsory"),
        ("<f_07>7001</f_07>", "<f_07>7001;1</f_07>", "f_07: a payment id has"),
        ("<f_07>7001</f_07>", f"<f_07>{'7' * 51}</f_07>", "f_07: a payment id has"),
        ("<f_02>50000.00</f_02>", "<f_02>5e4</f_02>", "f_02: a sum is written"),
        ("<f_11>beepul</f_11>", "<f_11>bee:pul</f_11>", "f_11: an agent's code"),
        ("<f_10>", f"<f_10>{'1' * 100}", "f_10: a field has up to 100"),
    ],
)
def test_a_bad_field_is_named(before, after, error):
    body = write(ACCEPT).decode()
    assert before in body
    with pytest.raises(BadField, match=error):
        parse(body.replace(before, after).encode())


def test_another_currency_is_refused():
    with pytest.raises(WrongCurrency):
        parse(write(replace(ACCEPT, currency="643")))


def test_a_message_we_do_not_speak_is_refused():
    with pytest.raises(UnknownMessage):
        parse(b"<ESPP_0104050/>")


@given(st.data())
def test_a_mutilated_message_is_refused_clearly_or_still_a_message(data):
    body = bytearray(write(ACCEPT))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(body) - 1))
        if data.draw(st.booleans()):
            body[at] = data.draw(st.integers(0, 255))
        else:
            del body[at : at + data.draw(st.integers(1, 40))]
    try:
        outcome = parse(bytes(body))
    except ClubError as refusal:
        outcome = refusal.message
    assert isinstance(outcome, messages.Message | str)
    assert outcome


@given(st.binary(max_size=400))
def test_random_bytes_are_refused_clearly(body):
    with pytest.raises(ClubError) as refusal:
        parse(body)
    assert refusal.value.message


def test_an_answer_is_an_answer_and_no_request():
    done = Accepted(accepted_at=ACCEPT.paid_at, acceptance="17")
    assert parse(write(done)) == done
    assert done.name not in messages.REQUESTS

import pytest
from hypothesis import given
from hypothesis import strategies as st

from club.integrations.smsc import receipt
from club.integrations.smsc.pdu import ShortMessage, Tag
from club.integrations.smsc.receipt import Receipt
from club.messages.rules import State

TEXT = (
    b"id:0A sub:001 dlvrd:001 submit date:2611221200 done date:2611221201 stat:%b err:0A1 text:Hi"
)


def told(text: bytes = b"", *tlvs: tuple[int, bytes], esm_class: int = 0x04) -> ShortMessage:
    return ShortMessage(esm_class=esm_class, octets=text, tlvs=tlvs)


def test_tlvs_are_believed_before_the_text() -> None:
    message = told(
        TEXT % b"UNDELIV", (Tag.RECEIPTED_MESSAGE_ID, b"77\0"), (Tag.MESSAGE_STATE, b"\x02")
    )
    assert receipt.read(message) == Receipt("77", State.DELIVERED, "0A1")


@pytest.mark.parametrize(
    ("word", "state"),
    [
        (b"DELIVRD", State.DELIVERED),
        (b"EXPIRED", State.UNDELIVERED),
        (b"DELETED", State.UNDELIVERED),
        (b"UNDELIV", State.UNDELIVERED),
        (b"REJECTD", State.UNDELIVERED),
        (b"UNKNOWN", State.UNKNOWN),
        (b"ACCEPTD", None),
        (b"ENROUTE", None),
    ],
)
def test_a_receipt_in_words_is_understood(word: bytes, state: State | None) -> None:
    assert receipt.read(told(TEXT % word)) == Receipt("0A", state, "0A1")


def test_a_receipt_is_known_by_its_mask_and_not_by_the_whole_octet() -> None:
    assert receipt.read(told(TEXT % b"DELIVRD", esm_class=0x07)) is not None
    assert receipt.read(told(TEXT % b"DELIVRD", esm_class=0x44)) is not None
    assert receipt.read(told(TEXT % b"DELIVRD", esm_class=0x00)) is None
    assert receipt.read(told(TEXT % b"DELIVRD", esm_class=0x40)) is None


def test_the_networks_cause_is_taken_where_the_text_has_none() -> None:
    message = told(b"", (Tag.NETWORK_ERROR_CODE, b"\x03\x01\x02"), (Tag.MESSAGE_STATE, b"\x05"))
    assert receipt.read(message) == Receipt("", State.UNDELIVERED, "258")


@pytest.mark.parametrize(
    ("answered", "answer_form", "receipted", "receipt_form"),
    [
        ("000000FF", "hex", "255", "decimal"),
        ("ff", "hex", "00000255", "decimal"),
        ("0255", "decimal", "255", "decimal"),
        ("a1-B", "text", " a1-B ", "text"),
    ],
)
def test_an_id_spelled_in_two_ways_is_one_id(
    answered: str, answer_form: str, receipted: str, receipt_form: str
) -> None:
    assert receipt.canonical_id(answered, answer_form) == receipt.canonical_id(
        receipted, receipt_form
    )


@given(
    st.binary(max_size=254),
    st.binary(max_size=100),
    st.binary(max_size=4),
    st.sampled_from(["text", "hex", "decimal"]),
)
def test_no_receipt_however_odd_is_an_error(
    text: bytes, centre_id: bytes, state: bytes, form: str
) -> None:
    tlvs = ((Tag.RECEIPTED_MESSAGE_ID, centre_id), (Tag.MESSAGE_STATE, state))
    read = receipt.read(told(b"id:" + text, *tlvs), id_form=form)
    assert read is not None
    assert len(read.centre_id) <= 66
    assert len(read.error_code) <= 10
    assert "\0" not in read.centre_id + read.error_code

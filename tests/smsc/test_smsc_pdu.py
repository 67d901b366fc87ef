import pytest
from hypothesis import given
from hypothesis import strategies as st

from club.integrations.smsc.pdu import (
    ANSWER,
    BODIES,
    HEADER,
    LAYOUTS,
    PDU_OCTETS_MAX,
    SEQUENCE_MAX,
    BadPdu,
    Body,
    Command,
    Empty,
    MessageAnswer,
    Pdu,
    ShortMessage,
    Status,
    Tag,
    decode,
    encode,
    frame_octets,
)

LETTERS = st.characters(min_codepoint=1, max_codepoint=255)
OCTET = st.integers(0, 255)
TLVS = st.lists(st.tuples(st.integers(0, 0xFFFF), st.binary(max_size=300)), max_size=4).map(tuple)


def bodies(kind: type[Body]) -> st.SearchStrategy[Body]:
    values: dict[str, st.SearchStrategy[object]] = {}
    for name, how, octets_max in LAYOUTS[kind]:
        if how == "text":
            values[name] = st.text(LETTERS, max_size=octets_max - 1)
        elif how == "octet":
            values[name] = OCTET
        elif how == "octets":
            values[name] = st.binary(max_size=octets_max)
        else:
            values[name] = TLVS
    return st.builds(kind, **values)


PDUS = st.sampled_from(sorted(BODIES)).flatmap(
    lambda command: st.builds(
        Pdu,
        command=st.just(command),
        sequence=st.integers(1, SEQUENCE_MAX),
        body=bodies(BODIES[command]),
        status=st.integers(0, 0xFFFFFFFF),
    )
)


def refusal_of(octets: bytes) -> int | None:
    """The status to refuse these octets with; None where they are a PDU. No other error passes."""
    try:
        decode(octets)
    except BadPdu as error:
        return error.status
    return None


@given(PDUS)
def test_every_pdu_is_read_as_it_was_written(pdu: Pdu) -> None:
    assert decode(encode(pdu)) == pdu


@given(st.binary(max_size=400))
def test_octets_that_are_no_pdu_are_refused_with_a_status_to_answer(octets: bytes) -> None:
    assert refusal_of(octets) != Status.OK


@given(PDUS, st.data())
def test_a_damaged_pdu_is_read_or_refused_and_nothing_else(pdu: Pdu, data: st.DataObject) -> None:
    frame = bytearray(encode(pdu))
    at = data.draw(st.integers(4, len(frame) - 1))
    frame[at] = data.draw(OCTET)
    cut = frame[: data.draw(st.integers(HEADER.size, len(frame)))]
    cut[:4] = len(cut).to_bytes(4, "big")
    assert refusal_of(bytes(cut)) != Status.OK


def test_tlvs_of_ussd_pass_as_raw_octets() -> None:
    tlvs = ((Tag.USSD_SERVICE_OP, b"\x12"), (Tag.ITS_SESSION_INFO, b"\xff\x01"), (0x1400, b""))
    message = ShortMessage(service_type="USSD", tlvs=tlvs)

    read = decode(encode(Pdu(Command.DELIVER_SM, 1, message))).body

    assert isinstance(read, ShortMessage)
    assert read.tlvs == tlvs
    assert read.tlv(Tag.ITS_SESSION_INFO) == b"\xff\x01"
    assert read.tlv(Tag.MESSAGE_STATE) is None


def test_a_submit_is_written_as_the_specification_says() -> None:
    message = ShortMessage(
        source_ton=5, source="Beeline", destination_ton=1, destination_npi=1,
        destination="998901234567", registered_delivery=1, octets=b"Hi",
    )  # fmt: skip
    assert encode(Pdu(Command.SUBMIT_SM, 7, message)) == bytes.fromhex(
        "00000036" "00000004" "00000000" "00000007"
        "00" "0500" "4265656c696e6500" "0101" "39393839303132333435363700"
        "000000" "00" "00" "01" "00" "00" "00" "02" "4869"
    )  # fmt: skip


def test_an_answer_that_refuses_may_come_without_a_body() -> None:
    command = Command.SUBMIT_SM | ANSWER
    bare = encode(Pdu(command, 9, Empty(), Status.THROTTLED))

    assert decode(bare) == Pdu(command, 9, MessageAnswer(), Status.THROTTLED)


def test_an_unreadable_request_still_says_what_to_answer() -> None:
    frame = encode(Pdu(Command.DELIVER_SM, 42, ShortMessage(tlvs=((1, b"abc"),))))[:-1]
    frame = len(frame).to_bytes(4, "big") + frame[4:]

    with pytest.raises(BadPdu) as refusal:
        decode(frame)

    assert refusal.value.command == Command.DELIVER_SM
    assert refusal.value.sequence == 42
    assert refusal.value.status == Status.INVALID_OPTIONAL_PART


@pytest.mark.parametrize("octets", [15, PDU_OCTETS_MAX + 1])
def test_a_length_outside_the_limits_means_a_stream_out_of_step(octets: int) -> None:
    with pytest.raises(BadPdu) as refusal:
        frame_octets(octets.to_bytes(4, "big"))
    assert refusal.value.status == Status.INVALID_COMMAND_LENGTH


@pytest.mark.parametrize("octets", [16, PDU_OCTETS_MAX])
def test_a_length_at_the_limits_is_taken(octets: int) -> None:
    assert frame_octets(octets.to_bytes(4, "big")) == octets


def test_what_does_not_fit_its_field_is_never_written() -> None:
    for body in (
        ShortMessage(source="x" * 21),
        ShortMessage(destination="9\x00"),
        ShortMessage(octets=b"x" * 255),
    ):
        with pytest.raises(ValueError, match="has more than"):
            encode(Pdu(Command.SUBMIT_SM, 1, body))

import pytest
from hypothesis import given
from hypothesis import strategies as st

from club.integrations.smsc import text
from club.integrations.smsc.pdu import ShortMessage, Tag
from club.integrations.smsc.text import GSM, PARTS_MAX, SEPTETS, UCS_2, TextTooLong

ANY = st.text(max_size=600)
GSM_TEXT = st.text(st.sampled_from(sorted(SEPTETS)), max_size=1_400)


def joined(pieces: list[text.Piece]) -> str:
    parts = [
        text.received(
            ShortMessage(esm_class=p.esm_class, data_coding=p.data_coding, octets=p.octets)
        )
        for p in pieces
    ]
    assert [part.number for part in parts] == list(range(1, len(pieces) + 1))
    assert {part.total for part in parts} == {len(pieces)}
    return "".join(part.text for part in parts)


@given(ANY | GSM_TEXT, st.integers(0, 2**40))
def test_the_parts_together_are_the_text(words: str, reference: int) -> None:
    assert joined(text.split(words, reference=reference)) == text.fold(words)


@given(ANY | GSM_TEXT)
def test_no_part_is_longer_than_the_network_carries(words: str) -> None:
    pieces = text.split(words, reference=1)
    for piece in pieces:
        octets_max = 160 if piece.data_coding == GSM else 140
        header = 6 if len(pieces) > 1 else 0
        carried = len(piece.octets) - header
        assert (
            carried
            <= {(GSM, 0): 160, (GSM, 6): 153, (UCS_2, 0): 140, (UCS_2, 6): 134}[
                piece.data_coding, header
            ]
        )
        assert carried <= octets_max


@given(st.text(st.sampled_from("a€[б😀"), max_size=400))
def test_no_part_ends_inside_a_pair_or_an_escape(words: str) -> None:
    for piece in text.split(words, reference=1):
        body = piece.octets[6:] if piece.esm_class else piece.octets
        if piece.data_coding == UCS_2:
            body.decode("utf-16-be")  # strictly: half a pair would raise
        else:
            assert not body.endswith(b"\x1b")


@given(ANY | GSM_TEXT)
def test_a_text_goes_out_in_as_few_parts_as_hold_it(words: str) -> None:
    pieces = text.split(words, reference=1)
    units = sum(len(p.octets) - (6 if p.esm_class else 0) for p in pieces)
    whole, part = (160, 153) if pieces[0].data_coding == GSM else (140, 134)
    waste = 1 if pieces[0].data_coding == GSM else 2  # of a letter that would have been cut
    if len(pieces) > 1:
        assert units > whole
        assert len(pieces) <= -(-units // (part - waste))


@given(ANY)
def test_folding_twice_is_folding_once(words: str) -> None:
    assert text.fold(text.fold(words)) == text.fold(words)


@pytest.mark.parametrize("apostrophe", "ʻʼ‘’")
def test_uzbek_apostrophes_do_not_make_a_message_ucs2(apostrophe: str) -> None:
    words = f"Hisobingizda 5{chr(0xA0)}000 so{apostrophe}m bor"

    pieces = text.split(words, reference=1)

    assert [p.data_coding for p in pieces] == [GSM]
    assert joined(pieces) == "Hisobingizda 5 000 so'm bor"


@pytest.mark.parametrize(
    "words",
    ["Сизда 5 000 сўм – “совға” бор", "Sizde 5 000 sum bar, gúnlik oyınǵa keliń", "«Ваш» код: 1"],
)
def test_a_text_that_needs_ucs2_keeps_its_typography(words: str) -> None:
    assert text.fold(words) == words
    assert text.split(words, reference=1)[0].data_coding == UCS_2


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ("a" * 160, 1), ("a" * 161, 2), ("a" * 306, 2), ("a" * 307, 3),
        ("€" * 80, 1), ("€" * 81, 2), ("€" * 152, 2), ("€" * 153, 3),
        ("я" * 70, 1), ("я" * 71, 2), ("я" * 134, 2), ("я" * 135, 3),
        ("😀" * 35, 1), ("😀" * 36, 2), ("😀" * 66, 2), ("😀" * 67, 3),
        ("", 1),
    ],
)  # fmt: skip
def test_lengths_at_the_limits(words: str, parts: int) -> None:
    assert len(text.split(words, reference=1)) == parts


def test_a_text_of_more_parts_than_allowed_is_refused() -> None:
    assert len(text.split("я" * 67 * PARTS_MAX, reference=1)) == PARTS_MAX
    with pytest.raises(TextTooLong) as refusal:
        text.split("я" * (67 * PARTS_MAX + 1), reference=1)
    assert refusal.value.code == "text_too_long"


def test_the_same_reference_gives_the_same_parts() -> None:
    assert text.split("я" * 100, reference=300) == text.split("я" * 100, reference=300)
    assert text.split("я" * 100, reference=300)[0].octets[:6] == bytes([5, 0, 3, 44, 2, 1])


@given(st.integers(0, 255), st.binary(max_size=200), st.integers(0, 255))
def test_whatever_arrives_becomes_some_text(coding: int, octets: bytes, esm_class: int) -> None:
    message = ShortMessage(data_coding=coding, octets=octets, esm_class=esm_class)
    part = text.received(message)
    assert 1 <= part.number <= part.total


def test_parts_numbered_by_sar_or_a_long_reference_are_understood() -> None:
    sar = ((Tag.SAR_REFERENCE, b"\x01\x02"), (Tag.SAR_TOTAL, b"\x03"), (Tag.SAR_NUMBER, b"\x02"))
    assert text.received(ShortMessage(octets=b"a", tlvs=sar)) == text.Received(258, 3, 2, "a")

    long = ShortMessage(esm_class=0x40, octets=bytes([6, 8, 4, 1, 2, 3, 2]) + b"a")
    assert text.received(long) == text.Received(258, 3, 2, "a")


def test_a_whole_text_may_come_as_payload() -> None:
    message = ShortMessage(
        data_coding=UCS_2, tlvs=((Tag.MESSAGE_PAYLOAD, "да".encode("utf-16-be")),)
    )
    assert text.received(message) == text.Received(0, 1, 1, "да")

"""The codec that answers SOAP: what it takes, what it refuses, what it writes."""

import pytest
import zeep
from lxml import etree

from club.integrations.glassfish import FAULT, PORT, SERVICE, WSDL
from club.integrations.soap import ENVELOPE, BadMessage, Codec

TOKEN = "<token>t</token>"
SOC = "<soc>PACK</soc>"
REQUEST = (
    '<c:addService xmlns:c="urn:club:subscribers">'
    f"{TOKEN}<msisdn>998901234541</msisdn>{SOC}<requestId>Ў-1</requestId></c:addService>"
)


@pytest.fixture(scope="module")
def codec() -> Codec:
    return Codec(WSDL, service=SERVICE, port=PORT, body_bytes_max=2000)


def envelope(content: str) -> bytes:
    return f'<s:Envelope xmlns:s="{ENVELOPE}"><s:Body>{content}</s:Body></s:Envelope>'.encode()


def test_a_request_is_read_by_its_element_with_every_letter(codec: Codec):
    call = codec.decode(envelope(REQUEST))

    assert call.operation == "addService"
    assert call.arguments == {
        "token": "t",
        "msisdn": "998901234541",
        "soc": "PACK",
        "requestId": "Ў-1",
    }


def test_an_empty_text_is_a_text(codec: Codec):
    call = codec.decode(envelope(REQUEST.replace(TOKEN, "<token/>")))

    assert call.arguments["token"] == ""


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "not well-formed"),
        (b"\xff\xfe", "not well-formed"),
        (b"\x00" * 100, "not well-formed"),
        (envelope(REQUEST)[:-9], "not well-formed"),
        (b"<a/>", "not a SOAP 1.1 envelope"),
        (envelope(""), "a body with one element"),
        (envelope(REQUEST + REQUEST), "a body with one element"),
        (f'<s:Envelope xmlns:s="{ENVELOPE}"/>'.encode(), "a body with one element"),
        (envelope("<addService/>"), "not in the contract"),
        (envelope(REQUEST.replace(SOC, "")), "do not follow the contract"),
        (envelope(REQUEST.replace(SOC, SOC + "<evil/>")), "do not follow the contract"),
        (envelope(REQUEST.replace(TOKEN, "").replace(SOC, SOC + TOKEN)), "do not follow"),
        (envelope(REQUEST.replace("PACK", "<b>P</b>")), "has no value"),
        (envelope('<c:addService xmlns:c="urn:club:subscribers"/>'), "token is missing"),
        (b"<!DOCTYPE a>" + envelope(REQUEST), "document type"),
        (b'<!DOCTYPE a [<!ENTITY e "PACK">]>' + envelope(REQUEST), "document type"),
        (envelope(REQUEST) + b" " * 2000, "too large"),
    ],
)
def test_what_does_not_follow_the_contract_is_refused(codec: Codec, body: bytes, why: str):
    with pytest.raises(BadMessage) as refusal:
        codec.decode(body)

    assert why in refusal.value.message
    assert "998901234541" not in str(refusal.value)


def test_a_body_at_the_limit_is_taken_and_one_byte_more_is_not(codec: Codec):
    body = envelope(REQUEST)
    at_limit = body + b" " * (2000 - len(body))

    assert codec.decode(at_limit).operation == "addService"
    with pytest.raises(BadMessage):
        codec.decode(at_limit + b" ")


def test_an_entity_never_reads_a_file(codec: Codec):
    bomb = b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/hostname">]>' + envelope(
        REQUEST.replace("PACK", "&e;")
    )

    with pytest.raises(BadMessage):
        codec.decode(bomb)


def test_an_answer_that_breaks_the_contract_is_our_bug(codec: Codec):
    with pytest.raises(zeep.exceptions.ValidationError):
        codec.encode("requestStatus", {"return": {"requestId": "1"}})


def test_an_answer_carries_what_it_was_given(codec: Codec):
    written = etree.fromstring(
        codec.encode("requestStatus", {"return": {"requestId": "1", "state": "ҚАБУЛ"}})
    )

    assert [(each.tag, each.text) for each in written.iter("requestId", "state")] == [
        ("requestId", "1"),
        ("state", "ҚАБУЛ"),
    ]


def test_a_typed_fault_has_its_detail(codec: Codec):
    written = etree.fromstring(
        codec.fault("Server", "йўқ", detail=FAULT, values={"code": "REQ-404", "message": "йўқ"})
    )

    assert written.findtext(".//faultcode") == "s:Server"
    assert written.findtext(f".//detail/{FAULT}/code") == "REQ-404"


def test_the_contract_is_shown_with_the_address_where_we_are(codec: Codec):
    shown = codec.wsdl(address="https://club.example/soap")

    assert shown.count(b"https://club.example/soap") == 1
    assert b"127.0.0.1" not in shown

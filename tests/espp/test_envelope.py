"""XML from outside is never dangerous, only wrong."""

import time

import pytest

from club.integrations.espp.envelope import MESSAGE_BYTES_MAX, open_envelope
from club.integrations.espp.refusals import BadEncoding, TooLarge, Unreadable

BILLION_LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "lol">
%s]><ESPP_0104010><f_01>&j;</f_01></ESPP_0104010>""" % b"".join(
    b'<!ENTITY %c "%s">' % (name, b"&%c;" % (name - 1) * 10) for name in range(ord("b"), ord("k"))
)
QUADRATIC = b'<!DOCTYPE a [<!ENTITY x "%s">]><a><b>%s</b></a>' % (b"x" * 20_000, b"&x;" * 10_000)
OUTSIDE_FILE = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a><b>&x;</b></a>'
OUTSIDE_DTD = b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd"><a><b>1</b></a>'
PARAMETER = b'<!DOCTYPE a [<!ENTITY % x SYSTEM "file:///etc/passwd"> %x;]><a/>'
IN_UTF_16 = OUTSIDE_FILE.decode().encode("utf-16")


@pytest.mark.parametrize(
    "bomb",
    [BILLION_LAUGHS, QUADRATIC, OUTSIDE_FILE, OUTSIDE_DTD, PARAMETER, IN_UTF_16],
    ids=["billion laughs", "quadratic", "a file", "a DTD by network", "parameter", "UTF-16"],
)
def test_a_bomb_is_refused_before_it_can_do_anything(bomb):
    started_s = time.process_time()
    with pytest.raises(Unreadable):
        open_envelope(bomb)
    assert time.process_time() - started_s < 1  # exploded, the smallest of them takes minutes


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "broken at line"),
        (b"hello", "broken at line"),
        (b"<a><b>", "broken at line"),
        (b"<a>&x;</a>", "broken at line"),
        (b"<a><b><c/></b></a>", "b may hold text only"),
        (b"<a><b>1</b><b>2</b></a>", "b stands there twice"),
        (b'<a xmlns="urn:other"/>', "not in a namespace of the ESPP family"),
        (b"<a>" + b"".join(b"<f%d/>" % n for n in range(61)) + b"</a>", "at most 60 fields"),
        (b"<a>" * 20_000, "broken at line"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(body, sentence):
    with pytest.raises(Unreadable, match=sentence):
        open_envelope(body)


def test_a_broken_message_is_not_repeated_in_the_refusal():
    with pytest.raises(Unreadable) as refusal:
        open_envelope(b"<a><b>998901234567</c></a>")
    assert "998901234567" not in refusal.value.message


def test_the_limit_is_the_limit():
    frame = b"<a><b></b></a>"
    most = frame.replace(b"></b>", b">%s</b>" % (b"x" * (MESSAGE_BYTES_MAX - len(frame))))

    assert len(most) == MESSAGE_BYTES_MAX
    assert len(open_envelope(most).fields["b"]) == MESSAGE_BYTES_MAX - len(frame)
    with pytest.raises(TooLarge):
        open_envelope(most + b"\n")


@pytest.mark.parametrize("name", ["koi8-r", "utf-16", "ebcdic-cp-us", "nonsense"])
def test_an_encoding_that_was_not_agreed_is_refused(name):
    with pytest.raises(BadEncoding):
        open_envelope(f'<?xml version="1.0" encoding="{name}"?><a/>'.encode())


@pytest.mark.parametrize("name", ["utf-8", "UTF-8", "us-ascii"])
def test_bytes_that_do_not_belong_to_the_declared_encoding_are_refused(name):
    body = f'<?xml version="1.0" encoding="{name}"?><a><b>Жалаб</b></a>'.encode("cp1251")
    with pytest.raises(BadEncoding, match="byte 4"):
        open_envelope(body)


def test_a_byte_order_mark_comments_and_white_space_do_no_harm():
    body = (
        "\ufeff<?xml version='1.0' encoding='UTF-8'?>\n<!-- x --><a> <f_01> 90 </f_01><?y z?></a>"
    )
    assert open_envelope(body.encode()).fields == {"f_01": "90"}

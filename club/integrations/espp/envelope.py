"""Bytes to fields: the only place where XML from an agent is parsed.

A message is one element with flat children `f_NN` (published agent-payment clients). Everything
that makes XML dangerous is refused before or by the parser: no DTD, so no entities; no network;
64 kB; no children of children; a field once. What remains is a dictionary of short texts.
"""

import re
from dataclasses import dataclass

from lxml import etree

from club.integrations.espp.refusals import BadEncoding, TooLarge, Unreadable

MESSAGE_BYTES_MAX = 64 * 1024
FIELDS_MAX = 60
NAMESPACES = "http://schema.mts.ru/ESPP/"
"""Every published version of the family lives under this; we answer as v5_01."""

DECLARED_ENCODING = re.compile(rb"""\s*<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
ENCODINGS = {"utf-8": "utf-8", "utf8": "utf-8", "us-ascii": "utf-8"} | dict.fromkeys(
    ("windows-1251", "cp1251"), "cp1251"
)
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Envelope:
    """`name` is the root element, `fields` the texts of its children as they came."""

    name: str
    fields: dict[str, str]


def open_envelope(body: bytes) -> Envelope:
    """Raises Unreadable or one of its kinds; the sentence says what is wrong, never a trace."""
    if len(body) > MESSAGE_BYTES_MAX:
        raise TooLarge(f"a message has at most {MESSAGE_BYTES_MAX} bytes")
    root = _parsed(decoded(body))
    name = own_name(root)
    if len(root) > FIELDS_MAX:
        raise Unreadable(f"a message has at most {FIELDS_MAX} fields")
    fields: dict[str, str] = {}
    for child in root:
        tag = own_name(child)
        if len(child):
            raise Unreadable(f"the field {tag} may hold text only")
        if tag in fields:
            raise Unreadable(f"the field {tag} stands there twice")
        fields[tag] = (child.text or "").strip()
    return Envelope(name, fields)


def decoded(body: bytes) -> str:
    """The text of an XML document in the encoding it declares; UTF-8 when it declares none."""
    body = body.removeprefix(BOM)
    match = DECLARED_ENCODING.match(body)
    name = match[1].decode().lower() if match else "utf-8"
    encoding = ENCODINGS.get(name)
    if encoding is None:
        raise BadEncoding("a message is written in UTF-8 or windows-1251")
    try:
        return body.decode(encoding)
    except UnicodeDecodeError as error:
        raise BadEncoding(f"byte {error.start} does not belong to the encoding {name}") from error


def own_name(element: etree._Element) -> str:
    """The local name, if the element belongs to the family or to no namespace."""
    name = etree.QName(element)
    if name.namespace and not name.namespace.startswith(NAMESPACES):
        raise Unreadable("the message is not in a namespace of the ESPP family")
    return name.localname


def _parsed(text: str) -> etree._Element:
    # A document type is refused on sight: the parser would read its entities even if it never
    # expanded one.
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise Unreadable("a document type is not accepted")
    parser = etree.XMLParser(
        encoding="utf-8",  # over whatever the declaration says: the text is ours by now
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return etree.fromstring(text.encode(), parser)
    except etree.XMLSyntaxError as error:
        # Line and column only: libxml2's sentences repeat the text, and so a phone number.
        line, column = error.position
        raise Unreadable(f"the XML is broken at line {line}, column {column}") from error

"""SOAP 1.1 for those who answer it, from the same WSDL model that zeep uses to call.

No SOAP server for Python is alive. zeep is, and the model it reads from a WSDL decodes requests
and encodes answers just as well, so a contract file is all that a door of ours needs.
Document/literal only, bare or wrapped; no attachments, no WS-Security.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zeep
import zeep.exceptions
import zeep.helpers
import zeep.xsd
from lxml import etree

from club.errors import ClubError

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
CONTENT_TYPE = "text/xml; charset=utf-8"


class BadMessage(ClubError):
    """What came is not a request of this contract; the answer is a fault with code Client."""

    code = "bad_soap_message"


@dataclass(frozen=True)
class Call:
    operation: str
    arguments: dict[str, Any]


class Codec:
    """Requests in, answers and faults out, for one port of one WSDL."""

    def __init__(self, wsdl: Path, *, service: str, port: str, body_bytes_max: int = 64 * 1024):
        self._text = wsdl.read_bytes()
        self._wsdl = zeep.Client(str(wsdl)).wsdl
        # Private to zeep, which is therefore pinned; a test of the codec fails when it changes.
        self._operations = self._wsdl.services[service].ports[port].binding._operations
        self._by_element = {
            each.input.body.qname.text: name for name, each in self._operations.items()
        }
        self._body_bytes_max = body_bytes_max

    def decode(self, body: bytes) -> Call:
        """The operation asked for and its arguments by name.

        Dispatched by the element, not by SOAPAction, which clients may leave empty.
        Raises BadMessage, without repeating what came: it may hold secrets.
        """
        payload = self._payload(body)
        name = self._by_element.get(payload.tag)
        if name is None:
            raise BadMessage("this operation is not in the contract")
        try:
            value = self._operations[name].input.body.parse(payload, self._wsdl.types)
        except (zeep.exceptions.Error, ValueError, TypeError) as error:
            raise BadMessage("the elements of the request do not follow the contract") from error
        arguments = zeep.helpers.serialize_object(value, dict)
        if not isinstance(arguments, dict):
            raise BadMessage("the request is empty")
        self._require_all(name, payload, arguments)
        return Call(operation=name, arguments=arguments)

    def encode(self, operation: str, result: Mapping[str, Any]) -> bytes:
        """The answer to one operation. A result that breaks the contract is our bug: it raises."""
        return _document(self._operations[operation].output.serialize(**result).content)

    def fault(
        self, party: str, text: str, *, detail: str = "", values: Mapping[str, Any] | None = None
    ) -> bytes:
        """A fault of `party` (Client or Server), typed when `detail` names an element of the WSDL."""
        assert party in {"Client", "Server"}
        envelope = etree.Element(f"{{{ENVELOPE}}}Envelope", nsmap={"s": ENVELOPE})
        fault = etree.SubElement(
            etree.SubElement(envelope, f"{{{ENVELOPE}}}Body"), f"{{{ENVELOPE}}}Fault"
        )
        etree.SubElement(fault, "faultcode").text = f"s:{party}"
        etree.SubElement(fault, "faultstring").text = text
        if detail:
            element = self._wsdl.types.get_element(detail)
            element.render(etree.SubElement(fault, "detail"), element(**(values or {})))
        return _document(envelope)

    def wsdl(self, *, address: str) -> bytes:
        """The contract as `GET ?wsdl` shows it: with the address at which we really are."""
        document = etree.fromstring(self._text)
        for node in document.iter("{http://schemas.xmlsoap.org/wsdl/soap/}address"):
            node.set("location", address)
        return _document(document)

    def _payload(self, body: bytes) -> Any:
        """The one element in the envelope's body."""
        if len(body) > self._body_bytes_max:
            raise BadMessage("the request is too large", bytes_max=self._body_bytes_max)
        parser = etree.XMLParser(
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            remove_comments=True,
            remove_pis=True,
        )
        try:
            envelope = etree.fromstring(body, parser)
        except (etree.XMLSyntaxError, ValueError) as error:
            raise BadMessage("the request is not well-formed XML") from error
        if envelope.getroottree().docinfo.doctype:
            raise BadMessage("a document type is not accepted")
        if envelope.tag != f"{{{ENVELOPE}}}Envelope":
            raise BadMessage("the request is not a SOAP 1.1 envelope")
        content = envelope.find(f"{{{ENVELOPE}}}Body")
        if content is None or len(content) != 1:
            raise BadMessage("the envelope needs a body with one element")
        return content[0]

    def _require_all(self, name: str, payload: Any, arguments: dict[str, Any]) -> None:
        """zeep reads both an absent and an empty element as None; here they are told apart."""
        given = {etree.QName(child).localname: child for child in payload}
        for field, element in self._operations[name].input.body.type.elements:
            if arguments.get(field) is not None or element.is_optional:
                continue
            if field not in given:
                raise BadMessage(f"the element {field} is missing")
            if len(given[field]) or not isinstance(element.type, zeep.xsd.String):
                raise BadMessage(f"the element {field} has no value")
            arguments[field] = ""


def _document(element: Any) -> bytes:
    written: bytes = etree.tostring(element, xml_declaration=True, encoding="UTF-8")
    return written

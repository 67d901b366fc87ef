"""`orders.ports.Provisioning` over the operator's SOAP service.

Nothing here logs: a request carries the subscriber's number and our token.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any

import zeep
import zeep.exceptions
from django.conf import settings
from lxml import etree

from club.integrations.glassfish import (
    ALREADY_ACTIVE,
    FAULT,
    NAMESPACE,
    PORT,
    UNKNOWN_REQUEST,
    WSDL,
)
from club.integrations.wire import Answer, NoAnswer, NotSent, Wire
from club.orders.ports import Outcome
from club.outcomes import Done, Refused, Unknown, Waiting

BINDING = f"{{{NAMESPACE}}}{PORT}Binding"
ZEEP_STUMBLES = (ValueError, TypeError, AttributeError, LookupError)
"""How zeep fails over answers that are no SOAP, besides its own errors."""


class GlassfishProvisioning:
    """One instance serves a process; the contract is read at the first call, the pool is shared."""

    def submit(self, *, service_code: str, msisdn: str, request_id: str) -> Outcome:
        """Ask once. Only a typed fault, or not having sent, proves that nothing happened."""
        return self._ask(
            request_id,
            lambda: self._service.addService(
                token=settings.GLASSFISH_TOKEN,
                msisdn=msisdn,
                soc=service_code,
                requestId=request_id,
            ),
        )

    def status(self, *, request_id: str) -> Outcome:
        """What became of it; Refused "unknown_request" when the other side never saw it."""
        return self._ask(request_id, lambda: self._service.requestStatus(requestId=request_id))

    def _ask(self, request_id: str, call: Callable[[], Any]) -> Outcome:
        try:
            answer = call()
        except NotSent as error:
            return Refused("not_sent", str(error), is_for_now=True)
        except NoAnswer as error:
            return Unknown(f"no answer: {error}")
        except zeep.exceptions.Fault as fault:
            return _of_fault(fault)
        except zeep.exceptions.ValidationError:
            raise  # Our own request breaks the contract: a bug, and nothing was sent.
        except (zeep.exceptions.Error, etree.LxmlError, *ZEEP_STUMBLES):
            # Without zeep's own words: they quote the answer.
            return Unknown("the answer could not be read")
        return _of_state(answer, request_id)

    @cached_property
    def _service(self) -> Any:
        client = zeep.Client(
            str(WSDL), transport=_Transport(), settings=zeep.Settings(forbid_dtd=True)
        )
        return client.create_service(BINDING, settings.GLASSFISH_URL)


class _Transport(zeep.Transport):
    """zeep's way out, by our wire: its own logs the messages and has no deadline."""

    def __init__(self) -> None:
        super().__init__()
        self._wire = Wire(
            connect_timeout_s=settings.GLASSFISH_CONNECT_TIMEOUT_S,
            answer_timeout_s=settings.GLASSFISH_ANSWER_TIMEOUT_S,
        )

    def post_xml(self, address: str, envelope: Any, headers: dict[str, str]) -> Answer:
        body = etree.tostring(envelope, xml_declaration=True, encoding="UTF-8")
        return self._wire.post(address, body=body, headers=headers)


def _of_fault(fault: zeep.exceptions.Fault) -> Outcome:
    """A typed fault is the service's word that nothing happened; any other fault is nobody's word."""
    # Over an error page zeep raises a fault too, with the page's text for a detail.
    typed = fault.detail.find(FAULT) if etree.iselement(fault.detail) else None
    code = "" if typed is None else typed.findtext("code", "")
    if typed is None or not code:
        return Unknown("the other side failed")
    text = typed.findtext("message", "")
    if code == ALREADY_ACTIVE:
        return Done(text)
    return Refused("unknown_request" if code == UNKNOWN_REQUEST else code, text)


def _of_state(answer: Any, request_id: str) -> Outcome:
    if answer is None or answer.requestId != request_id:
        return Unknown("the answer is about something else")
    text = answer.message or ""
    match answer.state:
        case "DONE":
            return Done(text)
        case "ACCEPTED":
            return Waiting()
        case "REFUSED":
            return Refused(answer.code or "refused", text)
        case _:
            return Unknown("the other side is in a state that the contract does not know")

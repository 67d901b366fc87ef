"""POST /intake/espp: one message of an agent, one answer; or a daily register, then counts.

Business refusals travel in the agent's own language (an ESPP_2204nnn with status 200). What cannot
be answered in it — no certificate, no XML, too much of it — is an RFC 9457 problem with a code.
"""

import io
import re
import secrets
from datetime import datetime

from django.conf import settings
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from club.clock import TASHKENT
from club.errors import ClubError
from club.integrations.espp import conversation, messages, register
from club.integrations.espp.counts import Counts
from club.integrations.espp.envelope import open_envelope
from club.integrations.espp.refusals import TooLarge, Unavailable, WrongCertificate

REGISTER_BYTES_MAX = 2 * 1024 * 1024
"""Longer registers come as a file, by `club intake espp`."""
REGISTER = re.compile(rb"<(?:[A-Za-z0-9_.-]+:)?comparePacket[\s>/]")
STATUS = {"body_too_large": 413, "wrong_certificate": 403, "unavailable": 503}


@csrf_exempt  # Machines call here: no cookie is read, so none can be abused.
@require_POST
def espp(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    try:
        subject = _client_certificate(request)
        body = _body(request, bytes_max=REGISTER_BYTES_MAX)
        if REGISTER.search(body, 0, 4096):
            return _register(body, subject=subject, now=now)
        reply = conversation.answer(
            open_envelope(body), subject=subject, espp_id=_fresh_espp_id(now), now=now
        )
    except ClubError as error:
        return _problem(error)
    except OperationalError:
        # Nothing was written, or the agent cannot know: its ids make sending it again safe.
        return _problem(Unavailable("payments cannot be taken now; send it again"))
    response = HttpResponse(messages.write(reply.answer), content_type="application/xml")
    for name, value in _numbers(reply.counts).items():
        response[f"X-Club-{name.capitalize()}"] = str(value)
    return response


def _client_certificate(request: HttpRequest) -> str | None:
    """The verified subject, as the TLS terminator says it; None where none is asked for.

    Only that terminator is believed: from any other address the headers are whatever the caller
    cared to write. Raises WrongCertificate.
    """
    if not settings.ESPP_MTLS:
        return None
    if request.META.get("REMOTE_ADDR") not in settings.TLS_PROXY:
        raise WrongCertificate("payments are taken through the TLS terminator only")
    subject = request.headers.get("X-SSL-Client-S-DN", "")
    if request.headers.get("X-SSL-Client-Verify") != "SUCCESS" or not subject:
        raise WrongCertificate("a verified client certificate is needed")
    return subject


def _body(request: HttpRequest, *, bytes_max: int) -> bytes:
    """At most `bytes_max`, and never more than that read. Raises TooLarge.

    A declared length over the limit is refused unread. A chunked body declares none: Django would
    show it empty, so it is read from the server itself, which ends it (`wsgi.input_terminated`).
    """
    is_chunked = "chunked" in request.headers.get("Transfer-Encoding", "").lower()
    if not is_chunked and int(request.META.get("CONTENT_LENGTH") or 0) > bytes_max:
        raise TooLarge(f"a body has at most {bytes_max} bytes")
    source = request.META["wsgi.input"] if is_chunked else request
    body = io.BytesIO()
    while chunk := source.read(min(64 * 1024, bytes_max + 1 - body.tell())):
        body.write(chunk)
        if body.tell() > bytes_max:
            raise TooLarge(f"a body has at most {bytes_max} bytes")
    return body.getvalue()


def _register(body: bytes, *, subject: str | None, now: datetime) -> HttpResponse:
    name = f"POST /intake/espp {now.astimezone(TASHKENT):%Y-%m-%d %H:%M:%S}"
    counts = register.take(io.BytesIO(body), name=name, now=now, subject=subject)
    return JsonResponse(
        {**_numbers(counts), "rejected": [line._asdict() for line in counts.rejected]}
    )


def _numbers(counts: Counts) -> dict[str, int]:
    return {
        "received": counts.received,
        "new": counts.new,
        "duplicate": counts.duplicate,
        "conflicting": counts.conflicting,
        "rejected": len(counts.rejected),
    }


def _fresh_espp_id(now: datetime) -> str:
    """Twenty digits: the second in Tashkent, then chance. Nothing is kept for a check."""
    return f"{now.astimezone(TASHKENT):%Y%m%d%H%M%S}{secrets.randbelow(10**6):06}"


def _problem(error: ClubError) -> HttpResponse:
    status = STATUS.get(error.code, 400)
    return JsonResponse(
        {"type": "about:blank", "status": status, "code": error.code, "title": error.message},
        status=status,
        content_type="application/problem+json",
    )

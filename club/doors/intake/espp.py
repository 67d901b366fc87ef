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
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from club.clock import TASHKENT
from club.doors.intake import wire
from club.errors import ClubError
from club.integrations.espp import conversation, messages, register
from club.integrations.espp.envelope import open_envelope

REGISTER_BYTES_MAX = 2 * 1024 * 1024
"""Longer registers come as a file, by `club intake espp`."""
REGISTER = re.compile(rb"<(?:[A-Za-z0-9_.-]+:)?comparePacket[\s>/]")


@csrf_exempt  # Machines call here: no cookie is read, so none can be abused.
@require_POST
def espp(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    try:
        subject = wire.client_certificate(request, is_asked_for=settings.ESPP_MTLS)
        body = wire.body(request, bytes_max=REGISTER_BYTES_MAX)
        if REGISTER.search(body, 0, 4096):
            return _register(body, subject=subject, now=now)
        reply = conversation.answer(
            open_envelope(body), subject=subject, espp_id=_fresh_espp_id(now), now=now
        )
    except ClubError as error:
        return wire.problem(error)
    except OperationalError:
        # Nothing was written, or the agent cannot know: its ids make sending it again safe.
        return wire.problem(wire.Unavailable("payments cannot be taken now; send it again"))
    response = HttpResponse(messages.write(reply.answer), content_type="application/xml")
    for name, value in wire.numbers(reply.counts).items():
        response[f"X-Club-{name.capitalize()}"] = str(value)
    return response


def _register(body: bytes, *, subject: str | None, now: datetime) -> HttpResponse:
    name = f"POST /intake/espp {now.astimezone(TASHKENT):%Y-%m-%d %H:%M:%S}"
    counts = register.take(io.BytesIO(body), name=name, now=now, subject=subject)
    return wire.counted(counts)


def _fresh_espp_id(now: datetime) -> str:
    """Twenty digits: the second in Tashkent, then chance. Nothing is kept for a check."""
    return f"{now.astimezone(TASHKENT):%Y%m%d%H%M%S}{secrets.randbelow(10**6):06}"

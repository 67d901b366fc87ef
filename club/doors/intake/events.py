"""POST /intake/events: events in our own format, one, an array or a line each; counts answer.

    application/json                            one event, or an array of them
    application/x-ndjson, application/jsonl     a register: an event a line

An event that cannot be taken is told by its place with code and reason, and the others go in. Only
what holds for the whole request is a problem (RFC 9457): its type, its size, who sends it.
"""

import io
import json
from datetime import datetime

from django.conf import settings
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from club.accrual import intake
from club.accrual.counts import Counts
from club.accrual.event_format import UnreadableEvent
from club.accrual.intake import Told
from club.clock import TASHKENT
from club.doors.intake import wire
from club.errors import ClubError

BODY_BYTES_MAX = 2 * 1024 * 1024
"""Longer registers come as a file, by `club intake events`."""
LINES = frozenset({"application/x-ndjson", "application/jsonl"})


class UnsupportedMediaType(ClubError):
    code = "unsupported_media_type"


@csrf_exempt  # Machines call here: no cookie is read, so none can be abused.
@require_POST
def events(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    try:
        subject = wire.client_certificate(request, is_asked_for=settings.EVENTS_MTLS)
        body = wire.body(request, bytes_max=BODY_BYTES_MAX)
        if request.content_type in LINES:
            return wire.counted(_register(body, subject=subject, now=now))
        if request.content_type != "application/json":
            raise UnsupportedMediaType("send application/json, or a line each application/x-ndjson")
        return wire.counted(_take(body, subject=subject, now=now))
    except ClubError as error:
        return wire.problem(error)
    except OperationalError:
        # Nothing is doubled when it comes again: every event has its own id.
        return wire.problem(wire.Unavailable("events cannot be taken now; send them again"))


def _register(body: bytes, *, subject: str | None, now: datetime) -> Counts:
    name = f"POST /intake/events {now.astimezone(TASHKENT):%Y-%m-%d %H:%M:%S}"
    return intake.take_file(io.BytesIO(body), name=name, now=now, subject=subject)


def _take(body: bytes, *, subject: str | None, now: datetime) -> Counts:
    counts = Counts()
    for some in intake.slices(_told(body)):
        for receipt in intake.take(some, now=now, subject=subject, keeps_unread=False):
            counts.add(receipt)
    return counts


def _told(body: bytes) -> list[Told]:
    """The events of a body: each is read by itself, so that one that is wrong stops no other."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UnreadableEvent(f"the body is not JSON: {error}") from error
    if not isinstance(found, list):
        return [Told(body)]
    return [Told(_written(one), place) for place, one in enumerate(found, 1)]


def _written(one: object) -> bytes:
    """Half of a surrogate pair stays one, for the reader to refuse."""
    return json.dumps(one, ensure_ascii=False).encode(errors="surrogatepass")

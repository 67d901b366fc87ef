"""What the doors of intake have in common: whose certificate it is, a bounded body, a problem."""

import io

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from club.accrual.counts import Counts
from club.errors import ClubError

STATUS = {
    "body_too_large": 413,
    "wrong_certificate": 403,
    "unsupported_media_type": 415,
    "unavailable": 503,
    "programme_not_configured": 503,
}


class BodyTooLarge(ClubError):
    code = "body_too_large"


class CertificateNeeded(ClubError):
    code = "wrong_certificate"


class Unavailable(ClubError):
    code = "unavailable"


def client_certificate(request: HttpRequest, *, is_asked_for: bool) -> str | None:
    """The verified subject, as the TLS terminator says it; None where none is asked for.

    Only that terminator is believed: from any other address the headers are whatever the caller
    cared to write. Raises CertificateNeeded.
    """
    if not is_asked_for:
        return None
    if request.META.get("REMOTE_ADDR") not in settings.TLS_PROXY:
        raise CertificateNeeded("this is taken through the TLS terminator only")
    subject = request.headers.get("X-SSL-Client-S-DN", "")
    if request.headers.get("X-SSL-Client-Verify") != "SUCCESS" or not subject:
        raise CertificateNeeded("a verified client certificate is needed")
    return subject


def body(request: HttpRequest, *, bytes_max: int) -> bytes:
    """At most `bytes_max`, and never more than that read. Raises BodyTooLarge.

    A declared length over the limit is refused unread. A chunked body declares none: Django would
    show it empty, so it is read from the server itself, which ends it (`wsgi.input_terminated`).
    """
    is_chunked = "chunked" in request.headers.get("Transfer-Encoding", "").lower()
    if not is_chunked and int(request.META.get("CONTENT_LENGTH") or 0) > bytes_max:
        raise BodyTooLarge(f"a body has at most {bytes_max} bytes")
    source = request.META["wsgi.input"] if is_chunked else request
    read = io.BytesIO()
    while chunk := source.read(min(64 * 1024, bytes_max + 1 - read.tell())):
        read.write(chunk)
        if read.tell() > bytes_max:
            raise BodyTooLarge(f"a body has at most {bytes_max} bytes")
    return read.getvalue()


def numbers(counts: Counts) -> dict[str, int]:
    return {
        "received": counts.received,
        "new": counts.new,
        "duplicate": counts.duplicate,
        "conflicting": counts.conflicting,
        "rejected": len(counts.rejected),
    }


def counted(counts: Counts) -> HttpResponse:
    """How many of each, and of every rejected one its line, code and reason."""
    return JsonResponse(
        {**numbers(counts), "rejected": [line._asdict() for line in counts.rejected]}
    )


def problem(error: ClubError) -> HttpResponse:
    status = STATUS.get(error.code, 400)
    return JsonResponse(
        {"type": "about:blank", "status": status, "code": error.code, "title": error.message},
        status=status,
        content_type="application/problem+json",
    )

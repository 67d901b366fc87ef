"""What is the same for every address of the subscriber API, whatever happens behind it."""

import logging
import re
from collections.abc import Callable, Mapping
from functools import wraps
from ipaddress import IPv6Address, ip_address
from traceback import format_exception
from uuid import uuid4

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.translation.trans_real import parse_accept_lang_header

from club.doors import problems
from club.languages import CODES, UZBEK

log = logging.getLogger(__name__)

BODY_BYTES_MAX = 16 * 1024
NUMBER = re.compile(r"998[0-9]{9}")
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
View = Callable[..., HttpResponse]


class AppRequest(HttpRequest):
    """A request that came through `in_the_door`."""

    id: str
    asked_language: str | None
    """What Accept-Language asks for among our languages; None leaves it to the subscriber."""


def in_the_door(view: View, *, body_bytes_max: int = BODY_BYTES_MAX) -> View:
    """Gives the request an id and a language, bounds its body, and forbids to keep the answer."""

    @wraps(view)
    def through(request: AppRequest, *args: object, **kwargs: object) -> HttpResponse:
        given = request.headers.get("X-Request-Id", "")
        request.id = given if REQUEST_ID.fullmatch(given) else uuid4().hex
        request.asked_language = asked_language(request.headers.get("Accept-Language", ""))
        translation.activate(request.asked_language or UZBEK)

        try:
            response = _refusal(request, body_bytes_max) or view(request, *args, **kwargs)
        except Exception as error:  # noqa: BLE001  the last one who could answer
            # Our mistake: the log gets the trace, the outside the id to quote and nothing else.
            log.error("%s: %s", request.id, without_numbers(error))
            response = problem(request, "internal_error")
        if response.status_code == 405:
            allowed = response["Allow"]
            response = problem(request, "method_not_allowed")
            response["Allow"] = allowed

        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        response["X-Request-Id"] = request.id
        patch_vary_headers(response, ["Accept-Language", "Authorization"])
        return response

    return through


def without_numbers(error: Exception) -> str:
    """The trace for the log. A database's message may quote a row, and so somebody's number."""
    return NUMBER.sub("998…", "".join(format_exception(error)))


def problem(
    request: AppRequest, code: str, values: Mapping[str, object] | None = None
) -> HttpResponse:
    return problems.answer(code, instance=request.path, request_id=request.id, values=values)


def not_found(request: AppRequest, rest: str = "") -> HttpResponse:
    """Every address under the API that is none: a problem, not the site's page."""
    return problem(request, "not_found")


def _refusal(request: AppRequest, body_bytes_max: int) -> HttpResponse | None:
    """What is wrong with the body before anybody reads it."""
    length = int(request.META.get("CONTENT_LENGTH") or 0)
    if length > body_bytes_max:
        return problem(request, "body_too_large", {"bytes_max": body_bytes_max})
    if length and request.content_type != "application/json":
        return problem(request, "unsupported_media_type")
    return None


def asked_language(accept_language: str) -> str | None:
    """The first of our languages that the header asks for, by its own order of preference.

    >>> [
    ...     asked_language(header)
    ...     for header in ("uz-Cyrl-UZ, ru;q=0.8", "kaa", "ru-RU", "de, en;q=0.5")
    ... ]
    ['uz-cyrl', 'kaa', 'ru', 'en']
    >>> asked_language("de, *;q=0.1") is None
    True
    """
    for tag, quality in parse_accept_lang_header(accept_language):
        parts = tag.split("-")
        for length in range(len(parts), 0, -1):
            if quality and (code := "-".join(parts[:length])) in CODES:
                return code
    return None


def address(request: HttpRequest) -> str:
    """Whose limits count: the network address the outermost proxy of ours saw.

    What stands further left in X-Forwarded-For is whatever the caller wrote. An IPv6 customer
    owns a whole /64, so that counts as one address.
    """
    forwarded = [part for part in request.headers.get("X-Forwarded-For", "").split(",") if part]
    seen = [*forwarded, request.META.get("REMOTE_ADDR", "")]
    own = seen[-1 - settings.PROXIES] if len(seen) > settings.PROXIES else seen[-1]
    try:
        parsed = ip_address(own.strip())
    except ValueError:
        return "unknown"
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or parsed.exploded[:19])
    return str(parsed)

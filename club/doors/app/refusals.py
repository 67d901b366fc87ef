"""Every error as a problem: what an API raises, and what it answers."""

import logging
from collections.abc import Callable, Mapping

from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from club.doors import problems
from club.doors.app import door
from club.doors.app.door import AppRequest, problem
from club.doors.app.faults import faulty_fields
from club.errors import ClubError

log = logging.getLogger(__name__)


def answer_problems(api: NinjaAPI) -> None:
    """Let `api`, whose requests come through `door.in_the_door`, answer every error as a problem."""
    for kind, answer in ANSWERS.items():
        api.add_exception_handler(kind, answer)


def _refused(request: AppRequest, error: ClubError) -> HttpResponse:
    """What the table of problems does not know is our mistake, and goes on as one."""
    if error.code not in problems.KINDS:
        raise error
    values = dict(error.values)
    match values:
        case {"asked_points": int(asked), "available_points": int(available)}:
            values["missing_points"] = asked - available
    return problem(request, error.code, values)


def _invalid(request: AppRequest, error: ValidationError) -> HttpResponse:
    faults = faulty_fields(error.errors)
    if any(fault.is_missing_key for fault in faults):
        return problem(request, "idempotency_key_missing")
    return problem(request, "validation_failed", {"errors": [fault.told() for fault in faults]})


def _not_signed_in(request: AppRequest, error: AuthenticationError) -> HttpResponse:
    return problem(request, "not_signed_in")


def _malformed(request: AppRequest, error: HttpError) -> HttpResponse:
    """Ninja raises this only when a body cannot be parsed, or a form's token is missing."""
    return problem(request, "csrf_failed" if error.status_code == 403 else "malformed_request")


def _nowhere(request: AppRequest, error: Http404) -> HttpResponse:
    return problem(request, "not_found")


def _too_large(request: AppRequest, error: RequestDataTooBig) -> HttpResponse:
    return problem(request, "body_too_large", {"bytes_max": door.BODY_BYTES_MAX})


def _unavailable(request: AppRequest, error: Exception) -> HttpResponse:
    log.error("%s: the database is away: %s", request.id, type(error).__name__)
    return problem(request, "unavailable")


ANSWERS: Mapping[type[Exception], Callable[..., HttpResponse]] = {
    ClubError: _refused,
    ValidationError: _invalid,
    AuthenticationError: _not_signed_in,
    HttpError: _malformed,
    Http404: _nowhere,
    RequestDataTooBig: _too_large,
    OperationalError: _unavailable,
    InterfaceError: _unavailable,
}

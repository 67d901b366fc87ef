"""The subscriber API: /api/v1. One file a noun beside this one; here is what joins them."""

import logging
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path
from django.utils import translation
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.openapi.docs import Swagger
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation
from ninja.renderers import JSONRenderer

from club.doors import problems
from club.doors.app import catalogue, door, history, levels, me, orders, session
from club.doors.app.door import AppRequest, in_the_door, problem
from club.doors.app.faults import faulty_fields
from club.doors.app.schemas import ProblemKindOut, or_problems
from club.errors import ClubError
from club.languages import in_language

log = logging.getLogger(__name__)
DOCS_CSP = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:"


class LocalSwagger(Swagger):
    """The interactive page, from our own static files only."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        response = super().render_page(request, api, **kwargs)
        response["Content-Security-Policy"] = DOCS_CSP
        return response


class Utf8(JSONRenderer):
    """Letters as they are: escaped, Cyrillic would weigh three times as much."""

    media_type = "application/json"
    json_dumps_params: Mapping[str, Any] = {"ensure_ascii": False}


class SubscriberAPI(NinjaAPI):
    _schema: OpenAPISchema | None = None

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """The name a generated client gives the call: no module of ours in it."""
        return operation.view_func.__name__

    def get_openapi_schema(self, **kwargs: Any) -> OpenAPISchema:
        """The same document for everybody, made once: errors have their own media type."""
        if self._schema is None:
            schema = super().get_openapi_schema(**kwargs)
            for operations in schema["paths"].values():
                for operation in operations.values():
                    _tell_errors(operation["responses"])
            self._schema = schema
        return self._schema


def _tell_errors(responses: dict[Any, Any]) -> None:
    for status, response in responses.items():
        if int(status) >= 400:
            response["content"] = {problems.MEDIA_TYPE: response["content"].pop("application/json")}


api = SubscriberAPI(
    title="Beeline Club: subscriber API",
    version="1",
    description=(
        "Balance, history, catalogue and orders of a signed-in subscriber. Errors are problems "
        "(RFC 9457) with a stable `code`; texts follow `Accept-Language` (uz, uz-Cyrl, ru, kaa, en)."
    ),
    urls_namespace="app",
    renderer=Utf8(),
    docs=LocalSwagger(settings={"validatorUrl": None}),  # else it asks a public host
)
api.add_router("", session.router, tags=["sign-in"])
api.add_router("", me.router, tags=["me"])
api.add_router("", levels.router, tags=["me"])
api.add_router("", history.router, tags=["me"])
api.add_router("", catalogue.router, tags=["catalogue"])
api.add_router("", orders.router, tags=["orders"])


@api.get("/problems/{code}", response=or_problems({200: ProblemKindOut}, 404), tags=["errors"])
def explain_problem(request: AppRequest, code: str) -> ProblemKindOut:
    """What a problem's `type` means: the document at its address."""
    if code not in problems.KINDS:
        raise Http404
    kind = problems.KINDS[code]
    return ProblemKindOut(code=code, status=kind.status, title=str(kind.title), members=kind.values)


# ---- errors ----------------------------------------------------------------------------------


@api.exception_handler(ClubError)
def refused(request: AppRequest, error: ClubError) -> HttpResponse:
    """What the table of problems does not know is our mistake, and goes on as one."""
    if error.code not in problems.KINDS:
        raise error
    values = dict(error.values)
    match values:
        case {"asked_points": int(asked), "available_points": int(available)}:
            values["missing_points"] = asked - available
        case {"level": dict(names)}:
            values["level"] = in_language(names, translation.get_language())
    return problem(request, error.code, values)


@api.exception_handler(ValidationError)
def invalid(request: AppRequest, error: ValidationError) -> HttpResponse:
    faults = faulty_fields(error.errors)
    if any(fault.is_missing_key for fault in faults):
        return problem(request, "idempotency_key_missing")
    return problem(request, "validation_failed", {"errors": [fault.told() for fault in faults]})


@api.exception_handler(AuthenticationError)
def not_signed_in(request: AppRequest, error: AuthenticationError) -> HttpResponse:
    return problem(request, "not_signed_in")


@api.exception_handler(HttpError)
def malformed(request: AppRequest, error: HttpError) -> HttpResponse:
    """Ninja raises this only when a body cannot be parsed."""
    return problem(request, "malformed_request")


@api.exception_handler(Http404)
def nowhere(request: AppRequest, error: Http404) -> HttpResponse:
    return problem(request, "not_found")


@api.exception_handler(RequestDataTooBig)
def too_large(request: AppRequest, error: RequestDataTooBig) -> HttpResponse:
    return problem(request, "body_too_large", {"bytes_max": door.BODY_BYTES_MAX})


@api.exception_handler(OperationalError)
@api.exception_handler(InterfaceError)
def unavailable(request: AppRequest, error: Exception) -> HttpResponse:
    log.error("%s: the database is away: %s", request.id, type(error).__name__)
    return problem(request, "unavailable")


def _urls() -> tuple[list[URLPattern | URLResolver], str, str]:
    patterns, app_name, namespace = api.urls
    # Before Ninja's own root, which raises; after everything else, what is nowhere.
    patterns = [path("", door.not_found), *patterns, path("<path:rest>", door.not_found)]
    for pattern in patterns:
        assert isinstance(pattern, URLPattern)
        pattern.callback = in_the_door(pattern.callback)
    return patterns, app_name, namespace


urls = _urls()

"""The subscriber API: /api/v1. One file a noun beside this one; here is what joins them."""

from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path
from ninja import NinjaAPI
from ninja.openapi.docs import Swagger
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation
from ninja.renderers import JSONRenderer

from club.doors import problems
from club.doors.app import campaigns, catalogue, door, history, levels, me, orders, session
from club.doors.app.door import AppRequest, in_the_door
from club.doors.app.refusals import answer_problems
from club.doors.app.schemas import ProblemKindOut, or_problems

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
        "Balance, history, campaigns, catalogue and orders of a signed-in subscriber. Errors are problems "
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
api.add_router("", campaigns.router, tags=["campaigns"])
api.add_router("", catalogue.router, tags=["catalogue"])
api.add_router("", orders.router, tags=["orders"])
answer_problems(api)


@api.get("/problems/{code}", response=or_problems({200: ProblemKindOut}, 404), tags=["errors"])
def explain_problem(request: AppRequest, code: str) -> ProblemKindOut:
    """What a problem's `type` means: the document at its address."""
    if code not in problems.KINDS:
        raise Http404
    kind = problems.KINDS[code]
    return ProblemKindOut(code=code, status=kind.status, title=str(kind.title), members=kind.values)


def addresses(
    of: NinjaAPI, *, body_bytes_max: int = door.BODY_BYTES_MAX
) -> tuple[list[URLPattern | URLResolver], str, str]:
    """The addresses of an API behind its door; every other one below them is a problem, too."""
    patterns, app_name, namespace = of.urls
    # Before Ninja's own root, which raises; after everything else, what is nowhere.
    patterns = [path("", door.not_found), *patterns, path("<path:rest>", door.not_found)]
    for pattern in patterns:
        assert isinstance(pattern, URLPattern)
        pattern.callback = in_the_door(pattern.callback, body_bytes_max=body_bytes_max)
    return patterns, app_name, namespace


urls = addresses(api)

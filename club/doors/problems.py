"""Errors as the outside sees them: RFC 9457 problems with a stable code, in the reader's language.

This is the one table of codes. `docs/api-errors.md` is written from it by `as_markdown`, and a test
fails when they differ. Only what the table names leaves the house: an error that is not in it is
our mistake, is logged and shown as `internal_error`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from django.http import HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "/api/v1/problems/"


@dataclass(frozen=True)
class Kind:
    """One kind of problem. `values` are the members that go with it, and that `detail` may name."""

    status: int
    title: Promise
    detail: Promise
    values: tuple[str, ...] = ()


KINDS: Mapping[str, Kind] = {
    "malformed_request": Kind(
        400, _("The request cannot be read"), _("The body is not valid JSON in UTF-8.")
    ),
    "idempotency_key_missing": Kind(
        400,
        _("The request has no key"),
        _("Send an Idempotency-Key header, so that a repeated request buys nothing twice."),
    ),
    "not_signed_in": Kind(
        401, _("You are not signed in"), _("Sign in with the code we send to your phone.")
    ),
    "session_ended": Kind(
        401, _("Your session has ended"), _("Sign in again with a new code, please.")
    ),
    "code_wrong": Kind(
        401,
        _("The code is wrong"),
        ngettext_lazy(
            "Check the message and try again. %(tries_left)s try is left.",
            "Check the message and try again. %(tries_left)s tries are left.",
            "tries_left",
        ),
        values=("tries_left",),
    ),
    "code_expired": Kind(401, _("The code is no longer valid"), _("Ask for a new code, please.")),
    "not_permitted": Kind(
        403,
        _("You may not do this"),
        _("Your role has not the right to it. Whoever keeps the roles can give it."),
        values=("permission",),
    ),
    "csrf_failed": Kind(
        403,
        _("The request does not show that it comes from you"),
        _("Send the value of the cookie csrftoken in the header X-CSRFToken."),
    ),
    "not_found": Kind(404, _("Not found"), _("There is nothing of yours at this address.")),
    "order_not_found": Kind(
        404, _("There is no such order"), _("Look for it in the list of your orders.")
    ),
    "reward_unavailable": Kind(
        404,
        _("This reward is not on sale"),
        _("Choose another one from the catalogue. No points were taken."),
    ),
    "method_not_allowed": Kind(
        405, _("This cannot be done here"), _("This address does not support the method.")
    ),
    "price_changed": Kind(
        409,
        _("The price has changed"),
        ngettext_lazy(
            "It now costs %(price_points)s point. No points were taken.",
            "It now costs %(price_points)s points. No points were taken.",
            "price_points",
        ),
        values=("price_points",),
    ),
    "level_too_low": Kind(
        409,
        _("This reward is for a higher level"),
        _("You can order it from level %(level)s on. No points were taken."),
        values=("level",),
    ),
    "idempotency_key_reused": Kind(
        409,
        _("This key was used for another request"),
        _("Nothing was changed. Open the reward again and repeat your purchase."),
    ),
    "bad_idempotency_key": Kind(
        422,
        _("The request has a wrong key"),
        _("An Idempotency-Key has 8 to 80 characters without spaces."),
    ),
    "not_enough_points": Kind(
        409,
        _("Not enough points"),
        ngettext_lazy(
            "You need %(missing_points)s more point. No points were taken.",
            "You need %(missing_points)s more points. No points were taken.",
            "missing_points",
        ),
        values=("available_points", "asked_points", "missing_points"),
    ),
    "body_too_large": Kind(
        413,
        _("The request is too large"),
        _("At most %(bytes_max)s bytes are accepted here."),
        values=("bytes_max",),
    ),
    "unsupported_media_type": Kind(
        415, _("The request has the wrong type"), _("Send the body as application/json.")
    ),
    "validation_failed": Kind(
        422,
        _("Something is not filled in correctly"),
        _("Correct the fields that are named here and try again."),
        values=("errors",),
    ),
    "bad_msisdn": Kind(
        422,
        _("This is not a phone number"),
        _("A phone number has twelve digits and begins with 998, like 998901234567."),
    ),
    "unknown_level": Kind(
        422,
        _("There is no such level"),
        _("The levels are: %(levels)s."),
        values=("levels",),
    ),
    "bad_campaign": Kind(
        422,
        _("This is not a campaign"),
        _("Correct what the list of problems names."),
        values=("problems",),
    ),
    "bad_rule": Kind(
        422,
        _("This is not a rule"),
        _("Correct what the list of problems names."),
        values=("problems",),
    ),
    "campaign_over": Kind(
        422, _("It would end before it begins"), _("Change the file and try again.")
    ),
    "fund_is_fixed": Kind(
        422,
        _("A campaign keeps its fund"),
        _("Change the file and try again."),
        values=("paid_by",),
    ),
    "rule_of_another_campaign": Kind(
        422,
        _("A rule belongs to another campaign"),
        _("Change the file and try again."),
        values=("rule_id", "campaign"),
    ),
    "rule_overlaps": Kind(
        422,
        _("Another campaign has a rule of this name"),
        _("Change the file and try again."),
        values=("rule_id",),
    ),
    "bad_span": Kind(
        422,
        _("These days cannot be simulated"),
        _("Choose days that are over, the first before the last, at most %(days_max)s of them."),
        values=("days_max",),
    ),
    "no_events": Kind(
        422,
        _("Nothing happened on these days"),
        _("From %(first_day)s to %(last_day)s there is no event. Choose other days."),
        values=("first_day", "last_day"),
    ),
    "simulation_over": Kind(
        409, _("The simulation has ended"), _("There is nothing to cancel."), values=("state",)
    ),
    "bad_cursor": Kind(
        422, _("This page does not exist"), _("Start again from the newest entries.")
    ),
    "too_many_requests": Kind(
        429,
        _("Too many requests"),
        ngettext_lazy(
            "Please try again in %(retry_after_s)s second.",
            "Please try again in %(retry_after_s)s seconds.",
            "retry_after_s",
        ),
        values=("retry_after_s",),
    ),
    "internal_error": Kind(
        500,
        _("Something went wrong on our side"),
        _("We have been told about it. Please try again later."),
    ),
    "unavailable": Kind(
        503,
        _("The club is not available right now"),
        _("Your points are safe. Please try again in a minute."),
    ),
    "programme_not_configured": Kind(
        503, _("The programme is not open yet"), _("Please come back later.")
    ),
}

FIELD_REASONS: Mapping[str, Promise] = {
    "missing": _("This field is required."),
    "unknown": _("This field is not known here."),
    "too_large": _("This value is too large."),
    "too_small": _("This value is too small."),
    "invalid": _("This value has the wrong form."),
}


def answer(
    code: str, *, instance: str, request_id: str, values: Mapping[str, object] | None = None
) -> HttpResponse:
    """A problem as an HTTP answer, in the language that is active."""
    kind = KINDS[code]
    given = {name: value for name, value in (values or {}).items() if name in kind.values}
    body = {
        "type": TYPE_PREFIX + code,
        "title": str(kind.title),
        "status": kind.status,
        "detail": detail(kind, given),
        "instance": instance,
        "code": code,
        "request_id": request_id,
        **given,
    }
    response = HttpResponse(
        json.dumps(body, ensure_ascii=False), status=kind.status, content_type=MEDIA_TYPE
    )
    if kind.status == 401:
        response["WWW-Authenticate"] = "Bearer"
    if kind.status in (429, 503):
        response["Retry-After"] = str(given.get("retry_after_s", 30))
    return response


def detail(kind: Kind, values: Mapping[str, object]) -> str:
    """The sentence with its values; only the title where the raiser did not give them all."""
    try:
        return str(kind.detail % values)
    except KeyError:
        return str(kind.title)


def as_markdown() -> str:
    """The table for people who write clients. Run with English active."""
    rows = [
        f"| `{code}` | {kind.status} | {kind.title} | {', '.join(f'`{v}`' for v in kind.values)} |"
        for code, kind in KINDS.items()
    ]
    reasons = [f"| `{code}` | {text} |" for code, text in FIELD_REASONS.items()]
    return "\n".join(
        [
            "# Errors of the APIs",
            "",
            "Every error of the subscriber API and of the office's is an `application/problem+json` document (RFC 9457): `type`, `title`,",
            "`status`, `detail`, `instance`, a stable `code`, the `request_id` to quote when asking",
            "for help, and the members of the last column. Titles and details come in the language",
            "of `Accept-Language`, else in the subscriber's own. Programs compare `code` only.",
            "",
            "| code | status | meaning | further members |",
            "|---|---|---|---|",
            *rows,
            "",
            "Each entry of `errors` names a field (`place`: body, query, header or path; `field`), its",
            "`code` and the sentence in `detail`:",
            "",
            "| code | meaning |",
            "|---|---|",
            *reasons,
            "",
        ]
    )

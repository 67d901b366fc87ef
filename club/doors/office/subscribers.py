"""Subscribers in the office: found by number, read on one page; a level is asked for there."""

from datetime import datetime, timedelta
from functools import partial

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_http_methods
from wagtail.admin.auth import permission_required

from club.access import actions as access
from club.access.models import Staff
from club.clock import TASHKENT
from club.doors.office import charts, giving, names
from club.doors.office.supposing import what_if
from club.errors import ClubError
from club.languages import UZBEK
from club.ledger.errors import BadCursor, BeforeTheBooks, MomentInFuture
from club.reports import subscriber_page
from club.subscribers import queries as subscribers
from club.subscribers.models import Subscriber
from club.subscribers.rules import BadMsisdn, msisdn

PERMISSION = "subscribers.view_subscriber"
ROWS_PER_PAGE = 25
LINES_PER_PAGE = 20
TYPED = "office_typed_subscriber"  # Whose whole number this session has typed itself.


@permission_required(PERMISSION)
@require_http_methods(["GET", "POST"])
def search(request: HttpRequest) -> HttpResponse:
    """The search by number. It posts, so that no number ever stands in an address or a log."""
    text = request.POST.get("number", "").strip()
    if not text:
        return TemplateResponse(request, "office/subscribers.html", {"text": ""})
    try:
        found = subscribers.by_number(
            text=text, after=request.POST.get("after", ""), limit=ROWS_PER_PAGE
        )
    except subscribers.SearchTooShort as error:
        return TemplateResponse(
            request, "office/subscribers.html", {"text": text, "digits_min": error.values["digits"]}
        )
    if is_whole_number(text) and found.subscribers:
        (subscriber,) = found.subscribers
        request.session[TYPED] = subscriber.id
        return redirect("office_subscriber", subscriber.id)
    return TemplateResponse(
        request,
        "office/subscribers.html",
        {"text": text, "found": found, "counted_max": subscribers.COUNTED_MAX},
    )


@permission_required(PERMISSION)
@require_http_methods(["GET", "POST"])
def page(request: HttpRequest, subscriber_id: int) -> HttpResponse:
    """Everything the club knows of one subscriber; that it was read is recorded first. A POST asks for a
    level."""
    now = timezone.now()
    subscriber = subscribers.by_id(subscriber_id)
    if subscriber is None:
        raise Http404
    assert isinstance(request.user, Staff), "Wagtail lets nobody else in"
    access.record_reading(
        by=request.user, subject_kind="subscriber", subject_id=subscriber.id, now=now
    )
    refusal: ClubError | None = None
    if request.method == "POST":
        if not request.user.has_perm(giving.PERMISSION):
            return HttpResponseNotAllowed(["GET"])
        try:
            proposal = giving.ask(request, subscriber, by=request.user, now=now)
            return redirect("office_proposal", proposal.pk)
        except ClubError as refused:
            refusal = refused
    view_at = partial(
        subscriber_page.view,
        subscriber=subscriber,
        language=get_language() or UZBEK,
        before=request.GET.get("before"),
        lines_max=LINES_PER_PAGE,
        now=now,
    )
    asked_at = request.GET.get("at", "")
    told_from: datetime | None = None
    try:
        try:
            view = view_at(at=moment(asked_at))
        except MomentInFuture:
            view = view_at()
        except BeforeTheBooks as error:
            told_from = first_told(str(error.values["since"]))
            view = view_at()
    except BadCursor:
        return redirect("office_subscriber", subscriber.id)
    return TemplateResponse(
        request,
        "office/subscriber.html",
        {
            "subscriber": subscriber,
            "is_number_shown": is_number_shown(request, subscriber),
            "view": view,
            "chart": charts.steps(view.history, width=720, height=280),
            "is_first_page": "before" not in request.GET,
            "now": now.astimezone(TASHKENT),
            "is_no_moment": bool(asked_at) and view.at is None and told_from is None,
            "told_from": told_from,
            "funds": names.funds(),
            "what_if": what_if(request.GET, subscriber, view.reader, now=now),
            "giving": giving.form(request, error=refusal, now=now),
        },
        status=200 if refusal is None else 422,
    )


def moment(text: str) -> datetime | None:
    """What a browser's field for a date and a time holds, in Tashkent; None where it holds none.

    >>> moment("2026-11-22T14:00").isoformat()
    '2026-11-22T14:00:00+05:00'
    >>> moment("") is moment("yesterday") is moment("2026-11-22T14:00+03:00") is None
    True
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at.replace(tzinfo=TASHKENT) if at.tzinfo is None else None


def first_told(since: str) -> datetime:
    """The first moment that the field can ask for: it has no seconds.

    >>> first_told("2026-11-16T20:00:01+00:00").isoformat()
    '2026-11-17T01:01:00+05:00'
    >>> first_told("2026-11-16T20:00:00+00:00").isoformat()
    '2026-11-17T01:00:00+05:00'
    """
    at = datetime.fromisoformat(since).astimezone(TASHKENT)
    whole = at.replace(second=0, microsecond=0)
    return whole if whole == at else whole + timedelta(minutes=1)


def is_whole_number(text: str) -> bool:
    try:
        return bool(msisdn(text))
    except BadMsisdn:
        return False


def is_number_shown(request: HttpRequest, subscriber: Subscriber) -> bool:
    """The whole number is for who typed it, and for who has the right to see any."""
    return request.session.get(TYPED) == subscriber.id or request.user.has_perm(
        "subscribers.view_msisdn"
    )

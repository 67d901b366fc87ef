"""Clawbacks in the office: looked at, asked for, watched, stopped, and asked back."""

from datetime import datetime, timedelta

from django.http import Http404, HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods
from wagtail.admin.auth import permission_required

from club.access.models import Staff
from club.access.proposals import WHY_CHARS_MAX
from club.accrual import queries as accrual
from club.accrual.clawback import preview, proposing, queries
from club.accrual.clawback.selecting import Selection, select
from club.accrual.errors import NoSuchClawback
from club.accrual.models import Clawback
from club.clock import TASHKENT
from club.doors.office import names
from club.doors.office.subscribers import moment
from club.errors import ClubError
from club.ledger.rules import ClawbackPolicy
from club.programme import queries as programme

PERMISSION = proposing.MAY_ASK
LISTED = 20
SPAN_SHOWN = timedelta(days=2)
"""What the form begins with: a fault is usually found within so many days."""


@permission_required(PERMISSION)
@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """The latest clawbacks, and a form to look at another one; a POST asks for what was looked at."""
    now = timezone.now()
    asked = request.POST if request.method == "POST" else request.GET
    shown, error = None, None
    policy = ClawbackPolicy(programme.current().clawback_policy)
    if asked.get("campaign"):
        try:
            selection = _selection(asked, now)
            policy = _policy(asked.get("policy", ""), policy)
            if request.method == "POST":
                assert isinstance(request.user, Staff), "Wagtail lets nobody else in"
                proposal = proposing.propose(
                    selection=selection,
                    policy=policy,
                    why=asked.get("why", ""),
                    by=request.user,
                    now=now,
                )
                return redirect("office_proposal", proposal.pk)
            shown = preview.preview(selection, policy=policy, now=now)
        except ClubError as refused:
            error = refused
    return TemplateResponse(
        request,
        "office/clawbacks.html",
        {
            "clawbacks": queries.clawbacks(limit=LISTED),
            "campaigns": accrual.campaigns(),
            "asked": asked,
            "since": asked.get("since") or _field(now - SPAN_SHOWN),
            "until": asked.get("until") or _field(now + timedelta(minutes=1)),
            "policy": policy.value,
            "policies": [one.value for one in ClawbackPolicy],
            "shown": shown,
            "funds": names.funds(),
            "why_chars_max": WHY_CHARS_MAX,
            "error": error,
        },
        status=200 if error is None else 422,
    )


@permission_required(PERMISSION)
@require_GET
def download(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """Every decision that the clawback of the form would take back, for review."""
    now = timezone.now()
    try:
        selection = _selection(request.GET, now)
    except ClubError:
        return redirect("office_clawbacks")
    return StreamingHttpResponse(
        preview.as_csv(selection, now=now),
        content_type="text/csv",
        headers={
            "Content-Disposition": f'attachment; filename="clawback-{selection.campaign}.csv"'
        },
    )


@permission_required(PERMISSION)
@require_http_methods(["GET", "POST"])
def one(request: HttpRequest, clawback_id: int) -> HttpResponse:
    """One clawback: how far it is, what was spared; it is stopped, or asked back, by the buttons."""
    assert isinstance(request.user, Staff), "Wagtail lets nobody else in"
    error = None
    now, why = timezone.now(), request.POST.get("why", "")
    try:
        try:
            match request.POST.get("deed"):
                case "stop":
                    proposing.stop(clawback_id=clawback_id, why=why, by=request.user, now=now)
                    return redirect("office_clawback", clawback_id)
                case "restore":
                    proposal = proposing.propose_restoring(
                        clawback_id=clawback_id, why=why, by=request.user, now=now
                    )
                    return redirect("office_proposal", proposal.pk)
        except NoSuchClawback:
            raise
        except ClubError as refused:
            error = refused
        progress = queries.clawback(clawback_id=clawback_id)
    except NoSuchClawback as missing:
        raise Http404 from missing
    State = Clawback.State
    return TemplateResponse(
        request,
        "office/clawback.html",
        {
            "progress": progress,
            "clawback": progress.clawback,
            "campaign_name": names.campaign_name(progress.clawback.campaign_id),
            "why": why,
            "may_stop": progress.clawback.state == State.TAKING
            and request.user.has_perm(proposing.MAY_ANSWER),
            "may_restore": progress.clawback.state in (State.TAKEN, State.STOPPED)
            and progress.clawback.taken_points > 0,
            "why_chars_max": WHY_CHARS_MAX,
            "error": error,
        },
        status=200 if error is None else 422,
    )


def _selection(asked: QueryDict, now: datetime) -> Selection:
    """What the form names; a field that holds no moment counts as the widest one."""
    return select(
        campaign=asked.get("campaign", ""),
        rule_id=asked.get("rule") or None,
        versions=asked.get("versions", "").split(),
        since=moment(asked.get("since", "")) or now - SPAN_SHOWN,
        until=moment(asked.get("until", "")) or now,
    )


def _policy(text: str, usual: ClawbackPolicy) -> ClawbackPolicy:
    return ClawbackPolicy(text) if text in list(ClawbackPolicy) else usual


def _field(at: datetime) -> str:
    """A moment as a browser's field holds it, in Tashkent."""
    return at.astimezone(TASHKENT).strftime("%Y-%m-%dT%H:%M")

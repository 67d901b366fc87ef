"""Campaigns in the office: taken out as files, and changes of them proposed."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods
from wagtail.admin.auth import permission_required

from club.access.models import Staff
from club.access.proposals import WHY_CHARS_MAX
from club.accrual import campaign_files, campaigns, lifecycle
from club.accrual.errors import NoSuchCampaign
from club.documents.words import Told
from club.doors.office import names
from club.errors import ClubError

PERMISSION = "accrual.propose_campaign"


@permission_required(PERMISSION)
@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """All campaigns, and the file of one to work on (`of`)."""
    now = timezone.now()
    of, text = request.GET.get("of", ""), ""
    error: ClubError | None = None
    doubts: list[Told] | None = None
    if request.method == "POST":
        text = request.POST.get("text", "")
        assert isinstance(request.user, Staff), "Wagtail lets nobody else in"
        try:
            if request.POST.get("deed") == "check":
                doubts = campaigns.check(text=text, now=now)
            else:
                proposal = campaigns.propose(
                    text=text, why=request.POST.get("why", ""), by=request.user, now=now
                )
                return redirect("office_proposal", proposal.pk)
        except ClubError as refused:
            error = refused
    elif of:
        try:
            text = campaign_files.as_text(campaign_files.exported(code=of, at=now))
        except NoSuchCampaign as refused:
            error = refused
    return TemplateResponse(
        request,
        "office/campaigns.html",
        {
            "campaigns": lifecycle.standings(now),
            "funds": names.funds(),
            "text": text,
            "why": request.POST.get("why", ""),
            "why_chars_max": WHY_CHARS_MAX,
            "error": error,
            "doubts": doubts,
            "is_checked": doubts is not None,
        },
        status=200 if error is None else 422,
    )


@permission_required(PERMISSION)
@require_GET
def download(request: HttpRequest, code: str) -> HttpResponse:
    """The file itself, for review or for another installation."""
    try:
        document = campaign_files.exported(code=code, at=timezone.now())
    except NoSuchCampaign:
        return redirect("office_campaigns")
    return HttpResponse(
        campaign_files.as_text(document),
        content_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{code}.json"'},
    )

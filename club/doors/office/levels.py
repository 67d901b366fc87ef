"""Levels in the office: how many stand where, what the next review brings, and changes proposed."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone, translation
from django.views.decorators.http import require_GET, require_http_methods
from wagtail.admin.auth import permission_required

from club.access.models import Staff
from club.access.proposals import WHY_CHARS_MAX
from club.doors.office import charts
from club.errors import ClubError
from club.languages import UZBEK, in_language
from club.tiers import queries, scheme_files, schemes
from club.tiers.errors import NoSuchScheme
from club.tiers.queries import Forecast

PERMISSION = "tiers.propose_scheme"
CHART_WIDTH = 640


@permission_required(PERMISSION)
@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """All schemes with the forecast of last night, and the file of one to work on (`of`)."""
    of, text = request.GET.get("of", ""), ""
    error: ClubError | None = None
    if request.method == "POST":
        text = request.POST.get("text", "")
        assert isinstance(request.user, Staff), "Wagtail lets nobody else in"
        try:
            proposal = schemes.propose(
                text=text, why=request.POST.get("why", ""), by=request.user, now=timezone.now()
            )
            return redirect("office_proposal", proposal.pk)
        except ClubError as refused:
            error = refused
    elif of:
        try:
            text = scheme_files.as_text(scheme_files.exported(code=of))
        except NoSuchScheme as refused:
            error = refused
    day, forecasts = queries.noted_forecasts()
    return TemplateResponse(
        request,
        "office/levels.html",
        {
            "day": day,
            "schemes": [(forecast, _chart(forecast), _total(forecast)) for forecast in forecasts],
            "uncounted": queries.schemes_but([one.scheme.code for one in forecasts]),
            "text": text,
            "why": request.POST.get("why", ""),
            "why_chars_max": WHY_CHARS_MAX,
            "error": error,
        },
        status=200 if error is None else 422,
    )


@permission_required(PERMISSION)
@require_GET
def download(request: HttpRequest, code: str) -> HttpResponse:
    """The file itself, for review or for another installation."""
    try:
        document = scheme_files.exported(code=code)
    except NoSuchScheme:
        return redirect("office_levels")
    return HttpResponse(
        scheme_files.as_text(document),
        content_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{code}.json"'},
    )


def _chart(forecast: Forecast) -> charts.Pairs:
    language = (translation.get_language() or UZBEK).lower()
    counts = [
        (in_language(one.tier.names, language), one.standing, one.standing_then)
        for one in forecast.tiers
    ]
    return charts.pairs(counts, width=CHART_WIDTH)


def _total(forecast: Forecast) -> dict[str, int]:
    sums = ("standing", "rising", "falling", "standing_then")
    return {name: sum(getattr(tier, name) for tier in forecast.tiers) for name in sums}

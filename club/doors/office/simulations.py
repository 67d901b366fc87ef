"""Simulations in the office: what a draft of a campaign would have done, in charts and tables."""

from datetime import date
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods
from wagtail.admin.auth import permission_required

from club.access.models import Staff
from club.access.proposals import WHY_CHARS_MAX
from club.accrual import campaign_files, campaigns
from club.accrual.errors import BadSpan, NoSuchCampaign, NoSuchSimulation
from club.accrual.models import Simulation
from club.accrual.simulation import actions, queries, tasks
from club.accrual.simulation.wants import Span
from club.clock import day_of, months_later
from club.doors.office import names
from club.doors.office import simulation_charts as charts
from club.doors.office.templatetags.office import fund_name, localized
from club.errors import ClubError

PERMISSION = actions.PERMISSION
MONTHS_FIRST_SHOWN = 3
SHOWN = 10
State = Simulation.State


@permission_required(PERMISSION)
@require_http_methods(["GET", "POST"])
def ask(request: HttpRequest, code: str = "") -> HttpResponse:
    """The file to simulate, that of a campaign to begin with, and the days; the last ones asked for."""
    today = day_of(timezone.now())
    text = _text(request)
    first = request.POST.get("first") or months_later(today, -MONTHS_FIRST_SHOWN).isoformat()
    last = request.POST.get("last") or today.isoformat()
    error: ClubError | None = None
    if request.method == "POST" and "first" in request.POST:
        assert isinstance(request.user, Staff), "Wagtail lets nobody else in"
        try:
            simulation = tasks.start(text=text, span=_span(first, last), by=request.user)
            return redirect("office_simulation", simulation.pk)
        except ClubError as refused:
            error = refused
    elif code and not text:
        try:
            document = campaign_files.exported(code=code, at=timezone.now())
            text = campaign_files.as_text(document)
        except NoSuchCampaign as refused:
            draft = queries.last_draft(code=code)
            error = None if draft else refused
            text = campaign_files.as_text(draft.document) if draft else ""
    return TemplateResponse(
        request,
        "office/simulate.html",
        {
            "text": text,
            "first": first,
            "last": last,
            "today": today.isoformat(),
            "latest": queries.latest(limit=SHOWN, code=code or None),
            "error": error,
        },
        status=200 if error is None else 422,
    )


@permission_required(PERMISSION)
@require_http_methods(["GET", "POST"])
def page(request: HttpRequest, simulation_id: int) -> HttpResponse:
    """One simulation: how far it is, and afterwards what it found; cancelled or proposed from here."""
    try:
        simulation = queries.simulation(simulation_id=simulation_id)
    except NoSuchSimulation as missing:
        raise Http404 from missing
    error: ClubError | None = None
    if request.method == "POST":
        assert isinstance(request.user, Staff), "Wagtail lets nobody else in"
        try:
            return _answer(request, simulation, request.user)
        except ClubError as refused:
            error = refused
            simulation = queries.simulation(simulation_id=simulation_id)
    return TemplateResponse(
        request,
        "office/simulation.html",
        {
            "simulation": simulation,
            "text": campaign_files.as_text(simulation.document),
            "is_open": simulation.state in (State.WAITING, State.RUNNING),
            "why": request.POST.get("why", ""),
            "why_chars_max": WHY_CHARS_MAX,
            "error": error,
        }
        | (_figures(simulation) if simulation.results else {}),
        status=200 if error is None else 422,
    )


def _text(request: HttpRequest) -> str:
    """The file that was chosen, or what stands in the form."""
    file = request.FILES.get("file")
    if not isinstance(file, UploadedFile):
        return request.POST.get("text", "")
    # One byte a character at least: what is longer is refused as any text that is too long.
    return file.read(campaign_files.FILE_CHARS_MAX * 4 + 1).decode(errors="replace")


def _answer(request: HttpRequest, simulation: Simulation, by: Staff) -> HttpResponse:
    if request.POST.get("deed") == "cancel":
        actions.cancel(simulation_id=simulation.pk, by=by, now=timezone.now())
        return redirect("office_simulation", simulation.pk)
    proposal = campaigns.propose(
        text=campaign_files.as_text(simulation.document),
        why=request.POST.get("why", ""),
        by=by,
        now=timezone.now(),
    )
    return redirect("office_proposal", proposal.pk)


def _figures(simulation: Simulation) -> dict[str, Any]:
    """What a template cannot work out."""
    assert simulation.results is not None, "it is done"
    found = simulation.results
    worth = found["point_worth_tiyin"]
    return {
        "found": found,
        "cost_tiyin": {side: sums["points"] * worth for side, sums in found["totals"].items()},
        "change": found["totals"]["draft"]["points"] - found["totals"]["before"]["points"],
        "days": charts.days(found["by_day"]),
        "histogram": charts.histogram(found["histogram"]),
        "budgets": [
            {
                **budget,
                "used": budget["used_by_day"][-1],
                "used_up_on": date.fromisoformat(budget["used_up_on"])
                if budget["used_up_on"]
                else None,
                "chart": charts.burn_down(budget, simulation.first_day, simulation.last_day),
            }
            for budget in found["budgets"]
        ],
        "lost": -found["losers"]["points"],
        "parts": [
            _part(name, found[f"by_{name}"]) for name in ("tier", "region", "tariff", "fund")
        ],
        "by_rule": _by_rule(found["by_rule"], simulation.document),
    }


def _part(
    name: str, lines: list[dict[str, Any]]
) -> tuple[str, list[dict[str, Any]], dict[str, int]]:
    """One way to divide the points: its lines by the names of what they stand for, and their sums."""
    levels, funds = names.levels(), names.funds()

    def called(value: Any) -> str:
        match name, value:
            case _, None:
                return "–"
            case "tier", code if code in levels:
                return localized(levels[code])
            case "fund", number:
                return fund_name(int(number), funds)
            case _:
                return str(value)

    named = [{**line, "value": called(line["value"])} for line in lines]
    return name, named, {side: sum(line[side] for line in lines) for side in ("before", "draft")}


def _by_rule(lines: list[dict[str, Any]], document: dict[str, Any]) -> dict[str, Any]:
    """By the names of the rules in the draft itself."""
    named = document["rules"]
    return {
        "lines": [{**line, "name": localized(named[line["rule"]]["names"])} for line in lines],
        "times": sum(line["times"] for line in lines),
        "points": sum(line["points"] for line in lines),
    }


def _span(first: str, last: str) -> Span:
    try:
        return Span(date.fromisoformat(first), date.fromisoformat(last))
    except ValueError as error:
        raise BadSpan("these are no days", days_max=actions.DAYS_MAX) from error

"""One campaign in the office: its budgets, what it brought, its clawbacks."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isfinite

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods
from wagtail.admin.auth import permission_required

from club.access.models import Staff
from club.access.proposals import WHY_CHARS_MAX
from club.accrual import budgets, campaign_files, campaigns, uplift
from club.accrual.clawback import proposing as clawback_proposals
from club.accrual.clawback import queries as clawbacks
from club.accrual.models import Campaign
from club.accrual.rules.comparing import Arm, Difference
from club.accrual.uplift import Uplift
from club.clock import TASHKENT
from club.doors.office import names
from club.doors.office.campaign_lines import in_words
from club.doors.office.campaigns import PERMISSION
from club.doors.office.subscribers import moment
from club.errors import ClubError
from club.reports.wording import money

SPAN_SHOWN = timedelta(weeks=4)
CLAWBACKS_SHOWN = 5
MINUTE = timedelta(minutes=1)
TIYIN = 100


@permission_required(PERMISSION)
@require_http_methods(["GET", "POST"])
def page(request: HttpRequest, code: str) -> HttpResponse:
    """Budgets at once; the comparison, which reads all payments of its span, when it is asked for. A POST
    asks for the campaign as it was."""
    now = timezone.now()
    campaign = Campaign.objects.filter(code=code).first()
    if campaign is None:
        raise Http404
    since, until = request.GET.get("since", ""), request.GET.get("until", "")
    compared, error = None, None
    try:
        if request.method == "POST":
            return _rolled_back(request, code, now)
        if since:
            found = uplift.uplift(
                campaign=code,
                since=moment(since) or now - SPAN_SHOWN,
                until=min(moment(until) or now, now),
            )
            compared = _compared(found)
    except ClubError as refused:
        error = refused
    return TemplateResponse(
        request,
        "office/campaign.html",
        {
            "campaign": campaign,
            "budgets": budgets.forecasts(now=now, campaign=code),
            "clawbacks": clawbacks.clawbacks(campaign=code, limit=CLAWBACKS_SHOWN),
            "compared": compared,
            "sections": in_words(
                campaign_files.exported(code=code, at=now),
                levels=names.levels(),
                funds=names.funds(),
            ),
            "since": since or _field(_span_begins(code, now)),
            "until": until or _field(now),
            "asked": request.POST,
            "why_chars_max": WHY_CHARS_MAX,
            "error": error,
        },
        status=200 if error is None else 422,
    )


def _span_begins(code: str, now: datetime) -> datetime:
    """Where a comparison may begin, up to the next minute: the field has no seconds."""
    at = uplift.comparable_since(campaign=code, since=now - SPAN_SHOWN, until=now)
    return at + MINUTE - timedelta.resolution


def _rolled_back(request: HttpRequest, code: str, now: datetime) -> HttpResponse:
    """Proposed: what the field holds no moment of is the campaign of now, and changes nothing."""
    assert isinstance(request.user, Staff), "Wagtail lets nobody else in"
    to, why = moment(request.POST.get("to", "")) or now, request.POST.get("why", "")
    if "claw_back" in request.POST:
        clawback_proposals.roll_back(code=code, to=to, why=why, by=request.user, now=now)
        return redirect("office_proposals")
    proposal = campaigns.roll_back(code=code, to=to, why=why, by=request.user, now=now)
    return redirect("office_proposal", proposal.pk)


@dataclass(frozen=True)
class ArmShown:
    """An arm as staff read it."""

    name: str
    subscribers: int
    paying: str
    mean: str


@dataclass(frozen=True)
class Compared:
    found: Uplift
    arms: tuple[ArmShown, ArmShown]
    mean: str
    mean_interval: str
    percent: str
    paying: str
    paying_interval: str
    verdict: str
    brought: str
    cost: str
    gain: str
    """What it brought in percent of the cost."""


def _compared(found: Uplift) -> Compared:
    return Compared(
        found=found,
        arms=(
            _arm(_("In the campaign"), found.treated),
            _arm(_("Held out by lot"), found.held_out),
        ),
        mean=_money(found.mean.value),
        mean_interval=_interval(found.mean, _money),
        percent="" if found.percent is None else _share(found.percent / 100, "+.1f"),
        paying=_share(found.paying.value, "+.1f"),
        paying_interval=_interval(found.paying, lambda share: _share(share, "+.1f")),
        verdict=_verdict(found),
        brought=_money(found.brought_tiyin),
        cost=_money(found.cost_tiyin),
        gain="" if found.return_percent is None else f"{found.return_percent} %",
    )


def _arm(name: str, arm: Arm) -> ArmShown:
    return ArmShown(name, arm.subscribers, _share(arm.paying_share), _money(arm.mean_tiyin))


def _verdict(found: Uplift) -> str:
    weeks = found.weeks_more
    if weeks is None:
        return _("Not distinguishable from chance, and at this size not within a year.")
    if weeks:
        return ngettext(
            "Not distinguishable from chance yet: about {n} more week.",
            "Not distinguishable from chance yet: about {n} more weeks.",
            weeks,
        ).format(n=weeks)
    if found.mean.value > 0:
        return _("Those in the campaign paid more, and it is no chance.")
    return _("Those in the campaign paid less, and it is no chance.")


def _interval(one: Difference, told: Callable[[float], str]) -> str:
    if not isfinite(one.low) or not isfinite(one.high):
        return _("too few subscribers to say")
    return _("between {low} and {high}").format(low=told(one.low), high=told(one.high))


def _money(tiyin: float) -> str:
    """Whole so'm, with a real minus."""
    if not isfinite(tiyin):
        return "–"
    whole = money(abs(round(tiyin / TIYIN)) * TIYIN)
    return f"−{whole}" if tiyin <= -TIYIN / 2 else whole


def _share(share: float, form: str = ".1f") -> str:
    return f"{share * 100:{form}} %".replace("-", "−") if isfinite(share) else "–"


def _field(at: datetime) -> str:
    return at.astimezone(TASHKENT).strftime("%Y-%m-%dT%H:%M")

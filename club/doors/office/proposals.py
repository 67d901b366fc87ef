"""Proposals in the office: what one member of staff asks for, another one answers."""

from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods
from wagtail.admin.auth import any_permission_required

from club.access import proposals, queries
from club.access.errors import NoSuchProposal
from club.access.models import Proposal, Staff
from club.accrual import campaign_files, campaigns
from club.documents.words import Told
from club.errors import ClubError
from club.tiers import giving, schemes
from club.tiers import queries as tiers
from club.tiers.actions import Moved
from club.tiers.errors import TiersError, TooManyToCount
from club.tiers.models import Tier

PERMISSIONS = (
    "accrual.propose_campaign",
    "accrual.approve_campaign",
    "tiers.propose_scheme",
    "tiers.approve_scheme",
    "tiers.propose_level",
    "tiers.approve_level",
)
CLOSED_SHOWN = 30
COUNTING_S_MAX = 5


def may_see(request: HttpRequest) -> bool:
    return any(request.user.has_perm(permission) for permission in PERMISSIONS)


@any_permission_required(*PERMISSIONS)
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """What waits, the longest first; below it what was closed last."""
    return TemplateResponse(
        request,
        "office/proposals.html",
        {"open": queries.open_proposals(), "closed": queries.closed_proposals(limit=CLOSED_SHOWN)},
    )


@any_permission_required(*PERMISSIONS)
@require_http_methods(["GET", "POST"])
def page(request: HttpRequest, proposal_id: int) -> HttpResponse:
    """One proposal: what would change, who asked and why; answered by the buttons below it."""
    assert isinstance(request.user, Staff), "Wagtail lets nobody else in"
    error = None
    if request.method == "POST":
        try:
            _answer(request, proposal_id, request.user)
            return redirect("office_proposal", proposal_id)
        except NoSuchProposal as missing:
            raise Http404 from missing
        except ClubError as refused:
            error = refused
    try:
        proposal = queries.proposal(proposal_id=proposal_id)
    except NoSuchProposal as missing:
        raise Http404 from missing
    is_own = proposal.asked_by == request.user
    may_answer = request.user.has_perm(proposals.kind_of(proposal.kind).may_answer)
    return TemplateResponse(
        request,
        "office/proposal.html",
        {
            "proposal": proposal,
            "changes": queries.changes_of(proposal),
            "doubts": _doubts(proposal),
            "preview": _preview(proposal),
            "level": _level(proposal),
            "is_open": proposal.state == Proposal.State.OPEN,
            "is_own": is_own,
            "may_answer": may_answer and not is_own,
            "why_chars_max": proposals.WHY_CHARS_MAX,
            "why": request.POST.get("why", ""),
            "error": error,
        },
        status=200 if error is None else 422,
    )


def _doubts(proposal: Proposal) -> list[Told]:
    """What the approver of a campaign should look at twice."""
    if proposal.kind != campaigns.KIND or proposal.state != Proposal.State.OPEN:
        return []
    file = campaign_files.read(campaign_files.as_text(proposal.document))
    return campaigns.doubts_of(file, timezone.now())


def _level(proposal: Proposal) -> Tier | None:
    """The level that somebody would be given, to be told by its name."""
    if proposal.kind != giving.KIND:
        return None
    return tiers.by_code(str(proposal.document["level"]))


@dataclass(frozen=True)
class Preview:
    """How many a scheme of levels would move today; `moved` is None where that takes too long for a page."""

    moved: Moved | None


def _preview(proposal: Proposal) -> Preview | None:
    if proposal.kind != schemes.KIND or proposal.state != Proposal.State.OPEN:
        return None
    try:
        return Preview(
            schemes.preview(proposal.document, now=timezone.now(), timeout_s=COUNTING_S_MAX)
        )
    except TooManyToCount:
        return Preview(None)
    except TiersError:
        return None  # it cannot be put in force any more: approving it says why


def _answer(request: HttpRequest, proposal_id: int, by: Staff) -> None:
    now = timezone.now()
    match request.POST.get("deed"):
        case "approve":
            digest = request.POST.get("digest", "")
            proposals.approve(proposal_id=proposal_id, digest=digest, by=by, now=now)
        case "refuse":
            why = request.POST.get("why", "")
            proposals.refuse(proposal_id=proposal_id, why=why, by=by, now=now)
        case "withdraw":
            proposals.withdraw(proposal_id=proposal_id, by=by, now=now)

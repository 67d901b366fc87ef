"""Proposals in the office: what one member of staff asks for, another one answers."""

from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods
from wagtail.admin.auth import any_permission_required

from club.access import proposals, queries
from club.access.errors import NoSuchProposal
from club.access.models import Proposal, Staff
from club.accrual import campaign_files, campaigns, segments
from club.accrual.clawback import proposing as clawbacks
from club.accrual.models import Campaign, Clawback, Simulation
from club.accrual.simulation import queries as simulations
from club.documents.words import Told
from club.doors.office import change_words, names
from club.doors.office.campaign_lines import Section, differences
from club.doors.office.templatetags.office import localized
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
        {
            "open": _named(queries.open_proposals()),
            "closed": _named(queries.closed_proposals(limit=CLOSED_SHOWN)),
        },
    )


def _named(found: list[Proposal]) -> list[tuple[Proposal, str]]:
    return [(proposal, names.subject(proposal)) for proposal in found]


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
            "subject": names.subject(proposal),
            "sections": (sections := _sections(proposal)),
            "changes": [] if sections else _changes(proposal),
            "places": queries.changes_of(proposal),
            "simulation": _simulation(proposal),
            "outcome": _outcome(proposal),
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


def _sections(proposal: Proposal) -> list[Section]:
    """A campaign's rules in words, the changed ones first; nothing for what is no campaign."""
    if proposal.kind != campaigns.KIND:
        return []
    return differences(
        proposal.before, proposal.document, levels=names.levels(), funds=names.funds()
    )


def _changes(proposal: Proposal) -> list[change_words.ToldChange]:
    levels, funds = names.levels(), names.funds()
    called = {one.code: localized(one.names) for one in Campaign.objects.only("names")}
    told = (
        change_words.told(change, levels=levels, funds=funds, campaigns=called)
        for change in queries.changes_of(proposal)
    )
    return [change for change in told if change is not None]


def _simulation(proposal: Proposal) -> Simulation | None:
    """What the approver of a campaign should have seen: the last simulation of this very document."""
    if proposal.kind != campaigns.KIND:
        return None
    return simulations.of_document(digest=proposal.digest)


def _outcome(proposal: Proposal) -> str | None:
    """The address of the page where one sees what came of an approved proposal."""
    if proposal.state != Proposal.State.APPROVED:
        return None
    match proposal.kind:
        case campaigns.KIND:
            return reverse("office_campaign", args=[proposal.subject_id])
        case clawbacks.KIND:
            begun = Clawback.objects.filter(digest=proposal.digest).order_by("-pk").first()
            return reverse("office_clawback", args=[begun.pk]) if begun else None
        case clawbacks.KIND_RESTORING:
            return reverse("office_clawback", args=[proposal.document["clawback"]])
        case segments.KIND:
            return reverse("office_segments")
        case schemes.KIND:
            return reverse("office_levels")
        case _:
            return None


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

"""Reads of proposals."""

from django.db.models import QuerySet

from club.access import rules
from club.access.errors import NoSuchProposal
from club.access.models import Proposal
from club.access.rules import Change


def open_proposals() -> list[Proposal]:
    """What waits for an answer, the longest first."""
    return list(_all().filter(state=Proposal.State.OPEN).order_by("asked_at"))


def closed_proposals(*, limit: int) -> list[Proposal]:
    """The last ones that were answered or withdrawn."""
    return list(_all().exclude(state=Proposal.State.OPEN).order_by("-answered_at")[:limit])


def proposal(*, proposal_id: int) -> Proposal:
    """Raises NoSuchProposal."""
    found = _all().filter(pk=proposal_id).first()
    if found is None:
        raise NoSuchProposal(f"there is no proposal {proposal_id}")
    return found


def changes_of(proposal: Proposal) -> list[Change]:
    """What it would change, or did, by places."""
    return rules.changes(proposal.before, proposal.document)


def _all() -> QuerySet[Proposal]:
    return Proposal.objects.select_related("asked_by", "answered_by")

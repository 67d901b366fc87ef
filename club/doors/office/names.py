"""What the programme itself calls its funds, levels and campaigns: rows, and not words of this program."""

from django.utils.translation import gettext as _

from club.access.models import Proposal
from club.accrual.models import Campaign
from club.doors.office.templatetags.office import localized
from club.doors.office.why import Levels
from club.ledger import queries as ledger
from club.tiers.models import Tier

OPERATOR = 0
"""The fund that is always there, made by the books themselves."""


def levels() -> Levels:
    """Of every scheme."""
    return dict(Tier.objects.order_by("scheme_id", "rank").values_list("code", "names"))


def funds() -> dict[int, str]:
    return {fund.fund: fund.name for fund in ledger.funds()} | {OPERATOR: _("The operator")}


def campaign_name(code: str) -> str:
    """A campaign as people call it; what was never in force by its code."""
    campaign = Campaign.objects.filter(code=code).only("names").first()
    return localized(campaign.names) if campaign else code


def subject(proposal: Proposal) -> str:
    """What a proposal is about, by the name in its own document where that has one."""
    match proposal.document:
        case {"names": dict(names)}:
            return localized(names)
        case {"name": str(name)}:
            return name
        case {"campaign": str(code)}:
            return campaign_name(code)
        case {"level": _, "subscriber_id": subscriber_id}:
            return str(subscriber_id)
        case _:
            return proposal.subject_id

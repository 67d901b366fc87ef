"""What staff propose about accrual, and how it is carried out (club/access/proposals.py)."""

from datetime import datetime

from club.access.proposals import Kind
from club.accrual import campaign_files, campaigns, segments
from club.accrual.campaign_files import Document
from club.accrual.clawback import proposing as clawbacks
from club.accrual.errors import NoSuchCampaign

DATES = ("starts_at", "ends_at")


def _current(document: Document, now: datetime) -> Document | None:
    """The campaign where the document would change it; with its very dates if nothing else differs."""
    starts_at = document["starts_at"]
    at = max(datetime.fromisoformat(str(starts_at)), now) if starts_at else now
    try:
        found = campaign_files.exported(code=str(document["code"]), at=at)
    except NoSuchCampaign:
        return None
    dates = {name: document[name] for name in DATES}
    return found | dates if found | dates == document else found


KINDS = {
    "campaign": Kind(
        may_ask="accrual.propose_campaign",
        may_answer="accrual.approve_campaign",
        current=_current,
        carry_out=campaigns.carry_out,
    ),
    "clawback": Kind(
        may_ask=clawbacks.MAY_ASK,
        may_answer=clawbacks.MAY_ANSWER,
        current=clawbacks.current,
        carry_out=clawbacks.begin,
        checks_itself=True,
    ),
    "restoring": Kind(
        may_ask=clawbacks.MAY_ASK,
        may_answer=clawbacks.MAY_ANSWER,
        current=clawbacks.current_restoring,
        carry_out=clawbacks.begin_restoring,
    ),
    "segment": Kind(
        may_ask=segments.PERMISSION,
        may_answer="accrual.approve_campaign",
        current=segments.current,
        carry_out=segments.put_in_force,
    ),
}

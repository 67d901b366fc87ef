"""Where each campaign stands between the first draft of it and its end, in one word of staff's."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from club.access import proposals
from club.access.models import Proposal
from club.accrual import campaign_files
from club.accrual.errors import NoSuchCampaign
from club.accrual.funds import Shares, shares_of
from club.accrual.models import Campaign, InForce, Simulation
from club.languages import Texts


class Stage(StrEnum):
    DRAFT = "draft"  # somebody works on it; nobody has seen yet what it would do
    SIMULATED = "simulated"  # may be proposed
    PROPOSED = "proposed"  # waits for somebody else's approval
    SCHEDULED = "scheduled"  # approved, and begins later
    ACTIVE = "active"
    RETIRED = "retired"  # was in force, and is not any more


@dataclass(frozen=True, slots=True)
class Standing:
    """`now` is what holds of the campaign, `next` what is being made of it; at least one is there."""

    code: str
    names: Texts
    now: Stage | None
    next: Stage | None
    rules: int
    """In force now."""
    shares: Shares
    """Who pays; nobody yet for what has never been in force."""


def standings(now: datetime) -> list[Standing]:
    """Every campaign that is in force, was, or that anybody works on; by their codes."""
    drafts = _drafts(now)
    in_force: dict[str, list[tuple[datetime | None, datetime | None]]] = {}
    for code, during in InForce.objects.values_list("version__campaign", "during"):
        in_force.setdefault(code, []).append((during.lower, during.upper))
    known = {campaign.code: campaign for campaign in Campaign.objects.all()}
    return sorted(_standings(known, in_force, drafts, now), key=lambda one: one.code)


def _standings(
    known: dict[str, Campaign],
    in_force: dict[str, list[tuple[datetime | None, datetime | None]]],
    drafts: dict[str, tuple[Stage, Texts]],
    now: datetime,
) -> Iterator[Standing]:
    for code in {*known, *drafts}:
        times = in_force.get(code, [])
        running = sum((not a or a <= now) and (not b or now < b) for a, b in times)
        is_coming = any(a and now < a for a, _ in times)
        stage = (
            Stage.ACTIVE
            if running
            else Stage.SCHEDULED
            if is_coming
            else Stage.RETIRED
            if code in known
            else None
        )
        following, names = drafts.get(code, (None, {}))
        if running and is_coming and following is None:
            following = Stage.SCHEDULED
        campaign = known.get(code)
        yield Standing(
            code,
            campaign.names if campaign else names,
            stage,
            following,
            running,
            shares_of(campaign.fund) if campaign else (),
        )


def _drafts(now: datetime) -> dict[str, tuple[Stage, Texts]]:
    """What waits for its answer, and else the last simulation that nobody made a proposal of."""
    found = {}
    simulations = Simulation.objects.order_by("code", "-asked_at", "-pk").distinct("code")
    answered = {*Proposal.objects.exclude(state="open").values_list("digest", flat=True)}
    for one in simulations.only("code", "digest", "state", "document"):
        if one.digest not in answered and one.digest != _in_force(one.code, now):
            is_done = one.state == Simulation.State.DONE
            stage = Stage.SIMULATED if is_done else Stage.DRAFT
            found[one.code] = stage, one.document["names"]
    for proposal in Proposal.objects.filter(kind="accrual.campaign", state="open"):
        found[proposal.subject_id] = Stage.PROPOSED, proposal.document["names"]
    return found


def _in_force(code: str, now: datetime) -> str | None:
    """The digest of the campaign as it is: whoever simulates that is at work on nothing."""
    try:
        return proposals.digest(campaign_files.exported(code=code, at=now))
    except NoSuchCampaign:
        return None

"""A marketer asks for a campaign, the head of marketing approves it, subscribers get their points."""

import json
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from django.db import IntegrityError, transaction

from club.access import errors, groups, proposals, queries
from club.access.models import AuditLine, Proposal, Staff
from club.accrual import campaign_files, campaigns
from club.accrual.errors import (
    BadCampaign,
    CampaignOver,
    FundIsFixed,
    NoSuchCampaign,
    RuleOfAnother,
    RuleOverlaps,
)
from club.accrual.models import InForce, RuleVersion
from club.cli import club as command
from tests.accrual.conftest import PAYMENT, TEXTS, Office
from tests.builders import member, simulated

FIVE = {"kind": "fixed", "points": 5, "cap_per_event": 100}


@pytest.fixture
def marketer(db: None) -> Staff:
    return member("malika", groups.MARKETING)


@pytest.fixture
def head(db: None) -> Staff:
    return member("rustam", groups.MARKETING_HEADS)


def gift(points: int = 5, **more: Any) -> dict[str, Any]:
    return {"id": "gift", "when": PAYMENT, "reward": FIVE | {"points": points}} | more


def file(*rules: dict[str, Any], **more: Any) -> str:
    named = {rule["id"]: {"names": TEXTS, "rule": rule} for rule in rules}
    return json.dumps({"code": "spring", "names": TEXTS, "rules": named} | more)


class Story:
    def __init__(self, club: Office, marketer: Staff, head: Staff) -> None:
        self.club, self.marketer, self.head = club, marketer, head

    def asks(self, text: str, by: Staff | None = None) -> Proposal:
        """Of a file that was simulated, if it is one at all."""
        with suppress(BadCampaign):
            simulated(text, by=self.marketer, now=self.club.now)
        return campaigns.propose(
            text=text, why="spring is here", by=by or self.marketer, now=self.club.now
        )

    def approves(self, proposal: Proposal, by: Staff | None = None) -> Proposal:
        return proposals.approve(
            proposal_id=proposal.pk, digest=proposal.digest, by=by or self.head, now=self.club.now
        )

    def runs(self, text: str) -> None:
        self.approves(self.asks(text))

    def brings(self, **payment: Any) -> int:
        """What a payment too small for the everyday rule brings somebody new."""
        who = self.club.subscriber()
        return self.club.earns(who, 900, **payment)


@pytest.fixture
def story(club: Office, marketer: Staff, head: Staff) -> Story:
    return Story(club, marketer, head)


def test_nothing_is_in_force_before_somebody_else_approves(story: Story) -> None:
    proposal = story.asks(file(gift()))
    assert story.brings() == 0
    assert not RuleVersion.objects.filter(rule_id="gift").exists()

    story.approves(proposal)

    assert story.brings() == 5
    lines = AuditLine.objects.filter(subject_kind="accrual.campaign", subject_id="spring")
    assert [(line.action, line.by) for line in lines.order_by("id")] == [
        ("proposal.made", story.marketer), ("proposal.approved", story.head),
    ]  # fmt: skip


def test_whoever_asked_never_approves_not_even_with_every_right(story: Story) -> None:
    root = Staff.objects.create_superuser("root")
    proposal = story.asks(file(gift()), by=root)

    with pytest.raises(errors.OwnProposal):
        story.approves(proposal, by=root)
    with pytest.raises(IntegrityError), transaction.atomic():
        Proposal.objects.filter(pk=proposal.pk).update(state="approved", answered_by=root)

    assert story.brings() == 0


def test_each_needs_the_right_for_it(story: Story) -> None:
    agent = member("dilnoza", groups.CALL_CENTRE)
    with pytest.raises(errors.MayNotPropose):
        story.asks(file(gift()), by=agent)
    proposal = story.asks(file(gift()))
    with pytest.raises(errors.MayNotAnswer):
        story.approves(proposal, by=member("nodira", groups.MARKETING))
    with pytest.raises(errors.MayNotAnswer):
        proposals.refuse(proposal_id=proposal.pk, why="no", by=agent, now=story.club.now)
    assert Proposal.objects.get().state == "open"


def test_what_is_approved_is_exactly_what_was_looked_at(story: Story) -> None:
    proposal = story.asks(file(gift()))

    with pytest.raises(errors.OtherContent):
        proposals.approve(
            proposal_id=proposal.pk, digest="0" * 64, by=story.head, now=story.club.now
        )

    assert story.brings() == 0


def test_a_proposal_whose_comparison_is_no_longer_true_is_not_approved(story: Story) -> None:
    story.runs(file(gift()))
    proposal = story.asks(file(gift(7)))
    campaigns.put_in_force(json.loads(file(gift(9))) | {"starts_at": None}, story.club.now)

    with pytest.raises(errors.Outdated):
        story.approves(proposal)

    assert story.brings() == 9


def test_a_proposal_is_answered_once(story: Story) -> None:
    proposal = story.asks(file(gift()))
    story.approves(proposal)

    with pytest.raises(errors.ProposalClosed):
        story.approves(proposal)
    with pytest.raises(errors.ProposalClosed):
        proposals.withdraw(proposal_id=proposal.pk, by=story.marketer, now=story.club.now)

    assert InForce.objects.filter(rule_id="gift").count() == 1


def test_a_refusal_says_why_and_a_withdrawal_is_the_askers_own(story: Story) -> None:
    refused = story.asks(file(gift()))
    with pytest.raises(errors.ReasonMissing):
        proposals.refuse(proposal_id=refused.pk, why="  ", by=story.head, now=story.club.now)
    proposals.refuse(proposal_id=refused.pk, why="too dear", by=story.head, now=story.club.now)
    assert Proposal.objects.get().answer == "too dear"

    again = story.asks(file(gift(4)))
    with pytest.raises(errors.NotYours):
        proposals.withdraw(proposal_id=again.pk, by=story.head, now=story.club.now)
    proposals.withdraw(proposal_id=again.pk, by=story.marketer, now=story.club.now)

    assert story.brings() == 0


def test_one_proposal_about_a_campaign_waits_at_a_time(story: Story) -> None:
    first = story.asks(file(gift()))

    with pytest.raises(errors.AlreadyProposed) as refused:
        story.asks(file(gift(6)))

    assert refused.value.values["proposal_id"] == first.pk


def test_a_changed_rule_shows_one_difference_and_leaves_yesterday_alone(story: Story) -> None:
    story.runs(file(gift(5)))
    before = story.club.now
    story.club.now += timedelta(days=1)

    proposal = story.asks(file(gift(7)))
    told = [(c.place, c.before, c.after) for c in queries.changes_of(proposal)]
    story.approves(proposal)

    assert told == [("rules/gift/rule/reward/points", 5, 7)]
    assert story.brings() == 7
    assert story.brings(at=before + timedelta(hours=1)) == 5


def test_a_weekend_version_gives_way_to_the_one_it_replaced(story: Story) -> None:
    story.runs(file(gift(5)))
    friday, monday = story.club.now + timedelta(days=2), story.club.now + timedelta(days=5)
    story.runs(file(gift(10), starts_at=friday.isoformat(), ends_at=monday.isoformat()))

    brought = []
    for days in (1, 3, 6):
        story.club.now += timedelta(days=days)
        brought.append(story.brings())
        story.club.now -= timedelta(days=days)

    assert brought == [5, 10, 5]


def test_a_campaign_without_rules_has_ended(story: Story) -> None:
    story.runs(file(gift()))
    story.club.now += timedelta(days=1)

    story.runs(file())

    assert story.brings() == 0


def test_a_campaign_is_rolled_back_in_one_step(story: Story) -> None:
    story.runs(file(gift(5)))
    good = story.club.now
    story.club.now += timedelta(days=1)
    story.runs(file(gift(500 // 10)))
    story.club.now += timedelta(hours=1)
    assert story.brings() == 50

    story.approves(
        campaigns.roll_back(
            code="spring", to=good, why="a zero too many", by=story.marketer, now=story.club.now
        )
    )

    assert story.brings() == 5
    assert RuleVersion.objects.filter(rule_id="gift").count() == 2  # the first is in force again


def test_an_exported_campaign_reads_back_as_itself(story: Story) -> None:
    story.runs(file(gift(limits=[{"period": "day", "unit": "times", "most": 2}])))
    text = campaign_files.as_text(campaign_files.exported(code="spring", at=story.club.now))

    with pytest.raises(errors.NothingChanges):
        story.asks(text)

    assert campaign_files.as_text(campaign_files.read(text).document()) == text


def test_the_wording_of_a_name_is_put_right_without_a_new_version(story: Story) -> None:
    story.runs(file(gift()))
    better = TEXTS | {"kaa": "Sıylıq"}
    named = {"gift": {"names": better, "rule": gift()}}

    story.runs(json.dumps({"code": "spring", "names": TEXTS, "rules": named}))

    assert RuleVersion.objects.get(rule_id="gift").names["kaa"] == "Sıylıq"
    assert InForce.objects.filter(rule_id="gift").count() == 1


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("{", ""),
        (file(gift(), code="Spring!"), "code"),
        (file(gift(), names=TEXTS | {"kaa": " "}), "names"),
        (file(gift() | {"when": PAYMENT | {"field": "shoe_size"}}), "rules/gift/rule/when"),
        (file(gift(), starts_at="2026-12-01T00:00:00"), "starts_at"),
        (file(gift(), budget=5), "budget"),
        (file(gift(0)), "rules/gift/rule/reward/points"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_at_its_place(
    story: Story, text: str, where: str
) -> None:
    with pytest.raises(BadCampaign) as refused:
        story.asks(text)

    problems = refused.value.values["problems"]
    assert isinstance(problems, list)
    assert where in [problem["where"] for problem in problems]
    assert not Proposal.objects.exists()


def test_what_would_stop_it_is_said_to_the_one_who_asks(story: Story) -> None:
    story.runs(file(gift(stacking={"group": "g", "mode": "first"})))
    other = gift(6, id="other", stacking={"group": "g", "mode": "highest"})
    yesterday = (story.club.now - timedelta(days=1)).isoformat()

    for text, stops in [
        (file(other, code="summer"), BadCampaign),
        (file(gift(6), code="summer"), RuleOverlaps),
        (file(gift(stacking={"group": "g", "mode": "first"}), code="summer"), RuleOfAnother),
        (file(gift(6), paid_by=[{"fund": 1, "percent": 100}]), FundIsFixed),
        (file(gift(6), ends_at=yesterday), CampaignOver),
    ]:
        with pytest.raises(stops):
            story.asks(text)

    assert not Proposal.objects.filter(state="open").exists()
    assert story.brings() == 5


def test_a_marketer_and_their_head_do_it_from_the_command_line(
    story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    path = tmp_path / "spring.json"
    path.write_text(simulated(file(gift()), by=story.marketer, now=story.club.now))

    def club(*words: str) -> str:
        result = CliRunner().invoke(command, words)
        assert result.exit_code == 0, result.output
        return result.output

    told = club("campaign", "propose", str(path), "--why", "spring", "--by", "malika")
    (proposal,) = Proposal.objects.all()
    assert f"club proposals show {proposal.pk}" in told
    assert "accrual.campaign spring, by malika: spring" in club("proposals", "list")
    shown = club("proposals", "show", str(proposal.pk))
    assert "rules/gift/rule/reward/points\n    - —\n    + 5" in shown

    club("proposals", "approve", str(proposal.pk), proposal.digest, "--by", "rustam")

    assert json.loads(club("campaign", "export", "spring"))["rules"].keys() == {"gift"}
    assert club("proposals", "list") == ""


def test_a_campaign_that_does_not_exist_cannot_be_rolled_back(story: Story) -> None:
    with pytest.raises(NoSuchCampaign):
        campaigns.roll_back(
            code="autumn", to=story.club.now, why="x", by=story.marketer, now=story.club.now
        )

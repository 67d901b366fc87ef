"""Clawbacks from the command line."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from club.access.models import Proposal
from club.accrual.models import Clawback
from club.cli import club as command
from tests.accrual.clawing import Story
from tests.accrual.conftest import Office


@pytest.fixture
def story(club: Office) -> Story:
    return Story(club)


def test_staff_look_ask_and_watch_from_the_command_line(
    story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    who = story.club.subscriber()
    story.pays(who)
    since, review = story.faulty_since.isoformat(timespec="seconds"), tmp_path / "review.csv"

    def club(*words: str) -> str:
        result = CliRunner().invoke(command, words)
        assert result.exit_code == 0, result.output
        return result.output

    span = ("--since", since, "--until", "2027-01-01T00:00+05:00")
    shown = club("campaign", "claw-back", "spring", *span, "--csv", str(review))
    assert "100 points of 1 subscribers, granted by 1 decisions" in shown
    assert len(review.read_text().splitlines()) == 2
    assert not Proposal.objects.filter(kind="accrual.clawback").exists()

    club("campaign", "claw-back", "spring", *span, "--propose", "--why", "x", "--by", "malika")
    story.approves(Proposal.objects.get(kind="accrual.clawback"))
    clawback = Clawback.objects.get()
    assert "taking  0 of 1 (0 %)" in club("campaign", "clawbacks", "spring")
    story.works(clawback)
    assert "taken  1 of 1 (100 %), 100 points taken" in club("campaign", "clawbacks")
    club("campaign", "restore", str(clawback.pk), "--why", "x", "--by", "malika")
    story.approves(Proposal.objects.get(kind="accrual.restoring"))
    story.works(clawback)
    assert story.has(who) == (100, 0)


def test_a_rollback_with_a_clawback_is_two_proposals_or_none(story: Story) -> None:
    words = ["campaign", "roll-back", "spring", "--to", story.good.isoformat(timespec="seconds")]
    words += ["--claw-back", "--why", "a zero too many", "--by", "malika"]

    refused = CliRunner().invoke(command, words)
    assert refused.exit_code == 1
    assert "still stands" in refused.output
    assert not Proposal.objects.filter(state="open").exists()

    # The command's clock is the real one, and grants are of the story's.
    story.club.now = datetime.now(UTC) - timedelta(minutes=1)
    story.pays(story.club.subscriber())
    asked = CliRunner().invoke(command, words)
    assert asked.exit_code == 0, asked.output
    kinds = Proposal.objects.filter(state="open").values_list("kind", flat=True)
    assert sorted(kinds) == ["accrual.campaign", "accrual.clawback"]

"""What staff do between people by hand: each command is one verb, and says what came of it."""

import pytest
from click.testing import CliRunner, Result

from club.ledger.cli import command
from club.ledger.cli_days import today
from tests.ledger.people import earns, points, somebody

pytestmark = pytest.mark.django_db


def run(*words: object) -> Result:
    answer = CliRunner().invoke(command, [str(word) for word in words])
    assert answer.exit_code == 0, answer.output
    return answer


def test_points_are_sent_and_taken_back_by_their_ref() -> None:
    aziza, bek = somebody(), somebody()
    earns(aziza, 100)

    assert run("transfer", aziza, bek, 30, "--ref", "t").stdout == "sent; 70 points left\n"
    again = run("transfer", aziza, bek, 30, "--ref", "t").stdout
    assert again == "sent before, nothing new; 70 points left\n"
    back = run("reverse-transfer", aziza, "--of-ref", "t", "--of-day", today(), "--ref", "b").stdout
    assert back == "taken back; 100 points left\n"
    assert points(bek) == 0


def test_a_sender_is_frozen_and_freed() -> None:
    aziza, bek = somebody(), somebody()
    earns(aziza, 100)

    assert "frozen until" in run("freeze", aziza, "--hours", 5, "--reason", "sim_swap").stdout
    refused = CliRunner().invoke(command, ["transfer", str(aziza), str(bek), "1", "--ref", "t"])
    assert type(refused.exception).__name__ == "TransfersFrozen"
    assert run("unfreeze", aziza).stdout == "no longer frozen\n"
    assert run("unfreeze", aziza).stdout == "was not frozen\n"
    assert run("transfer", aziza, bek, 1, "--ref", "t").stdout == "sent; 99 points left\n"

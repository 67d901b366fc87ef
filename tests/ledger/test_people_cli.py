"""What staff do between people by hand: each command is one verb, and says what came of it."""

import pytest
from click.testing import CliRunner, Result

from club.engagement.transfer_cli import command as transfer
from club.ledger.cli import command
from club.ledger.cli_days import today
from tests.ledger.people import earns, points, somebody

pytestmark = pytest.mark.django_db


def run(*words: object) -> Result:
    group = transfer if words[0] == "transfer" else command
    told = words[1:] if group is transfer else words
    answer = CliRunner().invoke(group, [str(word) for word in told])
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
    refused = CliRunner().invoke(transfer, [str(aziza), str(bek), "1", "--ref", "t"])
    assert type(refused.exception).__name__ == "TransfersFrozen"
    assert run("unfreeze", aziza).stdout == "no longer frozen\n"
    assert run("unfreeze", aziza).stdout == "was not frozen\n"
    assert run("transfer", aziza, bek, 1, "--ref", "t").stdout == "sent; 99 points left\n"


def test_a_pot_is_opened_joined_paid_into_left_and_closed() -> None:
    aziza, bek = somebody(), somebody()
    earns(bek, 100)
    key = "00000000-0000-0000-0000-0000000000aa"

    pot = run("pot", "open", aziza, "--key", key).stdout.strip()
    assert run("pot", "open", aziza, "--key", key).stdout.strip() == pot
    assert run("pot", "invite", pot, bek, "--by", aziza).stdout.startswith("invited until")
    assert run("pot", "join", pot, bek).stdout == "joined\n"
    assert run("pot", "join", pot, bek).stdout == "joined before, nothing new\n"
    paid = run("pot", "pay", pot, bek, 80, "--ref", "p").stdout
    assert paid == "paid in; 20 points left\n"
    first, *members = run("pot", "show", pot).stdout.splitlines()
    assert first == f"owner {aziza}, spent by everybody, 80 points"
    assert [member.split() for member in members] == [[str(aziza), "0"], [str(bek), "80"]]
    assert run("pot", "leave", pot, bek, "--by", aziza).stdout == "left; 100 points left\n"
    assert run("pot", "close", pot, "--by", aziza).stdout == "closed\n"
    assert run("pot", "close", pot, "--by", aziza).stdout == "closed before, nothing new\n"
    assert "closed, 0 points" in run("pot", "show", pot).stdout
    unknown = CliRunner().invoke(command, ["pot", "show", "-404"])
    assert type(unknown.exception).__name__ == "NoSuchPot"


def test_a_number_that_changed_is_merged_and_followed() -> None:
    old, new = somebody(), somebody()
    earns(old, 100)

    assert run("merge", old, new, "--ref", "m").stdout == "merged; 100 points left\n"
    earns(old, 5)
    assert run("follow").stdout == "1 accounts followed\n"
    assert points(new) == 105

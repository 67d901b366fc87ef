"""`club incidents …`: each command is one deed of a named member of staff."""

import pytest
from click.testing import CliRunner, Result

from club.access.models import AuditLine, Staff
from club.incidents.cli import command
from club.ledger import queries as books
from club.ledger.cli_days import today
from tests.builders import Club

pytestmark = pytest.mark.django_db


@pytest.fixture
def aziza() -> int:
    Staff.objects.create(username="dilnoza")
    return Club().open().subscriber().id


def run(*words: object) -> Result:
    return CliRunner().invoke(command, [str(word) for word in words])


def said(*words: object) -> str:
    answer = run(*words, "--by", "dilnoza")
    assert answer.exit_code == 0, answer.output
    return answer.stdout


def test_points_are_given_taken_and_put_back(aziza: int) -> None:
    fault = ("--reason", "system_fault")
    assert said("adjust", aziza, 50, *fault, "--key", "a") == "adjusted; 50 points to spend\n"
    assert said("adjust", aziza, 50, *fault, "--key", "a") == (
        "adjusted before, nothing new; 50 points to spend\n"
    )
    assert said("adjust", aziza, -20, *fault, "--key", "b") == "adjusted; 30 points to spend\n"
    line = ("--of-source", 3, "--of-ref", "b", "--of-day", today(), "--key", "c")
    assert said("reverse", aziza, *line) == "reversed; 50 points to spend\n"
    assert AuditLine.objects.count() == 3
    assert books.prove() == []


def test_presents_come_from_a_budget_that_staff_made(aziza: int) -> None:
    assert "korzinka" in said("fund", 12, "korzinka", "Korzinka")
    days = ("--from", today(), "--until", today())
    assert said("budget", "autumn", 100, "--fund", 12, *days) == "100 points left in autumn\n"
    gift = ("goodwill", aziza, 70, "--budget", "autumn", "--key", "g")
    assert said(*gift) == "given; 70 points to spend\n"
    assert "30 of" in run("budgets").stdout
    (lot,) = books.lots(subscriber_id=aziza, day=today())
    to = lot.expires_on.replace(year=lot.expires_on.year + 1)
    why = ("--to", to, "--reason", "holidays", "--key", "x")
    assert (
        said("extend", aziza, "--until", lot.expires_on, *why) == f"70 points are good until {to}\n"
    )
    assert said("extend-everybody", "--ending-on", lot.expires_on, *why) == (
        f"points of 0 subscribers are good until {to}\n"
    )
    assert books.prove() == []


def test_nobody_acts_without_a_name(aziza: int) -> None:
    deed = ("adjust", aziza, 5, "--reason", "fraud", "--key", "a")
    assert run(*deed).exit_code == 2
    assert "nobody of the staff" in run(*deed, "--by", "someone").output
    assert run(*deed[:3], "--reason", "because", "--key", "a", "--by", "dilnoza").exit_code == 2
    assert AuditLine.objects.count() == 0

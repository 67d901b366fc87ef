"""What the call centre and finance read on the command line: of now, and of any day before."""

import csv
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from club.errors import ClubError
from club.ledger import actions as ledger
from club.ledger.cli import command
from club.subscribers.models import Subscriber
from tests.ledger import people
from tests.ledger.moments import at, happened
from tests.ledger.people import LATER, SOON, earns, pot_of, sends, somebody, spends

pytestmark = pytest.mark.django_db
COFFEE = 7


@pytest.fixture
def aziza() -> int:
    """A hundred points of the operator's and forty of a coffee shop; on the next day 120 are spent."""
    ledger.make_fund(fund=COFFEE, code="coffee", name="A coffee shop")
    who = somebody()
    earns(who, 100, expires_on=SOON)
    earns(who, 40, expires_on=LATER, fund=COFFEE)
    happened(at(9, day=20))
    spends(who, 120)
    happened(at(9, day=21))
    return who


def run(*words: object) -> Result:
    answer = CliRunner().invoke(command, [str(word) for word in words])
    assert answer.exit_code == 0, answer.output
    return answer


def table(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_a_balance_is_read_of_a_past_moment_by_id_and_by_number(aziza: int) -> None:
    number = Subscriber.objects.get(id=aziza).msisdn

    by_id = run("balance", aziza, "--at", "2026-11-20T14:00").stdout
    by_number = run("balance", f"+{number}", "--at", "2026-11-20T14:00").stdout

    assert by_id == by_number
    assert by_id.splitlines() == [
        f"subscriber {aziza}, +998 90 ••• •• {number[-2:]} at 2026-11-20 14:00:00 in Tashkent",
        "spendable                                      140",
        "held                                             0",
        "pending                                          0",
        "arrears                                          0",
        "good until 2026-12-31 operator                 100",
        "good until 2027-06-30 coffee                    40",
    ]


def test_without_a_moment_it_is_that_of_now_and_a_pot_s_is_read_too(aziza: int) -> None:
    pot = pot_of(aziza)
    people.pays_in(pot, aziza, 5)

    assert table(run("balance", aziza).stdout)[1] == ["spendable", "15"]
    assert table(run("balance", pot).stdout)[0][:2] == ["account", str(pot)]
    assert table(run("balance", pot).stdout)[1] == ["spendable", "5"]


def test_the_future_and_a_number_of_nobody_are_refused(aziza: int) -> None:
    for words in ((aziza, "--at", "2099-01-01T00:00"), ("998330000000",), ("9983300000x0",)):
        answer = CliRunner().invoke(command, ["balance", *(str(word) for word in words)])
        assert isinstance(answer.exception, ClubError)

    badly = CliRunner().invoke(command, ["balance", str(aziza), "--at", "yesterday"])
    assert "yesterday is not a moment" in badly.stderr


def test_the_accounts_of_a_day_are_listed_by_fund(aziza: int) -> None:
    answer = run("accounts", "--day", "2026-11-21")

    names, coffee, operator = sorted(table(answer.stdout), key=lambda line: line[0] != "opening")
    assert names == [
        "opening", "issued", "brought", "redeemed", "expired", "adjusted", "transferred", "fees",
        "repaid", "outstanding",
    ]  # fmt: skip
    assert sorted([coffee, operator]) == [
        ["coffee", "40", "0", "0", "20", "0", "0", "0", "0", "0", "20"],
        ["operator", "100", "0", "0", "100", "0", "0", "0", "0", "0", "0"],
    ]
    assert answer.stderr == "figures of these days may still change\n"


def test_the_accounts_of_a_period_are_listed_by_day_and_closed_ones_change_no_more(
    aziza: int,
) -> None:
    period = ("--from", "2026-11-20", "--until", "2026-11-21", "--by-day", "--fund", "coffee")
    ledger.count_day()
    half = run("accounts", *period)
    ledger.count_day()
    whole = run("accounts", *period)

    assert half.stdout == whole.stdout
    assert [[line[0], line[1], line[-1]] for line in table(whole.stdout)[1:]] == [
        ["2026-11-20", "0", "40"],
        ["2026-11-21", "40", "20"],
    ]
    assert half.stderr == "figures after 2026-11-20 may still change\n"
    assert whole.stderr == ""


def test_a_partner_s_figures_are_printed_and_written_to_a_file(aziza: int, tmp_path: Path) -> None:
    file = tmp_path / "coffee.csv"

    answer = run(
        "funding",
        "--from",
        "2026-11-20",
        "--until",
        "2026-11-21",
        "--fund",
        "coffee",
        "--csv",
        file,
    )

    assert table(answer.stdout)[1] == ["coffee", "40", "0", "0", "20", "0", "0", "0"]
    with file.open(newline="") as written:
        assert list(csv.reader(written)) == [
            ["fund", "account", "kind", "source", "points", "cancelled_points"],
            ["coffee", "issued", "accrual", "1", "40", "0"],
            ["coffee", "redeemed", "spend", "2", "-20", "0"],
        ]


def test_what_a_friend_got_is_still_the_coffee_shop_s(aziza: int) -> None:
    bek = somebody()
    sends(aziza, bek, 20)
    happened(at(9, day=22))
    spends(bek, 15)
    happened(at(10, day=22))

    answer = run("funding", "--from", "2026-11-22", "--until", "2026-11-22")

    assert table(answer.stdout)[1:] == [["coffee", "0", "0", "0", "15", "0", "0", "0"]]


def test_a_fund_that_is_none_and_a_period_upside_down_are_refused() -> None:
    none = CliRunner().invoke(command, ["funding", "--fund", "tea"])
    upside_down = CliRunner().invoke(
        command, ["accounts", "--from", "2026-11-21", "--until", "2026-11-20"]
    )

    assert isinstance(none.exception, ClubError)
    assert "2026-11-21 is after 2026-11-20" in upside_down.stderr

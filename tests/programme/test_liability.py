"""What the programme owes, at a point's worth, and how much of what ended had expired."""

from datetime import date

import pytest
from click.testing import CliRunner

from club.ledger import actions as ledger
from club.ledger.expiry_rules import NEVER
from club.ledger.rules import Source, fingerprint_of
from club.programme import queries
from club.programme.cli import command
from club.programme.models import Programme
from club.programme.queries import Liability
from tests.builders import Club
from tests.ledger.desk import DAY, SOON, earns, spends
from tests.ledger.moments import at, happened

pytestmark = pytest.mark.django_db
COFFEE = 7


@pytest.fixture
def books() -> None:
    """150 points come, 30 go for rewards and 10 expire; a point is worth 2.50 so'm."""
    Club().open()
    Programme.objects.update(point_worth_tiyin=250)
    ledger.make_fund(fund=COFFEE, code="coffee", name="A coffee shop")
    earns("a", 40, expires_on=SOON)
    earns("b", 110, expires_on=NEVER, fund=COFFEE)
    happened(at(9, day=18))
    spends(30)
    ledger.expire_due(day=date(2027, 1, 1), limit=10)
    happened(at(9, day=19))


def test_liability_is_told_by_fund_and_of_any_day(books: None) -> None:
    assert queries.liabilities(day=date(2026, 11, 18)) == [
        Liability("operator", 40, 10_000, None),
        Liability("coffee", 110, 27_500, None),
    ]
    assert queries.liabilities(day=date(2026, 11, 19)) == [
        Liability("operator", 0, 0, 2_500),
        Liability("coffee", 110, 27_500, None),
    ]


def test_it_is_printed_with_its_sum(books: None) -> None:
    answer = CliRunner().invoke(command, ["liability", "--day", "2026-11-19"])

    assert [line.split() for line in answer.stdout.splitlines()] == [
        ["points", "so'm", "breakage"],
        ["operator", "0", "0.00", "25.00%"],
        ["coffee", "110", "275.00", "–"],
        ["all", "110", "275.00"],
    ]


def test_a_debt_lowers_what_is_owed(books: None) -> None:
    ledger.reverse(
        subscriber_id=77, source=Source.STAFF, ref="r", day=DAY, of_source=Source.ACCRUAL,
        of_ref="a", of_day=DAY, points=None, fingerprint=fingerprint_of("r"),
    )  # fmt: skip

    answer = CliRunner().invoke(command, ["liability"])

    assert ["coffee", "70", "175.00", "–"] in [line.split() for line in answer.stdout.splitlines()]

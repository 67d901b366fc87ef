"""What stops an erasure, and what its command says."""

from datetime import timedelta
from uuid import UUID

import pytest
from click.testing import CliRunner

from club.access.models import AuditLine, Staff
from club.clock import day_of
from club.erasure import actions as erasure
from club.erasure import cli
from club.erasure.errors import MayNotErase, OrdersOpen
from club.ledger import actions as ledger
from club.ledger import queries as books
from club.ledger.errors import OpenHolds
from club.ledger.rules import fingerprint_of
from club.orders.models import State
from club.subscribers.models import Subscriber
from club.subscribers.rules import BadMsisdn
from tests.erasure.person import NUMBER, TRACES, erase, found, lives_a_full_life, orders

pytestmark = pytest.mark.django_db


def test_an_order_that_is_not_settled_stops_it(club, malika, officer):
    club.earns(malika, 500_000)
    orders(club, malika, state=State.UNKNOWN, settled_at=None)
    before = books.totals()

    with pytest.raises(OrdersOpen) as told:
        erase(club, officer)

    assert (told.value.code, told.value.values) == ("orders_open", {"open_orders": 1})
    assert Subscriber.objects.filter(msisdn=NUMBER).exists()
    assert books.totals() == before


def test_points_on_hold_stop_it_and_nothing_is_half_done(club, malika, officer):
    lives_a_full_life(club, malika, officer)
    ledger.hold(
        subscriber_id=malika.id, hold_id=UUID(int=5), day=day_of(club.now), points=3, now=club.now,
        lifetime=timedelta(hours=1), fingerprint=fingerprint_of("order"),
    )  # fmt: skip
    before = found(*TRACES)

    with pytest.raises(OpenHolds):
        erase(club, officer)

    assert found(*TRACES) == before
    assert AuditLine.objects.filter(action="subscriber.erased").count() == 0


def test_who_may_not_erase_does_not(club, malika):
    agent = Staff.objects.create_user("agent")
    with pytest.raises(MayNotErase):
        erase(club, agent)
    assert Subscriber.objects.filter(msisdn=NUMBER).exists()


def test_a_number_that_is_none_is_refused(club, officer):
    with pytest.raises(BadMsisdn):
        erasure.erase(msisdn="79031234567", by=officer, now=club.now)


def test_the_command_erases_names_no_number_and_may_be_repeated(club, malika, officer):
    points = club.earns(malika, 500_000)

    def run(*options: str):
        return CliRunner().invoke(cli.command, ["erase", "+998 93 456-70-12", *options])

    first, second = run("--by", "officer", "--yes"), run("--by", "officer", "--yes")

    assert (first.exit_code, second.exit_code) == (0, 0)
    assert first.output.splitlines() == [
        f"subscriber {malika.id} is erased",
        f"{points:,} points are forfeited",
    ]
    assert second.output == "nobody in the programme has this number; its traces were swept\n"


def test_the_command_says_why_it_did_nothing(club, malika):
    Staff.objects.create_user("agent")

    def run(login: str):
        return CliRunner().invoke(cli.command, ["erase", NUMBER, "--by", login, "--yes"])

    assert "may_not_erase" in run("agent").output
    assert "no such login" in run("nobody").output
    assert run("agent").exit_code == run("nobody").exit_code == 1
    assert Subscriber.objects.filter(msisdn=NUMBER).exists()

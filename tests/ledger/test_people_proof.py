"""Who may write between people, and what the proof sees: one leg forged is a leg named."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from club.ledger import actions as ledger
from club.ledger import policies, queries
from tests.ledger.people import (
    DAY,
    NEXT_WEEK,
    NOW,
    SOON,
    earns,
    leaves,
    pays_in,
    points,
    pot_of,
    sends,
    somebody,
    spends_from,
    takes_back,
)
from tests.ledger.plain import refusal, run

pytestmark = pytest.mark.django_db
NO_PRIVILEGE = "42501"


@contextmanager
def as_application() -> Iterator[None]:
    run("grant select on subscribers_subscriber to club_app")
    run("set role club_app")
    try:
        yield
    finally:
        run("reset role")


def test_the_application_calls_every_verb_between_people() -> None:
    aziza, bek, charos = somebody(), somebody(), somebody()
    earns(aziza, 100)
    with as_application():
        sends(aziza, bek, 30, ref="t")
        takes_back(aziza, "t", points=10)
        pot = pot_of(aziza, bek)
        pays_in(pot, aziza, 20)
        spends_from(pot, bek, 5)
        leaves(pot, bek)
        ledger.close_pot(pot_id=pot, by=aziza, day=DAY)
        ledger.freeze(subscriber_id=aziza, until=NEXT_WEEK, reason="staff")
        ledger.unfreeze(subscriber_id=aziza)
        ledger.merge(from_subscriber_id=bek, to_subscriber_id=charos, source=3, ref="m", day=DAY)
        ledger.follow_successors(day=DAY, limit=10)
        terms = policies.of_transfers()
        told = queries.allowance(subscriber_id=charos, day=DAY, now=NOW, policy=terms)
        assert queries.prove() == []

    assert [points(who) for who in (aziza, bek, charos)] == [75, 0, 20]
    assert told.transferable_points == 0  # what came with the merge is young


@pytest.mark.parametrize(
    "forgery",
    [
        "insert into ledger.freeze values (1, now(), 'staff')",
        "delete from ledger.freeze",
        "update ledger.pot set owner_id = 1",
        "update ledger.pot_member set stake = 10",
        "delete from ledger.pot_invitation",
        "insert into ledger.successor values (1, 2)",
    ],
)
def test_the_application_writes_no_table_between_people(forgery: str) -> None:
    with as_application():
        assert refusal(forgery) == NO_PRIVILEGE


@pytest.mark.parametrize(
    "forgery",
    [
        "delete from ledger.posting where kind = 9",
        "delete from ledger.posting where kind = 10",
        "update ledger.posting set points = points + 1 where kind = 10",
        "update ledger.posting set points = points - 1 where kind = 9",
        "update ledger.posting set counterparty_id = 12345 where kind = 9",
        "update ledger.posting set counterparty_id = null where kind = 10",
        f"""update ledger.posting set lots = '[["{SOON}", 3, 30]]' where kind = 10""",
        "update ledger.posting set ref = 'other' where kind = 9",
    ],
)
def test_a_forged_leg_of_a_transfer_is_named(forgery: str) -> None:
    aziza, bek = somebody(), somebody()
    earns(aziza, 100)
    sends(aziza, bek, 30, ref="t")
    assert queries.prove() == []

    for table in ("ledger.posting", "ledger.posting_202611"):
        run(f"alter table {table} disable trigger user")
    assert run(forgery) == 1

    assert "a transfer has both its legs" in {breach.law for breach in queries.prove()}

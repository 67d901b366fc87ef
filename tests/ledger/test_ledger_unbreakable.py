"""What the database itself refuses, to its owner and to the application's role, by plain SQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from tests.ledger.plain import (
    ACCRUE,
    DAY,
    HOLD,
    ME,
    SOON,
    SPEND,
    THIS,
    account,
    breaches,
    call,
    earn,
    journal,
    lots,
    refusal,
    rows,
    run,
)

pytestmark = pytest.mark.django_db
PARTITION = "ledger.posting_202611"
NO_PRIVILEGE, CHECK, NOT_NULL, TAKEN = "42501", "23514", "23502", "23505"
INSERT = (
    "insert into ledger.posting (subscriber_id, points, occurred_on, expires_on, source, kind,"
    " contra, ref, fingerprint) values (%s, %s, %s, %s, 1, %s, 10, %s, %s)"
)


@contextmanager
def as_application() -> Iterator[None]:
    run("set role club_app")
    try:
        yield
    finally:
        run("reset role")


@pytest.mark.parametrize("table", ["ledger.posting", PARTITION])
@pytest.mark.parametrize(
    "forgery",
    ["update {} set points = 1000", "delete from {}", "truncate {}", "truncate {} cascade"],
)
def test_not_even_the_owner_changes_the_journal(table: str, forgery: str) -> None:
    earn(10)

    assert refusal(forgery.format(table)) == "LG422"

    assert journal() == [(1, 10)]


def test_a_month_made_later_is_protected_too() -> None:
    call("select ledger.make_months('2041-01-01', 1)")
    call(ACCRUE, ME, "a", datetime(2041, 1, 5, tzinfo=UTC).date(), 5, SOON, THIS)

    for forgery in ("update {} set points = 9", "delete from {}", "truncate {}"):
        assert refusal(forgery.format("ledger.posting_204101")) == "LG422"


@pytest.mark.parametrize(
    "overdraft",
    [
        "update ledger.account set posted = -1",
        "update ledger.account set posted = posted - 11",
        "update ledger.account set held = held + 11",
        "update ledger.account set held = -1",
        "update ledger.account set arrears = -1",
        "update ledger.account set lot_points[1] = lot_points[1] - 11",
        "update ledger.account set lot_points[1] = 0",
        "insert into ledger.account (subscriber_id, lot_keys, lot_points) values (902, '{1}', '{-1}')",
    ],
)
def test_not_even_the_owner_overdraws(overdraft: str) -> None:
    earn(10)

    assert refusal(overdraft) == CHECK

    assert account() == (10, 0, 0)
    assert lots() == [(SOON, 10)]


def test_a_posting_without_points_is_refused() -> None:
    assert refusal(INSERT, ME, None, DAY, SOON, 1, "x", THIS) == NOT_NULL


def test_a_key_is_taken_once_across_all_months() -> None:
    earn(10, ref="a")
    assert refusal(INSERT, ME, 5, DAY, SOON, 1, "a", THIS) == TAKEN


def test_a_posting_has_both_legs_or_none() -> None:
    earn(10)
    missing = INSERT.replace("contra, ", "").replace("10, %s, %s)", "%s, %s)")
    assert refusal(missing, ME, 5, DAY, SOON, 1, "x", THIS) == NOT_NULL
    assert rows("select leg, points from ledger.entry order by leg") == [
        ("programme", -10),
        ("subscriber", 10),
    ]


def test_a_posting_slipped_in_beside_the_verbs_is_found() -> None:
    run(INSERT, ME, 5, DAY, SOON, 1, "x", THIS)
    assert ("the balance is the sum of the journal", ME, "account", 5, None) in breaches()


@pytest.mark.parametrize(
    "statement",
    [
        "update ledger.posting set points = 1000",
        "delete from ledger.posting",
        "truncate ledger.posting",
        f"truncate {PARTITION}",
        f"delete from {PARTITION}",
        "insert into ledger.posting (subscriber_id, points, occurred_on, source, kind, contra, ref,"
        " fingerprint) values (901, 5, '2026-11-22', 1, 1, 10, 'x', 'sixteen bytes ok')",
        "update ledger.account set posted = 1000",
        "insert into ledger.account (subscriber_id, posted) values (902, 5)",
        "delete from ledger.account",
        "update ledger.account set lot_points[1] = 1000",
        "delete from ledger.hold",
        "update ledger.hold set points = 1",
        "update ledger.pending set points = 1",
        "update ledger.seal set points = 1",
        "delete from ledger.programme_total",
        "alter table ledger.posting disable trigger all",
        "drop table ledger.posting",
        "drop trigger posting_immutable on ledger.posting",
        "create table ledger.mine (x int)",
        "select ledger.put_lots(901, '[[\"2027-01-01\", 0, 5]]')",
        "select ledger.take_lots(901, 5, '2026-11-22')",
        "select ledger.settle(901, '2026-11-22', '[]')",
        "select ledger.give_back(901, '[[\"2027-01-01\", 0, 5]]', '2026-11-22', null)",
    ],
)
def test_the_application_writes_nothing_by_itself(statement: str) -> None:
    earn(10)

    with as_application():
        assert refusal(statement) == NO_PRIVILEGE

    assert account() == (10, 0, 0)
    assert journal() == [(1, 10)]
    assert breaches() == []


def test_the_application_reads_everything_and_calls_the_verbs() -> None:
    with as_application():
        assert call(ACCRUE, ME, "a", DAY, 10, SOON, THIS) == (True, False)
        assert call(SPEND, ME, "s", DAY, 4, THIS) == (True, 6)
        hold = (ME, "00000000-0000-0000-0000-000000000007", DAY, 4, datetime.now(UTC), THIS)
        assert call(HOLD, *hold) == (True, 2)
        assert call("select lots from ledger.expire_due(%s, 10)", DAY) == (0,)
        assert call("select ledger.make_months('2041-01-01', 1)") == (1,)
        assert account() == (6, 4, 0)
        assert journal() == [(1, 10), (2, -4)]
        assert breaches() == []


def test_the_verbs_trust_no_search_path_of_the_caller() -> None:
    earn(10)
    run("create temporary table account (like ledger.account)")
    run("create temporary table posting (like ledger.posting)")
    run("set local search_path = pg_temp, public")

    assert call(SPEND, ME, "s", DAY, 4, THIS) == (True, 6)

    assert account() == (6, 0, 0)
    assert breaches() == []

"""What a detached month leaves in the books: the past and the programme's accounts are told from it, and
the proof holds them against it."""

from datetime import date, datetime, timedelta

import pytest
from click.testing import CliRunner

from club.clock import TASHKENT
from club.ledger import queries
from club.ledger.cli import command
from club.ledger.errors import BeforeTheBooks
from club.ledger.queries import Balance
from tests.ledger.months.living import TODAY, detach
from tests.ledger.plain import ME, YOU, Row, refusal, rows, run
from tests.ledger.sealed import as_owner

pytestmark = pytest.mark.usefixtures("lived")


ENDED = datetime(2026, 11, 17, 1, tzinfo=TASHKENT)  # the moment of every posting here
A_TICK = timedelta(microseconds=1)


@pytest.fixture(params=["its table there", "its table dropped"])
def is_dropped(request: pytest.FixtureRequest) -> bool:
    return request.param == "its table dropped"


def test_the_past_is_told_from_the_last_posting_of_the_month_on(
    detached: None, table: str, is_dropped: bool
) -> None:
    if is_dropped:
        run(f"drop table ledger.{table}")

    for who in (ME, YOU):
        now = queries.balance(subscriber_id=who, day=TODAY)
        assert queries.balance_at(subscriber_id=who, at=ENDED, day=TODAY) == now
        for ask in (queries.balance_at, queries.lots_at):
            with pytest.raises(BeforeTheBooks) as refused:
                ask(subscriber_id=who, at=ENDED - A_TICK)
            assert refused.value.code == "before_the_books"
            assert datetime.fromisoformat(str(refused.value.values["since"])) == ENDED


def test_whoever_has_nothing_in_the_month_is_told_about_any_moment(detached: None) -> None:
    nobody = queries.balance_at(subscriber_id=903, at=ENDED - timedelta(days=900))

    assert nobody == Balance(0, 0, 0, 0, None, 0)


def test_what_came_late_for_one_hides_nobody_else_s_past(detached: None) -> None:
    run(
        "update ledger.carried set last_posted_at = last_posted_at + interval '1 day'"
        " where subscriber_id = %s",
        YOU,
    )

    assert queries.balance_at(subscriber_id=ME, at=ENDED).arrears_points == 0
    with pytest.raises(BeforeTheBooks):
        queries.balance_at(subscriber_id=YOU, at=ENDED)


def test_the_programme_s_accounts_are_the_same_without_the_month(
    lived: None, old: date, table: str, is_dropped: bool
) -> None:
    before = programme()

    detach(old)
    if is_dropped:
        run(f"drop table ledger.{table}")

    assert len(before) > 5
    assert programme() == before


def programme() -> list[Row]:
    return rows("select * from ledger.programme(null, 'infinity') order by 1, 2, 3, 4, 5")


# ---- what the proof sees of a month that is gone


@pytest.mark.parametrize(
    ("forgery", "law"),
    [
        ("update ledger.carried set points = points + 1 where subscriber_id = 901",
         "the balance is the sum of the journal"),
        ("update ledger.carried set arrears = arrears + 1 where subscriber_id = 902",
         "arrears are clawbacks less repayments"),
        ("update ledger.carried_lot set points = points + 1 where subscriber_id = 901",
         "a lot is the sum of its movements"),
        ("delete from ledger.carried where subscriber_id = 902", "the balance is the sum of the journal"),
        ("update ledger.carried set captured = 5 where subscriber_id = 901", "a captured hold has its posting"),
        ("update ledger.hold set captured = 5 where captured = 6", "a captured hold has its posting"),
        ("insert into ledger.hold select 902, hold_id, points, captured, placed_at, expires_at, closed_at, state,"
         " fingerprint, lots, given_back from ledger.hold where captured = 6", "a captured hold has its posting"),
        ("update ledger.carried_total set points = points + 1 where kind = 2",
         "a counted day is the sum of its postings"),
        ("update ledger.carried_total set cancelled = cancelled + 1 where kind = 5",
         "a counted day is the sum of its postings"),
        ("update ledger.carried_total set postings = 9 where kind = 1", "a counted day is the sum of its postings"),
        ("delete from ledger.carried_total where kind = 7", "a counted day is the sum of its postings"),
    ],
)  # fmt: skip
def test_a_carried_figure_that_changes_is_named(
    detached: None, table: str, forgery: str, law: str
) -> None:
    run(forgery)
    with_table = {breach.law for breach in queries.prove()}
    run(f"drop table ledger.{table}")
    without = {breach.law for breach in queries.prove()}

    assert law in without
    assert "ledger.carried" not in forgery or "what was carried is what its month did" in with_table


def test_the_moment_from_which_the_past_is_told_is_proven_too(detached: None, old: date) -> None:
    run("update ledger.carried set last_posted_at = last_posted_at + interval '1 second'")

    found = {(b.law, b.place, b.found - b.expected) for b in queries.prove()}  # type: ignore[operator]

    assert found == {
        ("what was carried is what its month did",
         f"month {old:%Y-%m}, microseconds since 1970", 1_000_000),
    }  # fmt: skip


def test_a_detached_table_is_held_against_its_seals_and_its_sums(
    detached: None, old: date, table: str
) -> None:
    with as_owner(table):
        run(f"update ledger.{table} set points = points + 1 where ref = 'a'")

    laws = {(breach.law, breach.subscriber_id) for breach in queries.prove()}

    assert ("a sealed posting never changes", ME) in laws
    assert ("what was carried is what its month did", ME) in laws
    assert ("the balance is the sum of the journal", ME) not in laws


def test_a_table_that_came_back_from_a_dump_is_proven_again(
    detached: None, old: date, table: str
) -> None:
    run(f"create temporary table dump as select * from ledger.{table}")
    run(f"drop table ledger.{table}")
    run(f"create table ledger.{table} (like ledger.past including all)")
    run(f"insert into ledger.{table} select * from dump where ref <> 'b'")

    taken_up = CliRunner().invoke(command, ["detach-month", f"{old:%Y-%m}"])

    assert (taken_up.exit_code, taken_up.stdout) == (0, "taken up again\n")
    assert {(breach.law, breach.subscriber_id) for breach in queries.prove()} == {
        ("a sealed posting is never removed", ME),
        ("what was carried is what its month did", ME),
        ("what was carried is what its month did", None),
        ("a counted day is the sum of its postings", None),
    }
    assert refusal(f"delete from ledger.{table}") == "LG422"

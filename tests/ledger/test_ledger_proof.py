"""`club ledger prove`: silent over sound books; whoever forges a row as the tables' owner, with the
triggers off, is found and the row is named."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from click.testing import CliRunner

from club.clock import day_of
from club.ledger import queries
from club.ledger.cli import command
from tests.ledger.plain import (
    CAPTURE,
    DAY,
    HOLD,
    LATER,
    ME,
    REVERSE,
    SOON,
    SPEND,
    THIS,
    YOU,
    call,
    earn,
    run,
)

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def books() -> None:
    """A little of everything: two subscribers, spends, a capture, arrears, a kept promise."""
    earn(100, ref="a")
    earn(50, ref="b", expires_on=LATER)
    earn(30, ref="c", who=YOU)
    call(SPEND, ME, "s", DAY, 20, THIS)
    call(REVERSE, ME, "r", DAY, 2, "s", DAY, 5, THIS, None)
    call(HOLD, ME, UUID(int=1), DAY, 10, NOON, THIS)
    call(CAPTURE, ME, UUID(int=1), DAY, 6)
    call(HOLD, ME, UUID(int=2), DAY, 15, NOON, THIS)
    call(SPEND, YOU, "s", DAY, 25, THIS)
    call(REVERSE, YOU, "r", DAY, 1, "c", DAY, 30, THIS, None)
    call(
        "select * from ledger.promise_many(1::smallint, array[%s::bigint], array['p'],"
        " array[%s::date], array[9::bigint], array[%s::date], array[0], array[%s::bytea],"
        " array[%s::timestamptz])",
        ME, DAY, LATER, THIS, NOON,
    )  # fmt: skip
    call("select ledger.keep_promises(%s, 5)", NOON)
    assert queries.prove() == []


def forge(sql: str) -> None:
    run("alter table ledger.posting disable trigger user")
    run("alter table ledger.posting_202611 disable trigger user")
    assert run(sql) == 1
    run("alter table ledger.posting enable trigger user")
    run("alter table ledger.posting_202611 enable trigger user")


@pytest.mark.parametrize(
    ("forgery", "law", "who", "place"),
    [
        ("update ledger.posting set points = 1100 where ref = 'a'",
         "the balance is the sum of the journal", ME, "account"),
        ("delete from ledger.posting where ref = 'b'",
         "the balance is the sum of the journal", ME, "account"),
        ("update ledger.account set posted = posted + 7 where subscriber_id = 901",
         "the balance is lots + held - arrears", ME, "account"),
        ("update ledger.account set held = held - 1, posted = posted - 1 where subscriber_id = 901",
         "held is the sum of the open holds", ME, "account"),
        ("update ledger.account set arrears = arrears - 1, posted = posted + 1"
         " where subscriber_id = 902",
         "arrears are clawbacks less repayments", YOU, "account"),
        ("update ledger.account set lot_keys = array[ledger.lot_key('2027-06-30', 0)],"
         " lot_points = array[3] where subscriber_id = 902",
         "the balance is lots + held - arrears", YOU, "account"),
        ("update ledger.account set lot_points[1] = lot_points[1] + 1 where subscriber_id = 901",
         "a lot is the sum of its movements", ME, "lot 2026-12-31 fund 0"),
        ("update ledger.account set lot_keys[2] = ledger.lot_key('2027-06-30', 4)"
         " where subscriber_id = 901",
         "a lot is the sum of its movements", ME, "lot 2027-06-30 fund 4"),
        ("update ledger.account set lot_keys = array[lot_keys[2], lot_keys[1]],"
         " lot_points = array[lot_points[2], lot_points[1]] where subscriber_id = 901",
         "the lots are sorted and none is empty", ME, "account"),
        ("update ledger.account set lot_keys = lot_keys || ledger.lot_key('2028-01-31', 0)"
         " where subscriber_id = 901",
         "the lots are sorted and none is empty", ME, "account"),
        ("update ledger.posting set points = 0 where ref = 'b'",
         "a posting of no points moves lots", ME, "posting 1/b/2026-11-22"),
        ("""update ledger.posting set lots = '[["2026-12-31", 0, 19]]'
             where subscriber_id = 901 and ref = 's'""",
         "a debit takes lots of its amount", ME, "posting 2/s/2026-11-22"),
        ("update ledger.posting set lots = '[]' where subscriber_id = 901 and ref = 'r'",
         "a return gives lots of its amount", ME, "posting 3/r/2026-11-22"),
        ("update ledger.posting set reverses_ref = 'none' where subscriber_id = 901 and ref = 'r'",
         "a reversal has an original, and never more than it", ME, "posting 2/none/2026-11-22"),
        ("update ledger.posting set points = 21 where subscriber_id = 901 and ref = 'r'",
         "a reversal has an original, and never more than it", ME, "posting 2/s/2026-11-22"),
        ("update ledger.hold set captured = 5 where captured = 6",
         "a captured hold has its posting", ME, f"hold {UUID(int=1)}"),
        ("update ledger.pending set points = 8",
         "a kept promise has its posting", ME, "pending 1/p/2026-11-22"),
        ("update ledger.posting set ref = 'q' where ref = 'p'",
         "a kept promise has its posting", ME, "pending 1/p/2026-11-22"),
        ("update ledger.posting set ref = 'a', occurred_on = '2026-10-01' where ref = 'b'",
         "an event stands on one day alone", ME, "posting 1/a/2026-11-22"),
        ("update ledger.account set posted = posted + 7 where subscriber_id = 901",
         "in all, the accounts are the journal", None, "the books"),
        ("update ledger.account set posted = posted + 7 where subscriber_id = 901",
         "in all, the accounts are lots + held - arrears", None, "the books"),
    ],
)  # fmt: skip
def test_a_forged_row_is_named(
    books: None, forgery: str, law: str, who: int | None, place: str
) -> None:
    forge(forgery)

    found = [(b.law, b.subscriber_id, b.place) for b in queries.prove()]

    assert (law, who, place) in found


@pytest.mark.parametrize("is_all", [True, False])
def test_whoever_got_no_posting_since_a_day_is_not_looked_at(books: None, is_all: bool) -> None:
    tomorrow = day_of(datetime.now(UTC)) + timedelta(days=1)
    forge("update ledger.account set posted = posted + 7 where subscriber_id = 901")

    found = queries.prove(since=day_of(datetime.now(UTC)) if is_all else tomorrow)

    assert {breach.subscriber_id for breach in found} == ({ME} if is_all else set())


def test_a_proof_of_what_is_new_looks_at_all_that_its_subscribers_have(books: None) -> None:
    forge("update ledger.posting set posted_at = posted_at - interval '90 days' where ref = 'a'")
    forge("update ledger.posting set points = 1100 where ref = 'a'")

    (first, *_) = queries.prove(since=day_of(datetime.now(UTC)))

    assert (first.law, first.subscriber_id) == ("the balance is the sum of the journal", ME)


@pytest.mark.parametrize(
    ("forgery", "law"),
    [
        ("update ledger.account set posted = posted + 7 where subscriber_id = 901",
         "the balance is lots + held - arrears"),
        ("update ledger.account set held = held - 1, posted = posted - 1 where subscriber_id = 901",
         "held is the sum of the open holds"),
        ("delete from ledger.hold where state = 1", "held is the sum of the open holds"),
    ],
)  # fmt: skip
def test_the_balances_are_reconciled_without_the_journal(
    books: None, forgery: str, law: str
) -> None:
    assert queries.reconcile() == []

    forge(forgery)

    assert law in {breach.law for breach in queries.reconcile()}


def test_a_lot_below_zero_is_named_where_even_the_check_is_gone(books: None) -> None:
    run("alter table ledger.account drop constraint no_overdraft")
    forge("update ledger.account set lot_points[1] = -5 where subscriber_id = 901")

    laws = {(breach.law, breach.place, breach.found) for breach in queries.prove()}

    assert ("no lot is below zero", "lot 2026-12-31 fund 0", -5) in laws
    assert ("no lot is below zero", -5) in {(b.law, b.found) for b in queries.reconcile()}


def test_the_command_prints_the_sums_of_sound_books(books: None) -> None:
    answer = CliRunner().invoke(command, ["prove"])

    assert answer.exit_code == 0
    figures = dict(line.rsplit(maxsplit=1) for line in answer.stdout.splitlines())
    assert figures == {
        "accounts": "2",
        "postings": "9",
        "issued": "159",
        "redeemed": "46",
        "expired": "0",
        "adjusted": "0",
        "outstanding": "113",
        "lots": "123",
        "held": "15",
        "arrears": "25",
        "pending": "0",
    }


def test_the_command_names_what_is_broken_and_fails(books: None) -> None:
    forge("update ledger.account set posted = posted + 7 where subscriber_id = 902")

    answer = CliRunner().invoke(command, ["prove"])

    assert answer.exit_code == 1
    assert "subscriber 902, account: the balance is lots + held - arrears" in answer.stderr
    assert "issued" not in answer.stdout


def test_expiry_by_hand_tells_how_many_lots_it_took(books: None) -> None:
    after = SOON.replace(year=SOON.year + 1)
    answer = CliRunner().invoke(command, ["expire", "--day", after.isoformat()])

    assert (answer.exit_code, answer.stdout) == (0, "2 lots expired\n")
    assert queries.prove() == []


def test_holds_and_promises_are_closed_by_hand(books: None) -> None:
    run("update ledger.hold set expires_at = now() - interval '1 hour' where state = 1")
    release = CliRunner().invoke(command, ["release-holds"])
    keep = CliRunner().invoke(command, ["keep-promises"])

    assert (release.exit_code, release.stdout) == (0, "1 holds released\n")
    assert (keep.exit_code, keep.stdout) == (0, "0 promises kept\n")
    assert queries.prove() == []


def test_months_are_made_by_hand_and_a_day_that_is_none_is_told() -> None:
    made = CliRunner().invoke(command, ["make-months", "--first", "2041-01-09", "--months", "2"])
    bad = CliRunner().invoke(command, ["expire", "--day", "tomorrow"])

    assert (made.exit_code, made.stdout) == (0, "2 months made\n")
    assert bad.exit_code == 2
    assert "tomorrow is not a day" in bad.stderr

"""Balances brought over from the system before: looked at first, then written, as often as it takes."""

from datetime import date
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result
from django.db import OperationalError, connection

from club.ledger import actions as ledger
from club.ledger import queries
from club.ledger.cli import command
from club.ledger.errors import BadPosting
from club.ledger.opening import bringing, stage
from club.ledger.opening.lines import Reader
from club.ledger.queries import Lot
from club.ledger.rules import Kind, Source, fingerprint_of
from club.subscribers.models import Subscriber
from tests.builders import Club
from tests.ledger.plain import rows, run

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 22)
HEADING = "ref,msisdn,points,earned_on,expires_on,fund"


@pytest.fixture
def aziza() -> Subscriber:
    return Club().subscriber()


@pytest.fixture
def botir() -> Subscriber:
    return Club().subscriber()


@pytest.fixture(autouse=True)
def telecom() -> None:
    run("insert into ledger.fund values (7, 'telecom', 'Telecom') on conflict do nothing")


class Migration:
    """A file of the old system, and the command over it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "balances.csv"

    def holds(self, *lines: str, heading: str = HEADING, encoding: str = "utf-8") -> "Migration":
        self.file.write_bytes("".join(f"{line}\r\n" for line in (heading, *lines)).encode(encoding))
        return self

    def run(self, *options: str) -> Result:
        return CliRunner().invoke(
            command, ["import", str(self.file), "--day", DAY.isoformat(), *options]
        )

    def faults(self) -> list[str]:
        """line,column,code of each"""
        text = self.file.with_name("balances.csv.faults.csv").read_text()
        return [",".join(line.split(",")[:3]) for line in text.splitlines()[1:]]

    def differences(self) -> list[str]:
        return self.file.with_name("balances.csv.differences.csv").read_text().splitlines()[1:]


@pytest.fixture
def migration(tmp_path: Path) -> Migration:
    return Migration(tmp_path)


def line(ref: str, who: Subscriber | str, points: object = 100, **other: str) -> str:
    owner = who if isinstance(who, str) else who.msisdn
    given = {"earned_on": "2026-03-15", "expires_on": "2027-03-31", "fund": "operator"} | other
    return f"{ref},{owner},{points},{given['earned_on']},{given['expires_on']},{given['fund']}"


def postings() -> int:
    ((count,),) = rows("select count(*) from ledger.posting")
    return int(str(count))


def test_a_shadow_run_says_what_would_be_written_and_writes_nothing(migration, aziza, botir):
    migration.holds(
        line("A-1", aziza, 100),
        line("A-2", aziza, 50, expires_on="2026-12-31", fund="telecom"),
        line("B-1", botir, 7),
    )

    result = migration.run()

    assert result.exit_code == 0, result.output
    assert postings() == 0
    table = " ".join(result.output.split())
    assert "to be written 3 157" in table
    assert "operator 2 107" in table
    assert "telecom 1 50" in table
    assert "2026-12 1 50 2027-03 2 107" in table
    assert "2 subscribers, of whom 2 differ from the books" in table
    assert migration.differences() == [f"{aziza.id},150,0", f"{botir.id},7,0"]
    assert migration.faults() == []


def test_what_is_written_has_its_old_dates_and_funds_and_the_books_balance(migration, aziza):
    migration.holds(line("A-1", aziza, 100), line("A-2", aziza, 50, fund="telecom"))

    result = migration.run("--write")

    assert result.exit_code == 0, result.output
    assert "2 lines written" in result.output
    assert "1 subscribers, of whom 0 differ" in result.output
    until = date(2027, 3, 31)
    assert queries.lots(subscriber_id=aziza.id, day=DAY) == [Lot(until, 0, 100), Lot(until, 7, 50)]
    lines = queries.statement(subscriber_id=aziza.id, limit=10).lines
    assert {(one.kind, one.source, one.occurred_on) for one in lines} == {
        (Kind.OPENING, Source.IMPORT, date(2026, 3, 15))
    }
    assert {one.ref for one in lines} == {"opening:A-1", "opening:A-2"}
    assert rows("select distinct contra from ledger.posting") == [(70,)]
    assert queries.prove() == []


def test_writing_again_changes_nothing_and_says_so(migration, aziza):
    migration.holds(line("A-1", aziza))
    migration.run("--write")

    again = migration.run("--write")

    assert again.exit_code == 0
    assert "nothing was left to write" in again.output
    assert postings() == 1
    assert queries.prove() == []


def test_verifying_fails_before_the_file_is_written_and_never_after(migration, aziza):
    migration.holds(line("A-1", aziza))
    assert migration.run("--verify").exit_code == 2
    assert postings() == 0

    migration.run("--write")

    result = migration.run("--verify")
    assert result.exit_code == 0
    assert migration.differences() == []


def test_the_file_stays_clean_when_its_points_have_expired_and_its_months_are_gone(
    migration, aziza
):
    migration.holds(line("A-1", aziza, expires_on="2026-12-31"))
    migration.run("--write")
    ledger.expire_due(day=date(2027, 1, 1), limit=100)

    result = migration.run("--verify", "--day", "2027-06-01")

    assert result.exit_code == 0, result.output
    assert queries.prove() == []


def test_a_run_that_was_killed_in_the_middle_is_run_again(migration, aziza, botir, monkeypatch):
    monkeypatch.setattr(bringing, "ACCRUALS_PER_CALL_MAX", 2)
    migration.holds(*(line(f"A-{n}", aziza if n % 2 else botir, n) for n in range(1, 8)))
    compared = bringing.compare(migration.file, source="opening", day=DAY)

    def killed(lines: int) -> None:
        if lines == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bringing.write(compared, source="opening", echo=killed)
    assert postings() == 4

    result = migration.run("--write")

    assert "3 lines written" in result.output
    assert postings() == 7
    assert queries.totals().outstanding_points == sum(range(1, 8))
    assert queries.prove() == []


@pytest.mark.django_db(transaction=True)
def test_a_session_that_ends_while_the_file_is_read_is_told_as_every_other(
    migration, aziza, database_url
):
    migration.holds(line("A-1", aziza))
    ((session,),) = rows("select pg_backend_pid()")

    class Ending(Reader):
        def __iter__(self):
            with psycopg.connect(database_url, autocommit=True) as other:
                other.execute("select pg_terminate_backend(%s, 5000)", [session])
            return super().__iter__()

    with migration.file.open("rb") as stream, pytest.raises(OperationalError):
        stage.fill(Ending(stream), source="opening", day=DAY)
    connection.close()

    assert "1 lines written" in migration.run("--write").output


def test_one_broken_line_stops_the_whole_file(migration, aziza):
    migration.holds(line("A-1", aziza), line("A-2", aziza, "12.5"))

    result = migration.run("--write")

    assert result.exit_code == 1
    assert "1 lines are broken" in result.output
    assert postings() == 0


def test_the_good_lines_alone_are_written_when_that_is_asked_for(migration, aziza):
    migration.holds(line("A-1", aziza), line("A-2", aziza, "12.5"), line("A-3", aziza, 5))

    result = migration.run("--write", "--skip-broken")

    assert result.exit_code == 2
    assert "2 lines written" in result.output
    assert migration.faults() == ["3,points,bad_amount"]
    assert queries.balance(subscriber_id=aziza.id, day=DAY).spendable_points == 105
    assert queries.prove() == []


def test_only_the_file_that_the_shadow_run_saw_is_written(migration, aziza):
    compared = bringing.compare(migration.holds(line("A-1", aziza)).file, source="opening", day=DAY)
    migration.holds(line("A-1", aziza, 1_000_000))

    result = migration.run("--write", "--digest", compared.digest)

    assert result.exit_code == 1
    assert compared.digest in result.output
    assert postings() == 0


def test_whoever_owes_pays_with_what_is_brought_over(migration, aziza):
    earned = ledger.Accrual(aziza.id, "e", DAY, 30, DAY, 0, fingerprint_of("e"))
    ledger.post_many(source=Source.ACCRUAL, accruals=[earned])
    ledger.spend(
        subscriber_id=aziza.id, source=Source.ORDER, ref="s", day=DAY, points=30,
        fingerprint=fingerprint_of("s"),
    )  # fmt: skip
    ledger.reverse(
        subscriber_id=aziza.id, source=Source.ACCRUAL, ref="c", day=DAY, of_source=Source.ACCRUAL,
        of_ref="e", of_day=DAY, points=None, fingerprint=fingerprint_of("c"),
    )  # fmt: skip

    migration.holds(line("A-1", aziza, 100)).run("--write")

    balance = queries.balance(subscriber_id=aziza.id, day=DAY)
    assert (balance.spendable_points, balance.arrears_points) == (70, 0)
    assert migration.run("--verify").exit_code == 0
    assert queries.prove() == []


def test_two_old_systems_may_number_their_balances_alike(migration, aziza):
    migration.holds(line("1", aziza, 100)).run("--write", "--source", "north")
    migration.holds(line("1", aziza, 30)).run("--write", "--source", "south")

    assert queries.balance(subscriber_id=aziza.id, day=DAY).spendable_points == 130
    assert queries.prove() == []


def test_the_stage_is_gone_afterwards(migration, aziza):
    migration.holds(line("A-1", aziza)).run("--write")
    assert rows("select relname from pg_class where starts_with(relname, 'opening')") == []


# ---- bad input -------------------------------------------------------------------------------

BIGINT = 2**63


@pytest.mark.parametrize(
    ("points", "says"),
    [
        (0, "zero points"),
        ("000", "zero points"),
        (-5, "below zero"),
        (BIGINT, "over 10^12"),
        (BIGINT - 1, "over 10^12"),
        (10**12 + 1, "over 10^12"),
        ("9" * 1_000, "over 10^12"),
        ("12.5", "not a whole number"),
        ("1e3", "not a whole number"),
        ("1_0", "not a whole number"),
        ("٣", "not a whole number"),
        ("", "not a whole number"),
    ],
)
def test_an_amount_that_is_none_is_named_with_its_line(migration, aziza, points, says):
    migration.holds(line("A-1", aziza), line("A-2", aziza, points))

    result = migration.run()

    assert result.exit_code == 2
    assert says in result.output
    assert migration.faults() == ["3,points,bad_amount"]
    assert postings() == 0


def test_the_largest_amount_is_taken(migration, aziza):
    assert migration.holds(line("A-1", aziza, 10**12)).run("--write").exit_code == 0
    assert queries.balance(subscriber_id=aziza.id, day=DAY).spendable_points == 10**12


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        ({"earned_on": "15.03.2026"}, "earned_on,bad_day"),
        ({"earned_on": "2026-02-30"}, "earned_on,bad_day"),
        ({"expires_on": ""}, "expires_on,bad_day"),
        ({"expires_on": "2026-01-31"}, "expires_on,expires_before_earned"),
        ({"earned_on": "2026-11-23"}, "earned_on,in_the_future"),
        ({"expires_on": "2026-11-21"}, "expires_on,already_expired"),
        ({"earned_on": "1999-05-05"}, "earned_on,day_outside_books"),
        ({"fund": "telekom"}, "fund,unknown_fund"),
        ({"fund": ""}, "fund,unknown_fund"),
    ],
)
def test_a_day_or_a_fund_that_is_none_is_named(migration, aziza, broken, fault):
    result = migration.holds(line("A-1", aziza, **broken)).run()
    assert result.exit_code == 2
    assert migration.faults() == [f"2,{fault}"]


def test_a_month_that_is_missing_is_told_with_the_command_that_makes_it(migration, aziza):
    migration.holds(line("A-1", aziza, earned_on="1999-05-05"))
    told = migration.run().output
    assert "club ledger make-months --first 1999-05-01 --months 1" in told

    CliRunner().invoke(command, ["make-months", "--first", "1999-05-01", "--months", "1"])

    assert migration.run("--write").exit_code == 0
    assert queries.prove() == []


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("998909999999", "unknown_subscriber"),
        ("+998 90 999-99-99", "unknown_subscriber"),
        ("79031234567", "bad_msisdn"),
        ("", "bad_msisdn"),
        ("9.98901E+11", "bad_msisdn"),
    ],
)
def test_a_number_of_nobody_is_named_and_not_repeated(migration, number, code):
    result = migration.holds(line("A-1", number)).run()
    assert result.exit_code == 2
    assert migration.faults() == [f"2,msisdn,{code}"]
    assert not number or number not in result.output


def test_points_may_belong_to_the_clubs_own_number_of_a_person(migration, aziza):
    heading = HEADING.replace("msisdn", "subscriber_id")
    migration.holds(
        line("A-1", str(aziza.id)),
        line("A-2", "999999999"),
        line("A-3", "-4"),
        line("A-4", str(BIGINT)),
        line("A-5", "me"),
        heading=heading,
    )

    migration.run("--write", "--skip-broken")

    assert migration.faults() == [
        "3,subscriber_id,unknown_subscriber",
        *(f"{n},subscriber_id,bad_subscriber_id" for n in (4, 5, 6)),
    ]
    assert queries.balance(subscriber_id=aziza.id, day=DAY).spendable_points == 100


def test_all_that_is_wrong_with_a_line_is_said_at_once(migration):
    migration.holds("A-1,12,none,today,tomorrow,")
    migration.run()
    assert migration.faults() == [
        "2,earned_on,bad_day",
        "2,expires_on,bad_day",
        "2,fund,unknown_fund",
        "2,msisdn,bad_msisdn",
        "2,points,bad_amount",
    ]


def test_a_line_that_stands_twice_counts_once(migration, aziza):
    migration.holds(line("A-1", aziza), line("A-2", aziza, 5), line("A-1", aziza))

    assert migration.run("--write", "--skip-broken").exit_code == 2

    assert migration.faults() == ["4,ref,repeated_line"]
    assert queries.balance(subscriber_id=aziza.id, day=DAY).spendable_points == 105
    assert queries.prove() == []


def test_of_lines_that_contradict_each_other_none_is_written(migration, aziza, botir):
    migration.holds(
        line("A-1", aziza, 10),
        line("A-2", aziza, 5),
        line("A-1", aziza, 20),
        line("A-1", botir, 10),
    )

    migration.run("--write", "--skip-broken")

    assert migration.faults() == [f"{n},ref,contradicting_lines" for n in (2, 4, 5)]
    assert queries.balance(subscriber_id=aziza.id, day=DAY).spendable_points == 5
    assert queries.prove() == []


@pytest.mark.parametrize(
    "change", [{"points": 90}, {"fund": "telecom"}, {"earned_on": "2026-03-16"}]
)
def test_a_corrected_line_is_not_posted_a_second_time(migration, aziza, change):
    """Not even where its day, and so its key in the journal, is another one."""
    migration.holds(line("A-1", aziza)).run("--write")

    migration.holds(line("A-1", aziza, **change)).run("--write", "--skip-broken")

    assert migration.faults() == ["2,ref,booked_otherwise"]
    assert queries.balance(subscriber_id=aziza.id, day=DAY).spendable_points == 100
    assert queries.prove() == []


def test_a_ref_that_holds_the_phone_number_could_never_be_erased(migration, aziza):
    migration.holds(line(f"card-{aziza.msisdn}", aziza), line("A" * 200, aziza), line("", aziza))
    migration.run()
    assert migration.faults() == ["2,ref,number_in_ref", "3,ref,bad_ref", "4,ref,bad_ref"]


def test_lines_that_are_cut_glued_or_garbled_are_named_and_the_others_are_read(migration, aziza):
    good = line("A-1", aziza)
    migration.holds()
    migration.file.write_bytes(
        b"\n".join(
            [
                HEADING.encode(),
                b"A-2,998",
                b"x" * 5_000,
                b'A-3,"998901234567,5,2026-03-15,2027-03-31,operator',
                "A-4,Ўзбек,5,2026-03-15,2027-03-31,operator".encode("cp1251"),
                b"",
                b",,,,,",
                good.encode(),
            ]
        )
    )
    migration.run("--write", "--skip-broken")
    assert migration.faults() == [
        "2,,bad_width",
        "3,,line_too_long",
        "4,,bad_quotes",
        "5,,bad_encoding",
    ]
    assert queries.balance(subscriber_id=aziza.id, day=DAY).spendable_points == 100


def test_semicolons_quotes_a_byte_order_mark_and_other_orders_of_columns_are_read(migration, aziza):
    migration.holds(
        f'2027-03-31;"A;1";operator;+998 {aziza.msisdn[3:]};2026-03-15; 100 ',
        heading="EXPIRES_ON;ref;fund;msisdn;earned_on;points",
        encoding="utf-8-sig",
    )
    assert migration.run("--write").exit_code == 0
    assert rows("select ref, points from ledger.posting") == [("opening:A;1", 100)]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the file is empty"),
        (HEADING.encode("utf-16"), "UTF-16"),
        (b"PK\x03\x04 a workbook", "workbook"),
        ("ref,msisdn,баллы".encode("cp1251"), "not in UTF-8"),
        (b"x" * 5_000, "the first line"),
        (b"A-1,998901234567,100,2026-03-15,2027-03-31,operator\n", "neither msisdn nor"),
        (b"ref,msisdn,subscriber_id,points,earned_on,expires_on,fund\n", "both msisdn and"),
        (b"ref,msisdn,points\n", "lacks earned_on, expires_on, fund"),
        (HEADING.encode() + b",birthday\n", "'birthday'"),
        (HEADING.encode() + b",ref\n", "twice"),
    ],
)
def test_a_file_that_is_none_of_ours_is_refused_with_what_to_do(migration, content, says):
    migration.holds().file.write_bytes(content)

    result = migration.run("--write", "--skip-broken")

    assert result.exit_code == 1
    assert says in result.output
    assert postings() == 0


def test_options_that_contradict_each_other_are_refused(migration):
    migration.holds()
    assert migration.run("--skip-broken").exit_code == 2
    assert migration.run("--write", "--verify").exit_code == 2
    assert migration.run("--source", "Not A Name").exit_code == 1


def test_opening_balances_alone_come_by_this_door_and_no_other_kind(aziza):
    accrual = ledger.Accrual(aziza.id, "e", DAY, 30, DAY, 0, fingerprint_of("e"))
    with pytest.raises(BadPosting):
        ledger.post_many(source=Source.IMPORT, accruals=[accrual], kind=Kind.SPEND)
    assert postings() == 0

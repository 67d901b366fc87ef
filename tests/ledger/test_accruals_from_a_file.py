"""A file of accruals: every line once, by several workers, begun again where it broke off; what is
wrong with it is told before anything is posted."""

from datetime import date, timedelta
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from django.db import connection

from club.ledger import actions as ledger
from club.ledger import queries
from club.ledger.cli import command
from club.ledger.errors import BadAmount, BadPosting, DayOutsideBooks, LedgerError, WrongFund
from club.ledger.rules import Source
from tests.ledger.plain import rows

HEADING = "ref,subscriber_id,points,occurred_on,expires_on,fund\n"
DAY, LAST = date(2026, 11, 22), date(2027, 11, 30)
SUBSCRIBERS = 40_000


def file_of(*lines: str) -> list[bytes]:
    text = (HEADING + "".join(f"{line}\n" for line in lines)).encode()
    return [text[at : at + 1_000] for at in range(0, len(text), 1_000)]


def post(blocks: list[bytes], *, workers: int = 1, prefix: str = "bank:") -> ledger.Posted:
    return ledger.post_file(blocks=blocks, source=Source.IMPORT, prefix=prefix, workers=workers)


def stages() -> list[tuple[object, ...]]:
    return rows("select relname from pg_class where relname like 'stage\\_%%'")


@pytest.mark.django_db(transaction=True)
def test_two_workers_post_every_line_once_and_again_changes_nothing() -> None:
    lines = [
        f"p{n},{1 + n * 7_919 % SUBSCRIBERS},{1 + n % 9},{DAY - timedelta(days=n % 60)},{LAST},operator"
        for n in range(60_000)
    ]
    points = sum(1 + n % 9 for n in range(60_000))

    assert post(file_of(*lines), workers=2) == ledger.Posted(60_000, 0, ())
    assert post(file_of(*reversed(lines)), workers=2) == ledger.Posted(0, 60_000, ())

    assert queries.totals().issued_points == points
    assert rows("select count(*), sum(posted)::bigint from ledger.account") == [(40_000, points)]
    assert queries.prove() == []
    assert stages() == []


@pytest.mark.django_db
def test_a_run_that_broke_off_is_begun_again_and_posts_what_is_missing() -> None:
    lines = [f"p{n},{n},10,{DAY},{LAST},operator" for n in range(1, 100)]
    post(file_of(*lines[:40]))

    assert post(file_of(*lines)) == ledger.Posted(59, 40, ())

    assert queries.totals().issued_points == 990
    assert queries.prove() == []


@pytest.mark.django_db
def test_a_ref_with_other_content_is_named_and_the_first_content_stays() -> None:
    post(file_of(f"p1,7,10,{DAY},{LAST},operator"))

    posted = post(
        file_of(
            f"p1,7,11,{DAY},{LAST},operator",
            f"p2,7,5,{DAY},{LAST},operator",
            f"p2,7,5,{DAY},{LAST},operator",
            f"p2,7,6,{DAY},{LAST},operator",
        )
    )

    assert posted == ledger.Posted(1, 1, ("bank:p1", "bank:p2"))
    assert queries.balance(subscriber_id=7, day=DAY).spendable_points == 15


@pytest.mark.django_db
def test_two_files_may_have_the_same_refs() -> None:
    line = f"p1,7,10,{DAY},{LAST},operator"
    assert post(file_of(line), prefix="bank:").fresh == 1
    assert post(file_of(line), prefix="shop:").fresh == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("line", "error", "words"),
    [
        (f"p2,7,ten,{DAY},{LAST},operator", BadPosting, "line 3, column points"),
        (f"p2,7,{2**63},{DAY},{LAST},operator", BadPosting, "line 3, column points"),
        (f"p2,,10,{DAY},{LAST},operator", BadPosting, "line 3"),
        (f"p2,7,10,2026-02-30,{LAST},operator", BadPosting, "line 3, column occurred_on"),
        (f"p2,7,10,{DAY}", BadPosting, "line 3"),
        (f"p2,7,10,{DAY},{LAST},nobody", WrongFund, "no fund nobody"),
        (f"p2,7,10,2019-01-01,{LAST},operator", DayOutsideBooks, "2019-01-01"),
        (f"p2,7,10,infinity,{LAST},operator", DayOutsideBooks, "infinity"),
        (f"p2,7,0,{DAY},{LAST},operator", BadAmount, "line 3, column points"),
        (f"p2,7,-1,{DAY},{LAST},operator", BadAmount, "line 3, column points"),
        (f"p2,7,{10**12 + 1},{DAY},{LAST},operator", BadAmount, "line 3, column points"),
        (f"p2,{2**63},10,{DAY},{LAST},operator", BadPosting, "line 3, column subscriber_id"),
        (f"p2,0,10,{DAY},{LAST},operator", BadPosting, "line 3, column subscriber_id"),
        (f"p2,-5,10,{DAY},{LAST},operator", BadPosting, "line 3, column subscriber_id"),
        (f"p2,7,10,{DAY},infinity,operator", BadPosting, "line 3, column expires_on"),
        (f"p2,7,10,{DAY},99999-01-01,operator", BadPosting, "line 3, column expires_on"),
        (f"p2,7,10,{DAY},0001-01-01 BC,operator", BadPosting, "line 3, column expires_on"),
        (f'"",7,10,{DAY},{LAST},operator', BadPosting, "line 3, column ref"),
        (f"{'x' * 196},7,10,{DAY},{LAST},operator", BadPosting, "line 3, column ref"),
        (f"a\0b,7,10,{DAY},{LAST},operator", BadPosting, "line 3"),
        (f"p2,7,10,{DAY},{LAST},operator,more", BadPosting, "line 3"),
        (f'"p2,7,10,{DAY},{LAST},operator', BadPosting, "line 4"),
    ],
)
def test_a_broken_line_is_named_before_anything_is_posted(
    line: str, error: type[LedgerError], words: str
) -> None:
    with pytest.raises(error) as told:
        post(file_of(f"p1,7,10,{DAY},{LAST},operator", line))

    assert words in told.value.message
    assert type(told.value) is error
    assert queries.totals().postings == 0
    assert stages() == []


@pytest.mark.django_db
def test_a_line_that_stands_twice_is_posted_once_and_of_two_that_differ_the_other_is_named() -> (
    None
):
    line, other = f"p1,7,10,{DAY},{LAST},operator", f"p2,7,10,{DAY},{LAST},operator"

    posted = post(file_of(line, other, line, f"p2,7,11,{DAY},{LAST},operator"))

    assert posted == ledger.Posted(fresh=2, replayed=1, conflicts=("bank:p2",))
    assert queries.totals().postings == 2
    assert queries.prove() == []


def test_what_a_killed_run_left_is_cleared_by_the_next_and_a_living_run_is_spared(
    django_db_setup: None, database_url: str
) -> None:
    killed, living, new = "0a" * 8, "0b" * 8, "0c" * 8
    make, drop = "select ledger.make_stage(%s, 200)", "select ledger.drop_stage(%s)"
    with psycopg.connect(database_url, autocommit=True) as db:
        db.execute(make, [killed])
    with (
        psycopg.connect(database_url, autocommit=True) as db,
        psycopg.connect(database_url, autocommit=True) as other,
    ):
        db.execute(make, [living])
        other.execute(make, [new])
        found = other.execute(
            "select relname from pg_class where relname like 'stage\\_%' order by 1"
        ).fetchall()
        db.execute(drop, [living])
        other.execute(drop, [new])

    assert found == [(f"stage_{living}",), (f"stage_{new}",)]


@pytest.mark.django_db
def test_the_longest_ref_is_taken() -> None:
    assert post(file_of(f"{'x' * 195},7,10,{DAY},{LAST},operator")).fresh == 1


@pytest.mark.django_db
def test_another_heading_is_not_a_file_for_us() -> None:
    with pytest.raises(BadPosting):
        post([b"id,points\n1,2\n"])


@pytest.mark.django_db
def test_the_command_posts_a_file_and_says_what_it_did(tmp_path: Path) -> None:
    file = tmp_path / "bank.csv"
    file.write_text(HEADING + f"p1,7,10,{DAY},{LAST},operator\n")
    arguments = ["accrue", str(file), "--prefix", "bank", "--workers", "1"]

    first = CliRunner().invoke(command, arguments)
    again = CliRunner().invoke(command, arguments)
    file.write_text(HEADING + f"p1,7,12,{DAY},{LAST},operator\n")
    other = CliRunner().invoke(command, arguments)

    assert (first.exit_code, again.exit_code, other.exit_code) == (0, 0, 2)
    assert "1 new, 0 known, 0 conflicting" in first.stdout
    assert "0 new, 1 known, 0 conflicting" in again.stdout
    assert "bank:p1" in other.stderr


@pytest.mark.django_db
def test_the_application_posts_a_file_without_writing_a_table_of_the_books() -> None:
    with connection.cursor() as cursor:
        cursor.execute("set role club_app")
        assert post(file_of(f"p1,7,10,{DAY},{LAST},operator")).fresh == 1
        cursor.execute("reset role")

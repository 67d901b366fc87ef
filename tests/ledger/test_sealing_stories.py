"""The days are sealed in their order, each when nothing can be posted on it any more, and once."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner

from club.clock import day_of
from club.ledger import actions as ledger
from club.ledger import queries
from club.ledger.cli import command
from club.ledger.errors import BadPosting, ClockWentBack, SealsUnavailable
from club.ledger.seals import files, sealing
from club.ledger.seals.headers import GENESIS
from tests.ledger.plain import DAY, ME, SOON, THIS, call, earn, refusal, rows, run
from tests.ledger.sealed import (
    EMPTY,
    FIRST,
    LAST,
    SECOND,
    forge,
    found,
    posted_on,
    seal_them,
    told,
    write_four_days,
)

pytestmark = pytest.mark.django_db

WENT_BACK, BAD = "LG417", "LG422"
SEAL = "select ledger.seal_day(%s, %s, %s, %s, %s)"


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.SEALS = tmp_path / "seals"
    return tmp_path / "seals"


def today() -> date:
    return day_of(datetime.now(UTC))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_each_day_is_chained_to_the_one_before_and_an_empty_day_is_one_too(folder: Path) -> None:
    write_four_days()
    seal_them()

    headers = [files.header(day) for day in (FIRST, SECOND, EMPTY, LAST)]
    assert [h.previous for h in headers if h] == [GENESIS, *(h.digest for h in headers[:3] if h)]
    assert [h.postings for h in headers if h] == [3, 4, 0, 3]
    assert [h.points for h in headers if h] == [180, -33, 0, -6]
    assert names(folder) == [f"{day}.seal" for day in (FIRST, SECOND, EMPTY, LAST)]
    assert rows("select day, postings, points, digest from ledger.seal order by 1") == [
        (h.day, h.postings, h.points, h.digest) for h in headers if h
    ]


def test_sealing_twice_changes_nothing(folder: Path) -> None:
    write_four_days()
    seal_them()
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}

    assert sealing.seal_closed_days(until=LAST).headers == ()
    assert sealing.seal(day=SECOND) == files.header(SECOND)

    assert {
        path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()
    } == before
    assert len(rows("select from ledger.seal")) == 4


def test_where_nothing_was_ever_posted_there_is_nothing_to_seal(folder: Path) -> None:
    assert sealing.seal_closed_days() == sealing.Sealed((), 0)
    assert not folder.exists()


def test_the_day_that_runs_is_not_sealed(folder: Path) -> None:
    earn(5)

    assert sealing.seal_closed_days() == sealing.Sealed((), 0)
    with pytest.raises(BadPosting, match="is not next"):
        sealing.seal(day=today())

    assert not folder.exists()


def test_no_day_is_passed_over(folder: Path) -> None:
    write_four_days()

    with pytest.raises(BadPosting, match="in their order"):
        sealing.seal(day=SECOND)

    assert not folder.exists()
    assert sealing.seal(day=FIRST).postings == 3
    assert sealing.seal(day=SECOND).postings == 4


def test_a_day_before_the_first_seal_is_refused_for_good() -> None:
    write_four_days()
    seal_them()

    with pytest.raises(ClockWentBack) as refused:
        sealing.seal(day=FIRST - timedelta(days=1))

    assert refused.value.values == {"after": str(LAST)}
    assert found() == []


def test_a_day_is_not_sealed_twice_in_two_ways() -> None:
    write_four_days()
    seal_them()
    header = files.header(SECOND)
    assert header is not None

    assert refusal(SEAL, SECOND, 5, 1, header.previous, THIS) == WENT_BACK
    assert call(SEAL, SECOND, 4, -33, header.previous, header.digest) == (False,)
    assert refusal(SEAL, LAST + timedelta(days=1), 0, 0, THIS, THIS) == BAD  # a chain of its own
    assert refusal(SEAL, today(), 0, 0, header.digest, THIS) == BAD


def test_postings_that_changed_before_their_seal_was_noted_are_not_sealed_over(
    folder: Path,
) -> None:
    write_four_days()
    sealing.seal(day=FIRST)
    forge("delete from ledger.seal")
    forge("update ledger.posting set points = 99 where ref = 'a'")

    with pytest.raises(BadPosting, match="says otherwise"):
        sealing.seal_closed_days(until=LAST)

    assert ("a seal file has its seal", None, f"seal {FIRST}") in told()
    assert (
        "a sealed posting never changes",
        ME,
        f"posting 1/a/2026-11-22, sealed {FIRST}",
    ) in told()


def test_a_process_that_died_between_file_and_books_is_made_good_by_the_next_one(
    folder: Path,
) -> None:
    write_four_days()
    seal_them()
    forge("delete from ledger.seal where day = %s", LAST)
    (folder / f".{LAST}-half").write_bytes(b"a file that never got its name")
    before = files.path_of(LAST).read_bytes()

    assert [header.day for header in sealing.seal_closed_days(until=LAST).headers] == [LAST]

    assert files.path_of(LAST).read_bytes() == before
    assert found() == []


def test_without_room_for_its_file_no_day_is_sealed(folder: Path) -> None:
    write_four_days()
    folder.write_text("a file where the folder should be")

    with pytest.raises(SealsUnavailable, match="cannot be written"):
        sealing.seal_closed_days(until=LAST)

    assert rows("select * from ledger.seal") == []
    folder.unlink()
    seal_them()


def test_a_transaction_that_is_open_is_seen_until_it_ends(database_url: str) -> None:
    open_ones = "select ledger.unfinished_before(clock_timestamp())"
    (before,) = call(open_ones)
    with psycopg.connect(database_url) as other:
        assert call(open_ones) == (before,)  # connected, and in no transaction
        other.execute("select 1")
        assert call(open_ones) == (int(str(before)) + 1,)
        assert call("select ledger.unfinished_before(now() - interval '1 hour')") == (0,)
        other.rollback()
        assert call(open_ones) == (before,)


def test_a_transaction_whose_beginning_may_not_be_seen_is_waited_for(
    folder: Path, database_url: str
) -> None:
    write_four_days()
    run("alter function ledger.unfinished_before owner to club_app")  # which sees nobody else's
    with psycopg.connect(database_url) as somebody:
        somebody.execute("select 1")

        done = sealing.seal_closed_days(until=LAST)

        assert (done.headers, done.unfinished) == ((), 1)
        with pytest.raises(BadPosting, match="may still post"):
            sealing.seal(day=FIRST)
        assert not folder.exists()
        assert refusal(SEAL, FIRST, 3, 180, GENESIS, THIS) == BAD


def test_what_is_posted_after_the_clock_went_back_lies_in_no_sealed_day() -> None:
    run("select ledger.guard_clock(now() + interval '2 days')")

    earn(5, ref="by the clock of yesterday")

    assert rows("select posted_at >= now() + interval '47 hours' from ledger.posting") == [(True,)]


def test_a_clock_behind_the_last_seal_stops_the_sealing() -> None:
    write_four_days()
    seal_them()
    forge("update ledger.seal set day = %s where day = %s", today() + timedelta(days=3), LAST)

    with pytest.raises(ClockWentBack):
        sealing.seal_closed_days()


def test_the_application_seals_and_proves(folder: Path) -> None:
    write_four_days()
    run("set role club_app")
    try:
        seal_them()
        assert queries.prove() == []
        assert queries.prove(since=SECOND) == []
        assert queries.reconcile() == []
        assert refusal("delete from ledger.seal") == "42501"
    finally:
        run("reset role")
    assert refusal("update ledger.seal set points = 0") == BAD
    assert refusal("truncate ledger.seal") == BAD


def test_a_day_of_more_postings_than_one_piece_is_sealed_and_checked() -> None:
    run(
        "insert into ledger.posting (subscriber_id, points, occurred_on, expires_on, source, kind, contra,"
        " ref, fingerprint) select n - 5000, 1, %s, %s, 1, 1, 10, n %% 3, sha256('n') from generate_series(1, 15000) n",
        DAY, SOON,
    )  # fmt: skip
    posted_on(FIRST)

    header = sealing.seal(day=FIRST)

    assert (header.postings, header.points) == (15_000, 15_000)
    assert found() == []
    forge("update ledger.posting set points = 2 where subscriber_id = 7777")
    (one,) = found()
    assert (one.law, one.subscriber_id) == ("a sealed posting never changes", 7777)


# ---- by hand, and each night


def test_the_commands_seal_and_tell_the_last_digest() -> None:
    write_four_days()
    sealed = CliRunner().invoke(command, ["seal", "--day", str(FIRST)])
    early = CliRunner().invoke(command, ["seal", "--day", str(LAST)])
    header = files.header(FIRST)
    assert header is not None

    assert (sealed.exit_code, sealed.stdout) == (
        0,
        f"{FIRST}  3 postings  {header.digest.hex()}\n",
    )
    assert isinstance(early.exception, BadPosting)
    proven = CliRunner().invoke(command, ["prove", "--since", str(FIRST)])
    assert (proven.exit_code, proven.stdout) == (
        0,
        "2 subscribers with a posting since 2026-11-17\n",
    )
    assert header.digest.hex() in proven.stderr


def test_a_night_proves_what_is_new_and_shows_what_it_found(
    caplog: pytest.LogCaptureFixture,
) -> None:
    write_four_days()
    assert ledger.prove_what_is_new() == []
    assert queries.proven_until() is None  # nothing is sealed: all of it again
    seal_them()
    assert ledger.prove_what_is_new() == []
    assert queries.proven_until() == LAST + timedelta(days=1)
    assert (queries.last_proof().breaches, queries.last_proof().sealed_on) == (0, LAST)

    forge("update ledger.account set posted = posted + 1 where subscriber_id = %s", ME)
    broken = ledger.prove_what_is_new()

    assert [(breach.law, breach.subscriber_id) for breach in broken] == [
        ("the balance is lots + held - arrears", ME)
    ]
    assert queries.last_proof().breaches == 1
    assert queries.proven_until() == LAST + timedelta(
        days=1
    )  # from there on, until it is put right
    (line,) = [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]
    assert line == (
        "the books are broken in 1 places: the balance is lots + held - arrears (1);"
        " run club ledger prove --since 2026-11-21"
    )

"""A sealed day: whatever the tables' owner does to it is found, and the row is named."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import override_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from club.ledger import queries
from club.ledger.models import Posting
from club.ledger.seals import files, sealing
from tests.ledger.plain import ME, YOU, call, rows, run
from tests.ledger.sealed import (
    EMPTY,
    FIRST,
    LAST,
    LATE,
    SECOND,
    forge,
    found,
    seal_them,
    told,
    write_four_days,
)

CHANGED = "a sealed posting never changes"
REMOVED = "a sealed posting is never removed"
SLIPPED = "nothing is slipped into a sealed day"
A = "posting 1/a/2026-11-22, sealed 2026-11-17"
COLUMNS = [field.column for field in Posting._meta.fields if field.column]
KEY = ("subscriber_id", "occurred_on", "source", "ref")
ANOTHER = {  # than what stands there, by the column's type
    "bigint": "coalesce({0}, 0) + 1000",  # Nobody of these days is 1000 further on.
    "integer": "coalesce({0}, 0) + 1",
    "smallint": "coalesce({0}, 0) + 1",
    "date": "coalesce({0}, date '2026-11-10') + 1",
    "timestamp with time zone": "{0} + interval '1 microsecond'",
    "text": "coalesce({0} || '!', '')",
    "bytea": "{0} || '\\x00'",
    "jsonb": "coalesce({0}, '[]') || '[[\"2026-12-31\", 0, 1]]'",
}


@pytest.fixture(scope="module")
def sealed_once(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """The same four days for all tests here: each puts back what it did."""
    folder = tmp_path_factory.mktemp("seals")
    with django_db_blocker.unblock():
        with override_settings(SEALS=folder), transaction.atomic():
            write_four_days()
            seal_them()
            yield folder
            transaction.set_rollback(True)
        connection.close()


@pytest.fixture(autouse=True)
def books(sealed_once: Path, settings: Any, tmp_path: Path) -> Iterator[None]:
    settings.SEALS = copytree(sealed_once, tmp_path / "seals")
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def types() -> dict[str, str]:
    return dict(
        rows(
            "select column_name::text, data_type::text from information_schema.columns"
            " where table_schema = 'ledger' and table_name = 'posting'"
        )  # type: ignore[arg-type]
    )


def test_the_forgeries_below_know_every_column_of_the_journal() -> None:
    assert sorted(types()) == sorted(COLUMNS)


@pytest.mark.parametrize("column", [column for column in COLUMNS if column not in KEY])
def test_no_column_of_a_sealed_posting_changes_unnoticed(column: str) -> None:
    another = ANOTHER[types()[column]].format(column)
    forge(f"update ledger.posting set {column} = {another} where ref = 'a'")

    assert told() == {(CHANGED, ME, A)}


@pytest.mark.parametrize(
    ("change", "whose", "place"),
    [
        ("subscriber_id = 555", 555, "posting 1/a/2026-11-22"),
        ("subscriber_id = -7", -7, "posting 1/a/2026-11-22"),
        ("occurred_on = '2026-11-23'", ME, "posting 1/a/2026-11-23"),
        ("occurred_on = '2026-10-22'", ME, "posting 1/a/2026-10-22"),
        ("source = 2", ME, "posting 2/a/2026-11-22"),
        ("ref = 'other'", ME, "posting 1/other/2026-11-22"),
    ],
)
def test_a_posting_that_gets_another_key_was_removed_and_slipped_in(
    change: str, whose: int, place: str
) -> None:
    ((key,),) = rows("select encode(key, 'hex') from ledger.leaf where ref = 'a'")

    forge(f"update ledger.posting set {change} where ref = 'a'")

    assert told() == {
        (REMOVED, ME, f"posting with the key {key} of 2026-11, sealed {FIRST}"),
        (SLIPPED, whose, f"{place}, sealed {FIRST}"),
    }


@pytest.mark.parametrize("hours", [-9.01, 14.99, 24 * 365])
def test_a_posting_moved_in_time_is_named(hours: float) -> None:
    forge(
        f"update ledger.posting set posted_at = posted_at + interval '{hours} hours' where ref = 'a'"
    )
    ((now,),) = rows("select posted_at at time zone 'UTC' from ledger.posting where ref = 'a'")

    (first, *_) = [breach for breach in found() if breach.law == CHANGED]

    assert (first.subscriber_id, first.place) == (ME, A)
    assert first.expected in (f"posted on {FIRST}", first.expected)
    assert f"{now:%Y-%m-%d}" in str(first.found) or len(str(first.found)) == 16


def test_a_removed_posting_is_told_by_its_subscriber_and_key() -> None:
    ((key,),) = rows("select encode(key, 'hex') from ledger.leaf where ref = 'c'")

    forge("delete from ledger.posting where ref = 'c'")

    assert told() == {(REMOVED, YOU, f"posting with the key {key} of 2026-11, sealed {FIRST}")}


@pytest.mark.parametrize(
    ("moment", "when"),
    [
        ("2026-11-17 09:00+05", "sealed 2026-11-17"),
        ("2026-11-17 00:00+05", "sealed 2026-11-17"),
        ("2026-11-19 23:59:59.999999+05", "sealed 2026-11-19"),
        ("2026-11-16 23:59:59.999999+05", "before the first seal"),
        ("2001-01-01 00:00+05", "before the first seal"),
    ],
)
def test_a_posting_slipped_in_with_an_old_moment_is_named(moment: str, when: str) -> None:
    forge(
        "insert into ledger.posting (subscriber_id, points, posted_at, occurred_on, expires_on, source,"
        " kind, contra, ref, fingerprint) values (77, 5, %s, '2026-11-01', '2027-01-01', 1, 1, 10,"
        " 'gift', sha256('gift'))",
        moment,
    )

    assert told() == {(SLIPPED, 77, f"posting 1/gift/2026-11-01, {when}")}


def test_two_postings_that_swapped_their_contents_are_both_named() -> None:
    forge(
        "update ledger.posting p set points = o.points, expires_on = o.expires_on from ledger.posting o"
        " where p.subscriber_id = o.subscriber_id and p.ref in ('a', 'b') and o.ref in ('a', 'b')"
        " and p.ref <> o.ref"
    )

    assert told() == {(CHANGED, ME, A), (CHANGED, ME, A.replace("/a/", "/b/"))}


def test_two_postings_that_swapped_their_keys_are_both_named() -> None:
    forge("update ledger.posting set ref = 'x' where ref = 'a'")
    forge("update ledger.posting set ref = 'a' where ref = 'b'")
    forge("update ledger.posting set ref = 'b' where ref = 'x'")

    assert told() == {(CHANGED, ME, A), (CHANGED, ME, A.replace("/a/", "/b/"))}


def test_a_truncated_month_is_told_row_by_row() -> None:
    sealed = rows("select subscriber_id from ledger.posting_202611 order by 1")

    with connection.cursor() as cursor:
        cursor.execute("alter table ledger.posting_202611 disable trigger user")
        cursor.execute("truncate ledger.posting_202611")

    assert sorted(breach.subscriber_id or 0 for breach in found()) == [who for (who,) in sealed]
    assert {breach.law for breach in found()} == {REMOVED}


def test_more_rows_than_anybody_reads_are_told_in_one_line_more() -> None:
    forge(
        "insert into ledger.posting (subscriber_id, points, posted_at, occurred_on, expires_on, source,"
        " kind, contra, ref, fingerprint) select n, 5, %s, '2026-11-01', '2027-01-01', 1, 1, 10, 'gift',"
        " sha256('gift') from generate_series(1, 5000) n",
        "2026-11-18 09:00+05",
    )

    assert len(found()) == 101
    assert found()[-1].law == "a sealed day has its postings"
    assert str(found()[-1].expected).startswith("3 postings")
    assert str(found()[-1].found).startswith("5003 postings")


# ---- the seals themselves


@pytest.mark.parametrize(
    ("change", "laws"),
    [
        ("digest = sha256('other')", {"the seal and its file say the same", "the seals are one chain"}),
        ("previous = sha256('x')", {"the seal and its file say the same", "the seals are one chain"}),
        ("postings = postings + 1", {"the seal and its file say the same"}),
        ("points = points - 1", {"the seal and its file say the same"}),
        ("day = day - 30", {"a seal file has its seal", "a sealed day has its file",
                            "a sealed day has its postings", "the seals are one chain",
                            "nothing is slipped into a sealed day"}),
    ],
)  # fmt: skip
def test_a_seal_that_changes_is_found(change: str, laws: set[str]) -> None:
    forge(f"update ledger.seal set {change} where day = %s", SECOND)

    assert {breach.law for breach in found()} <= laws | {"the seals are one chain"}
    assert {breach.law for breach in found()} & laws


def test_a_seal_and_its_postings_removed_are_told_by_the_file() -> None:
    forge("delete from ledger.posting where posted_at >= ledger.day_start(%s)", LAST)
    forge("delete from ledger.seal where day = %s", LAST)

    laws = [breach.law for breach in found()]

    assert laws == ["a seal file has its seal", *[REMOVED] * 3]


def test_a_day_removed_from_the_middle_with_all_that_proves_it_breaks_the_chain() -> None:
    forge("delete from ledger.posting where posted_at between ledger.day_start(%s) and ledger.day_start(%s)",
          SECOND, EMPTY)  # fmt: skip
    forge("delete from ledger.seal where day = %s", SECOND)
    files.path_of(SECOND).unlink()

    assert told() == {("the seals are one chain", None, f"seal {SECOND}")}


def test_the_first_days_removed_with_all_that_proves_them_break_the_chain() -> None:
    forge("delete from ledger.seal where day = %s", FIRST)
    files.path_of(FIRST).unlink()

    assert ("the seals are one chain", None, f"seal {SECOND}") in told()


def test_a_past_that_is_forged_whole_is_told_by_the_digest_that_was_noted_elsewhere() -> None:
    noted = queries.last_proof().digest
    forge("update ledger.posting set points = 1000 where ref = 'a'")
    forge("delete from ledger.seal")
    for day in files.days():
        files.path_of(day).unlink()

    seal_them()

    assert queries.last_proof().digest != noted


def test_a_removed_file_is_named_and_written_again_from_what_is_sealed() -> None:
    before = files.path_of(SECOND).read_bytes()
    files.path_of(SECOND).unlink()
    assert told() == {("a sealed day has its file", None, f"{SECOND}.seal")}

    sealing.seal(day=SECOND)

    assert found() == []
    assert files.path_of(SECOND).read_bytes() == before


def test_without_the_file_a_forged_day_is_still_found() -> None:
    files.path_of(SECOND).unlink()
    forge(
        "update ledger.posting set points = points - 1 where ref = 's' and subscriber_id = %s", ME
    )

    assert told() == {
        ("a sealed day has its file", None, f"{SECOND}.seal"),
        ("a sealed day has its postings", None, f"day {SECOND}"),
    }


@pytest.mark.parametrize("place", [3, 20, 90, 200, 420, -1, -9, -40])
def test_a_file_in_which_one_byte_changes_is_named(place: int) -> None:
    path = files.path_of(SECOND)
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)

    assert [breach.place for breach in found()] == [path.name]


@pytest.mark.parametrize(
    "change", [lambda c: c[:-3], lambda c: c + b"x", lambda c: b"", lambda c: c[:30]]
)
def test_a_file_that_was_cut_off_or_goes_on_is_named(change: Any) -> None:
    path = files.path_of(SECOND)
    path.chmod(0o644)
    path.write_bytes(change(path.read_bytes()))

    assert told() == {("a seal file never changes", None, path.name)}


def test_files_of_two_days_that_changed_places_are_named() -> None:
    one, other = files.path_of(FIRST), files.path_of(SECOND)
    one.rename(one.with_suffix(".x"))
    other.rename(one)
    one.with_suffix(".x").rename(other)

    assert {place for _, _, place in told()} >= {f"{FIRST}.seal", f"{SECOND}.seal"}


def test_a_proof_since_a_day_looks_at_the_seals_from_that_day_on() -> None:
    forge("update ledger.posting set reason = 'x' where ref = 'a'")
    forge("update ledger.posting set reason = 'x' where ref = 't'")

    assert [breach.place for breach in found(since=SECOND)] == [
        f"posting 4/t/2026-11-22, sealed {LAST}"
    ]
    assert [breach.place for breach in queries.prove(since=SECOND)] == [
        f"posting 4/t/2026-11-22, sealed {LAST}"
    ]
    assert len(found()) == 2


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.data())
def test_any_single_change_to_sealed_rows_is_named(data: st.DataObject) -> None:
    who, occurred_on, source, ref = data.draw(
        st.sampled_from(
            rows(
                "select subscriber_id, occurred_on, source, ref from ledger.posting order by 1, 2, 3, 4"
            )
        )
    )
    column = data.draw(st.sampled_from([*sorted(types()), "the whole row", "a second row"]))
    where = "subscriber_id = %s and occurred_on = %s and source = %s and ref = %s"
    key = (who, occurred_on, source, ref)
    with transaction.atomic():
        if column == "the whole row":
            forge(f"delete from ledger.posting where {where}", *key)
        elif column == "a second row":
            others = ", ".join(c for c in types() if c != "ref")
            forge(
                f"insert into ledger.posting (ref, {others}) select ref || '2', {others}"
                f" from ledger.posting where {where}", *key,
            )  # fmt: skip
        else:
            another = ANOTHER[types()[column]].format(column)
            forge(f"update ledger.posting set {column} = {another} where {where}", *key)

        assert who in {breach.subscriber_id for breach in found()}
        transaction.set_rollback(True)

    assert found() == []


def test_no_setting_of_a_session_changes_a_digest() -> None:
    for setting in (
        "datestyle = 'SQL, DMY'", "timezone = 'America/New_York'", "bytea_output = 'escape'",
        "intervalstyle = 'iso_8601'", "extra_float_digits = 0", "client_encoding = 'WIN1251'",
        "search_path = 'pg_temp'", "enable_seqscan = off",
    ):  # fmt: skip
        with transaction.atomic():
            run(f"set local {setting}")
            left = call("select sha256(string_agg(content, '' order by content)) from ledger.leaf")
            transaction.set_rollback(True)
        assert left == call(
            "select sha256(string_agg(content, '' order by content)) from ledger.leaf"
        )


def test_a_late_event_is_sealed_on_the_day_that_brought_it() -> None:
    header = files.header(SECOND)
    assert header is not None
    assert [(s.month, s.postings) for s in header.sections] == [
        (date(2026, 10, 1), 1),
        (date(2026, 11, 1), 3),
    ]
    assert LATE.month == 10

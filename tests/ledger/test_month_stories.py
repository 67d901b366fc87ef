"""An old month leaves the journal: balances and proofs go on as before, and nothing of it is ever
posted again."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from shutil import copytree
from typing import Any
from uuid import UUID

import psycopg
import pytest
from click.testing import CliRunner
from django.db import connection, transaction
from django.test import override_settings

from club.clock import months_later
from club.ledger import actions as ledger
from club.ledger import history, queries
from club.ledger.cli import command
from club.ledger.errors import BadPosting, BeforeTheBooks, BooksBusy, DayOutsideBooks, MonthDetached
from club.ledger.rules import Source
from club.ledger.seals import files, sealing
from tests.ledger.plain import (
    ACCRUE,
    CAPTURE,
    HOLD,
    ME,
    REVERSE,
    SPEND,
    THIS,
    TRANSFER,
    YOU,
    account,
    call,
    lots,
    refusal,
    rows,
    run,
)
from tests.ledger.sealed import as_owner

TODAY = date(2026, 11, 22)
SEALED = date(2026, 11, 17)
NOON = "2026-11-22 12:00+00"


@pytest.fixture(scope="module")
def lived_once(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """The same old month for all tests here: each puts back what it did."""
    folder = tmp_path_factory.mktemp("seals")
    with django_db_blocker.unblock():
        with override_settings(SEALS=folder), transaction.atomic():
            live(oldest())
            yield folder
            transaction.set_rollback(True)
        connection.close()


@pytest.fixture(autouse=True)
def lived(lived_once: Path, settings: Any, tmp_path: Path) -> Iterator[None]:
    settings.SEALS = copytree(lived_once, tmp_path / "seals")
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture
def old(lived: None) -> date:
    return oldest()


@pytest.fixture
def table(old: date) -> str:
    return f"posting_{old:%Y%m}"


@pytest.fixture
def detached(old: date) -> None:
    before = (account(ME), account(YOU), lots(ME), lots(YOU), queries.totals())

    done = detach(old)

    assert (done.is_fresh, done.is_attached) == (True, True)
    assert (account(ME), account(YOU), lots(ME), lots(YOU), queries.totals()) == before


def oldest() -> date:
    """The first day of the oldest month."""
    ((name,),) = rows(
        "select min(c.relname::text) from pg_inherits i join pg_class c on c.oid = i.inhrelid"
        " where i.inhparent = 'ledger.posting'::regclass"
    )
    return date(int(str(name)[-6:-2]), int(str(name)[-2:]), 1)


def live(old: date) -> None:
    """What happened in the oldest month, and what came of it in the month after it. Of everything that
    a proof looks for again: earnings, a spend, a capture, a transfer, a debt, and a kept promise."""
    day, later = old + timedelta(days=9), months_later(old, 1)
    soon, end = months_later(old, 2), date(2030, 12, 31)
    for who, ref, points, until in ((ME, "a", 100, soon), (ME, "b", 50, end), (YOU, "c", 30, end)):
        call(ACCRUE, who, ref, day, points, until, THIS)
    call(SPEND, ME, "s", day, 20, THIS)
    call(HOLD, ME, UUID(int=1), day, 10, NOON, THIS)
    call(CAPTURE, ME, UUID(int=1), day, 6)
    call(HOLD, ME, UUID(int=2), day, 7, NOON, THIS)
    call(TRANSFER, ME, YOU, "t", day, 12, THIS)
    call(SPEND, YOU, "s", day, 40, THIS)
    call(REVERSE, YOU, "r", day, 1, "c", day, 30, THIS, None)
    call(
        "select * from ledger.promise_many(1::smallint, array[%s::bigint], array['p'], array[%s::date],"
        " array[9::bigint], array[%s::date], array[0], array[%s::bytea], array[%s::timestamptz])",
        ME, day, end, THIS, NOON,
    )  # fmt: skip
    call("select ledger.keep_promises(%s, 5)", NOON)
    call(REVERSE, ME, "back", later, 2, "s", day, 5, THIS, None)
    call("select ledger.expire_due(%s, 10)", months_later(old, 3))
    run_as_sealed(SEALED)
    assert queries.prove() == []


def run_as_sealed(day: date) -> None:
    """All of it was posted on one day, and that day is counted and sealed."""
    months = [
        str(name)
        for (name,) in rows("select distinct ledger.month_of(occurred_on) from ledger.posting")
    ]
    with as_owner(*months):
        run("update ledger.posting set posted_at = ledger.day_start(%s) + interval '1 hour'", day)
    sealing.seal(day=day)
    assert ledger.count_day() == day


def detach(month: date) -> ledger.Detached:
    return ledger.detach_month(month=month, today=TODAY)


def test_a_detached_month_stands_apart_and_everything_is_proven(
    detached: None, old: date, table: str
) -> None:
    assert rows(
        "select count(*) from ledger.posting where occurred_on < %s", months_later(old, 1)
    ) == [(0,)]
    assert rows("select inhparent::regclass::text from pg_inherits where inhrelid = %s::regclass",
                f"ledger.{table}") == [("ledger.past",)]  # fmt: skip
    assert queries.prove() == []
    assert queries.prove(since=SEALED) == []
    assert queries.reconcile() == []
    for forgery in ("update {} set points = 9", "delete from {}", "truncate {}"):
        assert refusal(forgery.format(f"ledger.{table}")) == "LG422"


def test_with_its_table_dropped_everything_is_still_proven(detached: None, table: str) -> None:
    before = queries.totals()

    run(f"drop table ledger.{table}")

    assert queries.prove() == []
    assert queries.prove(since=SEALED) == []
    assert queries.totals() == before


def test_a_history_begins_with_what_was_carried(detached: None, old: date, table: str) -> None:
    run(f"drop table ledger.{table}")

    days = history.balance_by_day(subscriber_id=ME, since=months_later(old, 6), until=TODAY)

    assert days[0].points == days[-1].points == account(ME)[0]
    assert queries.statement(subscriber_id=ME, limit=100).lines[-1].occurred_on == months_later(
        old, 1
    )


@pytest.mark.parametrize("is_dropped", [False, True])
def test_the_past_is_told_from_where_the_detached_month_ended(
    detached: None, table: str, is_dropped: bool
) -> None:
    if is_dropped:
        run(f"drop table ledger.{table}")
    ((ended,),) = rows("select max(last_posted_at) from ledger.detached_month")
    assert isinstance(ended, datetime)

    for who in (ME, YOU):
        then = queries.balance_at(subscriber_id=who, at=ended + timedelta(seconds=1), day=TODAY)
        now = queries.balance(subscriber_id=who, day=TODAY)
        assert (then.spendable_points, then.arrears_points) == (
            now.spendable_points,
            now.arrears_points,
        )
        with pytest.raises(BeforeTheBooks) as refused:
            queries.balance_at(subscriber_id=who, at=ended - timedelta(seconds=1))
        with pytest.raises(BeforeTheBooks):
            queries.lots_at(subscriber_id=who, at=ended)
        assert set(refused.value.values) == {"since"}


@pytest.mark.parametrize("is_dropped", [False, True])
def test_the_programme_s_accounts_are_the_same_without_the_month(
    lived: None, old: date, table: str, is_dropped: bool
) -> None:
    before = rows("select * from ledger.programme(null, 'infinity') order by 1, 2, 3, 4, 5")
    detach(old)
    if is_dropped:
        run(f"drop table ledger.{table}")

    assert rows("select * from ledger.programme(null, 'infinity') order by 1, 2, 3, 4, 5") == before
    assert len(before) > 5
    run("update ledger.carried_total set points = points + 1 where kind = 2")
    assert (
        "a counted day is the sum of its postings" in {breach.law for breach in queries.prove()}
        or not is_dropped
    )


def test_a_month_that_was_detached_is_never_made_again(
    detached: None, old: date, table: str
) -> None:
    call("select ledger.make_months(%s, 3)", old)
    run(f"drop table ledger.{table}")

    assert call("select ledger.make_months(%s, 3)", old) == (0,)


@pytest.mark.parametrize("is_dropped", [False, True])
def test_an_event_of_a_detached_month_is_refused_and_never_doubled(
    detached: None, old: date, table: str, is_dropped: bool
) -> None:
    if is_dropped:
        run(f"drop table ledger.{table}")
    before, day = (account(ME), lots(ME)), old + timedelta(days=9)
    again = [
        ledger.Accrual(ME, ref, day, 100, months_later(old, 2), 0, THIS) for ref in ("a", "new")
    ]

    for batch in (again, again[:1], again[1:]):
        with pytest.raises(DayOutsideBooks):
            ledger.post_many(source=Source.ACCRUAL, accruals=batch)
    with pytest.raises(DayOutsideBooks):
        ledger.spend(
            subscriber_id=ME, source=Source.ORDER, ref="s", day=day, points=20, fingerprint=THIS
        )
    with pytest.raises(DayOutsideBooks):
        ledger.promise_many(
            source=Source.ACCRUAL,
            promises=[ledger.Promise(ME, "p", day, 9, TODAY, 0, THIS, rows("select now()")[0][0])],  # type: ignore[arg-type]
        )

    assert (account(ME), lots(ME)) == before
    assert queries.prove() == []


def test_a_posting_of_a_detached_month_is_not_reversed_and_says_why(
    detached: None, old: date
) -> None:
    before, day = account(ME), old + timedelta(days=9)
    terms: dict[str, Any] = {
        "subscriber_id": ME, "source": Source.STAFF, "ref": "undo", "day": TODAY, "of_day": day,
        "points": None, "fingerprint": THIS,
    }  # fmt: skip

    with pytest.raises(MonthDetached) as refused:
        ledger.reverse(of_source=Source.ACCRUAL, of_ref="a", **terms)
    with pytest.raises(MonthDetached):
        ledger.reverse_transfer(of_source=Source.PARTNER, of_ref="t", **terms)

    assert refused.value.values == {"day": str(day), "key": "a"}
    assert account(ME) == before


# ---- what is not detached


def test_only_the_oldest_month_is_detached(old: date) -> None:
    with pytest.raises(BadPosting, match="only the oldest"):
        detach(months_later(old, 1))
    with pytest.raises(DayOutsideBooks):
        detach(months_later(old, -1))


def test_the_months_that_decide_the_levels_stay(old: date) -> None:
    with pytest.raises(BadPosting, match="the last 13 months stay"):
        ledger.detach_month(month=old, today=months_later(old, 13))


def test_a_month_that_is_not_sealed_stays(old: date) -> None:
    with as_owner("seal"):
        run("delete from ledger.seal")
    files.path_of(SEALED).unlink()
    with pytest.raises(BadPosting, match="not sealed"):
        detach(old)


def test_a_month_that_got_something_after_the_last_seal_stays(old: date) -> None:
    call(ACCRUE, ME, "late", old, 5, TODAY, THIS)
    with pytest.raises(BadPosting, match="after the last seal"):
        detach(old)


def test_a_month_that_the_programme_has_not_counted_stays(old: date) -> None:
    run("delete from ledger.programme_total")
    run("delete from ledger.programme_day")
    with pytest.raises(BadPosting, match="not counted yet"):
        detach(old)


def test_a_month_that_is_not_what_was_sealed_stays(old: date, table: str) -> None:
    with as_owner(table):
        run(f"update ledger.{table} set reason = 'x' where ref = 'a'")
    with pytest.raises(BadPosting, match="1/a/"):
        detach(old)


def test_a_month_with_an_open_promise_stays(old: date) -> None:
    with as_owner(f"posting_{old:%Y%m}"):
        run("update ledger.pending set state = 1, closed_at = null")
    with pytest.raises(BadPosting, match="still promised"):
        detach(old)


def test_detaching_twice_and_an_empty_month_is_nothing_new(detached: None, old: date) -> None:
    assert detach(old) == ledger.Detached(False, False, 0, f"ledger.posting_{old:%Y%m}")
    by_hand = CliRunner().invoke(command, ["detach-month", f"{old:%Y-%m}"])
    bad = CliRunner().invoke(command, ["detach-month", "2026-13"])

    assert (by_hand.exit_code, by_hand.stdout) == (0, "detached before, nothing new\n")
    assert bad.exit_code == 2


def test_somebody_who_reads_the_month_is_waited_for_a_moment_only(
    database_url: str, old: date, table: str
) -> None:
    run("alter function ledger.detach_month set lock_timeout = '50ms'")
    with psycopg.connect(database_url) as reader:
        reader.execute(f"select count(*) from ledger.{table}")
        with pytest.raises(BooksBusy):
            detach(old)
        assert rows("select * from ledger.detached_month") == []
        assert rows("select * from ledger.carried") == []
    assert detach(old).is_fresh
    assert queries.prove() == []


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


def test_the_next_month_can_follow(detached: None, old: date, table: str) -> None:
    second = months_later(old, 1)
    run(f"drop table ledger.{table}")

    assert detach(second).is_fresh

    assert queries.prove() == []
    run(f"drop table ledger.posting_{second:%Y%m}")
    assert queries.prove() == []
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from ledger.detached_month")
        assert cursor.fetchone() == (2,)

"""An old month leaves the journal: balances and proofs go on as before, and nothing of it is ever
posted again."""

from datetime import date, timedelta
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner
from django.db import connection

from club.clock import months_later
from club.ledger import actions as ledger
from club.ledger import history, queries
from club.ledger.cli import command
from club.ledger.errors import BadPosting, BooksBusy, DayOutsideBooks, MonthDetached
from club.ledger.rules import Source
from club.ledger.seals import files
from tests.ledger.months.living import SEALED, TODAY, detach
from tests.ledger.plain import ACCRUE, ME, THIS, account, call, lots, refusal, rows, run
from tests.ledger.sealed import as_owner

pytestmark = pytest.mark.usefixtures("lived")


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


def test_what_everybody_earned_is_read_beside_the_journal_once_a_month_has_left_it(
    lived: None, old: date
) -> None:
    def earned(first: date) -> tuple[bool, Any]:
        relation = queries.earned_by_all(first=first).replace("%(first)s", f"date '{first}'")
        sums = rows(f"select subscriber_id, sum(amount) from ({relation}) e group by 1 order by 1")
        return "every_posting" in relation, sums

    attached = earned(old)
    detach(old)

    assert attached[0] is False
    assert earned(old) == (True, attached[1])
    assert len(attached[1]) == 2
    assert earned(months_later(old, 1))[0] is False, "that month is still in the journal"


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

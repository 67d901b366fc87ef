"""The ledger through its Python door: what callers are promised, errors with their values, reads."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection, transaction

from club.ledger import actions as ledger
from club.ledger import models, queries, tasks
from club.ledger.errors import (
    AlreadyClosed,
    BadCursor,
    BadPosting,
    KeyReused,
    NoSuchHold,
    NoSuchPosting,
    NotEnoughPoints,
)
from club.ledger.history import DayBalance, balance_by_day
from club.ledger.queries import Balance, Lot
from club.ledger.queries.reading import rows
from club.ledger.rules import Kind, Source, fingerprint_of, hold_ref

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
SOON, LATER = date(2026, 12, 31), date(2027, 6, 30)
AZIZA = 77
CONTENT = fingerprint_of("order")
HOLD = UUID(int=5)


def earned(
    ref: str, points: int, *, expires_on: date = SOON, on: date = DAY, who: int = AZIZA
) -> ledger.Accrual:
    return ledger.Accrual(who, ref, on, points, expires_on, 0, fingerprint_of(points))


def aziza_earns(*accruals: ledger.Accrual) -> None:
    posted = ledger.post_many(source=Source.ACCRUAL, accruals=accruals)
    assert posted == ledger.Posted(fresh=len(accruals), replayed=0, conflicts=())


def spend(points: int, *, ref: str = "s", content: bytes = CONTENT) -> ledger.Booked:
    return ledger.spend(
        subscriber_id=AZIZA,
        source=Source.ORDER,
        ref=ref,
        day=DAY,
        points=points,
        fingerprint=content,
    )


def hold(points: int) -> ledger.Booked:
    return ledger.hold(
        subscriber_id=AZIZA,
        hold_id=HOLD,
        day=DAY,
        points=points,
        now=NOW,
        lifetime=timedelta(minutes=15),
        fingerprint=CONTENT,
    )


def take_back(ref: str, of_ref: str, points: int | None = None) -> ledger.Booked:
    return ledger.reverse(
        subscriber_id=AZIZA,
        source=Source.ACCRUAL,
        ref=ref,
        day=DAY,
        of_source=Source.ACCRUAL,
        of_ref=of_ref,
        of_day=DAY,
        points=points,
        fingerprint=CONTENT,
    )


def balance(day: date = DAY) -> Balance:
    return queries.balance(subscriber_id=AZIZA, day=day)


def test_an_order_holds_points_and_pays_only_for_what_arrived() -> None:
    aziza_earns(earned("a", 100), earned("b", 50, expires_on=LATER))

    assert hold(120) == ledger.Booked(is_fresh=True, available_points=30)
    assert balance() == Balance(30, 120, 0, 0, LATER, 30)

    captured = ledger.capture(subscriber_id=AZIZA, hold_id=HOLD, day=DAY, points=90)

    assert captured == ledger.Booked(is_fresh=True, available_points=60)
    assert balance() == Balance(60, 0, 0, 0, SOON, 10)
    assert queries.lots(subscriber_id=AZIZA, day=DAY) == [Lot(SOON, 0, 10), Lot(LATER, 0, 50)]
    assert queries.prove() == []


def test_a_captured_order_is_reversed_by_the_ref_of_its_hold() -> None:
    aziza_earns(earned("a", 100))
    hold(60)
    ledger.capture(subscriber_id=AZIZA, hold_id=HOLD, day=DAY)

    ledger.reverse(
        subscriber_id=AZIZA,
        source=Source.ORDER,
        ref="refund",
        day=DAY,
        of_source=Source.LEDGER,
        of_ref=hold_ref(HOLD),
        of_day=DAY,
        points=None,
        fingerprint=CONTENT,
    )

    assert balance().spendable_points == 100
    assert queries.prove() == []


def test_a_refusal_tells_what_there_is_and_leaves_the_transaction_usable() -> None:
    with transaction.atomic():
        aziza_earns(earned("a", 100))
        with pytest.raises(NotEnoughPoints) as told:
            spend(101)
        assert told.value.values == {"available_points": 100, "asked_points": 101}
        assert spend(100) == ledger.Booked(is_fresh=True, available_points=0)


def test_every_error_has_its_class_and_values() -> None:
    aziza_earns(earned("a", 100))
    spend(10)
    hold(20)

    with pytest.raises(KeyReused) as reused:
        spend(10, content=fingerprint_of("other"))
    assert reused.value.values == {"key": "s"}
    with pytest.raises(BadPosting):
        spend(0, ref="zero")
    with pytest.raises(BadPosting):
        spend(-5, ref="negative")
    with pytest.raises(BadPosting):
        spend(2**63, ref="overflow")
    with pytest.raises(NoSuchPosting):
        take_back("r", "unknown")
    with pytest.raises(BadPosting) as too_much:
        take_back("r", "a", 101)
    assert too_much.value.values == {"left_points": 100, "asked_points": 101}
    with pytest.raises(NoSuchHold):
        ledger.release(subscriber_id=AZIZA, hold_id=UUID(int=404), day=DAY)
    with pytest.raises(BadPosting):
        ledger.capture(subscriber_id=AZIZA, hold_id=HOLD, day=DAY, points=0)
    ledger.release(subscriber_id=AZIZA, hold_id=HOLD, day=DAY)
    with pytest.raises(AlreadyClosed) as closed:
        ledger.capture(subscriber_id=AZIZA, hold_id=HOLD, day=DAY)
    assert closed.value.values == {"hold_id": str(HOLD), "captured_points": 0}
    with pytest.raises(BadPosting):
        ledger.post_many(source=1, accruals=[earned("old", 1, on=date(1999, 1, 1))])
    assert balance().spendable_points == 90


def test_a_hold_lives_at_most_forty_days() -> None:
    aziza_earns(earned("a", 100))
    for lifetime in (timedelta(0), timedelta(days=40, seconds=1)):
        with pytest.raises(BadPosting):
            ledger.hold(
                subscriber_id=AZIZA,
                hold_id=HOLD,
                day=DAY,
                points=1,
                now=NOW,
                lifetime=lifetime,
                fingerprint=CONTENT,
            )
    assert balance().held_points == 0


@pytest.mark.parametrize("count", [1, 2])
def test_one_or_many_are_posted_alike(count: int) -> None:
    batch = [earned(f"a{i}", 10) for i in range(count)]
    other = [earned(f"a{i}", 11) for i in range(count)]
    refs = tuple(a.ref for a in batch)

    assert ledger.post_many(source=1, accruals=batch) == ledger.Posted(count, 0, ())
    assert ledger.post_many(source=1, accruals=batch) == ledger.Posted(0, count, ())
    assert ledger.post_many(source=1, accruals=other) == ledger.Posted(0, 0, refs)
    assert balance().spendable_points == 10 * count


def test_five_thousand_accruals_are_one_call_and_one_more_is_refused() -> None:
    batch = [earned(f"a{i}", 1, who=1_000 + i % 500) for i in range(5_001)]
    with pytest.raises(BadPosting):
        ledger.post_many(source=1, accruals=batch)

    assert ledger.post_many(source=1, accruals=batch[:5_000]) == ledger.Posted(5_000, 0, ())

    assert queries.totals().issued_points == 5_000
    assert queries.prove() == []


def test_a_batch_locks_accounts_it_will_look_at_and_makes_missing_ones() -> None:
    ledger.lock_accounts(subscriber_ids=[9, 3, 9])
    assert set(models.Account.objects.values_list("subscriber_id", flat=True)) == {3, 9}
    assert queries.prove() == []


def test_promised_points_are_pending_until_their_moment() -> None:
    promise = ledger.Promise(
        AZIZA, "p", DAY, 40, LATER, 0, CONTENT, promised_at=NOW + timedelta(days=3)
    )
    assert ledger.promise_many(source=1, promises=[promise]) == ledger.Posted(1, 0, ())
    assert balance() == Balance(0, 0, 40, 0, None, 0)

    assert ledger.keep_promises(now=NOW, limit=10) == 0
    assert ledger.keep_promises(now=NOW + timedelta(days=3), limit=10) == 1

    assert balance() == Balance(40, 0, 0, 0, LATER, 40)
    key = {"subscriber_id": AZIZA, "source": 1, "ref": "p", "occurred_on": DAY}
    assert ledger.withdraw_promise(**key) is False


def test_arrears_are_told_with_the_points_that_repaid_them() -> None:
    aziza_earns(earned("a", 100))
    spend(80)
    take_back("cancelled", "a")
    assert balance() == Balance(0, 0, 0, 80, None, 0)

    aziza_earns(earned("b", 90, expires_on=LATER))

    assert balance() == Balance(10, 0, 0, 0, LATER, 10)
    lines = queries.statement(subscriber_id=AZIZA, limit=10).lines
    told = {line.kind: (line.points, line.lots, line.reverses_ref) for line in lines}
    assert told[Kind.CLAWBACK] == (-100, (Lot(SOON, 0, 20),), "a")
    assert told[Kind.REPAYMENT] == (0, (Lot(LATER, 0, 80),), None)
    assert told[Kind.SPEND] == (-80, (Lot(SOON, 0, 80),), None)


def test_a_statement_pages_through_every_line_once_while_others_write() -> None:
    for day in range(1, 10):
        aziza_earns(*(earned(f"{day}:{i}", 1, on=date(2026, 11, day)) for i in range(3)))

    seen: list[queries.Line] = []
    page = queries.statement(subscriber_id=AZIZA, limit=4)
    while True:
        seen += page.lines
        aziza_earns(earned(f"new:{len(seen)}", 1, on=DAY))  # newer than any page to come
        if page.next is None:
            break
        page = queries.statement(subscriber_id=AZIZA, before=page.next, limit=4)

    assert len(seen) == len({line.id for line in seen}) == 27
    assert [line.occurred_on for line in seen] == sorted(
        (line.occurred_on for line in seen), reverse=True
    )
    assert {line.kind for line in seen} == {Kind.ACCRUAL}


@pytest.mark.parametrize("cursor", ["", "x", "bm90IGpzb24=", "WzFd", "ö"])
def test_a_foreign_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(BadCursor):
        queries.statement(subscriber_id=AZIZA, before=cursor, limit=4)


def test_someone_without_postings_has_nothing_and_that_is_no_error() -> None:
    assert balance() == Balance(0, 0, 0, 0, None, 0)
    assert queries.statement(subscriber_id=AZIZA, limit=4) == queries.Page([], None)


def test_the_chart_has_its_first_and_last_day_and_every_change_between() -> None:
    aziza_earns(earned("a", 100, on=date(2026, 10, 1)), earned("b", 10, on=date(2026, 11, 5)))
    spend(30)

    days = balance_by_day(subscriber_id=AZIZA, since=date(2026, 11, 1), until=date(2026, 11, 30))

    assert days == [
        DayBalance(date(2026, 11, 1), 100),
        DayBalance(date(2026, 11, 5), 110),
        DayBalance(DAY, 80),
        DayBalance(date(2026, 11, 30), 80),
    ]


def test_points_earned_count_without_spending_and_less_what_was_taken_back() -> None:
    aziza_earns(earned("a", 100), earned("b", 40), earned("old", 5, on=date(2026, 9, 1)))
    spend(60)
    take_back("cancelled", "b", 15)

    first = date(2026, 11, 1)
    found = rows(f"select sum(amount) from ({queries.EARNED}) e", {"first": first})

    assert found == [(125,)]


def test_the_orm_reads_the_books() -> None:
    aziza_earns(earned("a", 100))
    posting = models.Posting.objects.get(pk=(AZIZA, DAY, Source.ACCRUAL, "a"))
    assert (posting.points, posting.kind) == (100, Kind.ACCRUAL)
    assert models.Lot.objects.get(subscriber_id=AZIZA).points == 100


def test_a_balance_is_one_statement(django_assert_num_queries: object) -> None:
    aziza_earns(earned("a", 100))
    with django_assert_num_queries(1):  # type: ignore[operator]
        assert balance().spendable_points == 100


def test_the_jobs_do_the_work_of_the_moment_they_were_due() -> None:
    aziza_earns(earned("a", 100), earned("b", 50, expires_on=LATER))
    hold(30)
    promise = ledger.Promise(AZIZA, "p", DAY, 7, LATER, 0, CONTENT, promised_at=NOW)
    ledger.promise_many(source=1, promises=[promise])

    due = int((NOW + timedelta(minutes=15)).timestamp())
    tasks.release_expired_holds(due)
    tasks.keep_promises(due)
    assert balance() == Balance(157, 0, 0, 0, SOON, 100)

    # 20:00 in London on the lot's last day is after midnight in Tashkent.
    tasks.expire_due(int(datetime(2026, 12, 31, 20, tzinfo=UTC).timestamp()))
    assert balance() == Balance(57, 0, 0, 0, LATER, 57)

    tasks.make_months(int(datetime(2040, 1, 1, tzinfo=UTC).timestamp()))
    with connection.cursor() as cursor:
        cursor.execute("select to_regclass('ledger.posting_204102') is not null")
        assert cursor.fetchone() == (True,)
    assert queries.prove() == []

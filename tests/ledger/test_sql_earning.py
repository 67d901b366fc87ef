"""accrue.sql, post_many.sql and promise.sql, called as they are."""

from datetime import UTC, date, datetime, timedelta

import pytest

from tests.ledger.plain import (
    ACCRUE,
    DAY,
    LATER,
    ME,
    POST_MANY,
    SOON,
    THAT,
    THIS,
    YOU,
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
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
PROMISE = (
    "select * from ledger.promise_many(1::smallint, array[%s::bigint], array[%s], array[%s::date],"
    " array[%s::bigint], array[%s::date], array[0], array[%s::bytea], array[%s::timestamptz])"
)


def test_an_accrual_writes_balance_lot_and_journal() -> None:
    assert call(ACCRUE, ME, "a", DAY, 100, SOON, THIS) == (True, False)

    assert account() == (100, 0, 0)
    assert lots() == [(SOON, 100)]
    assert journal() == [(1, 100)]


def test_a_repeated_accrual_changes_nothing() -> None:
    earn(100, ref="a")
    before = rows("select * from ledger.account")

    assert call(ACCRUE, ME, "a", DAY, 100, SOON, THIS) == (False, False)

    assert rows("select * from ledger.account") == before
    assert lots() == [(SOON, 100)]
    assert journal() == [(1, 100)]


def test_a_key_used_with_other_content_is_a_conflict_and_posts_nothing() -> None:
    earn(100, ref="a")

    assert call(ACCRUE, ME, "a", DAY, 70, LATER, THAT) == (False, True)

    assert account() == (100, 0, 0)
    assert lots() == [(SOON, 100)]


@pytest.mark.parametrize("points", [0, -1, 10**12 + 1])
def test_an_accrual_of_nothing_or_of_too_much_is_refused(points: int) -> None:
    assert refusal(ACCRUE, ME, "a", DAY, points, SOON, THIS) == "LG423"
    assert journal() == []


@pytest.mark.parametrize(
    ("ref", "fingerprint"), [("", THIS), ("r" * 201, THIS), ("a", b"15 bytes and no"), ("a", None)]
)
def test_a_key_that_is_too_long_or_stands_for_nothing_is_refused(
    ref: str, fingerprint: bytes | None
) -> None:
    assert refusal(ACCRUE, ME, ref, DAY, 1, SOON, fingerprint) == "LG422"


def test_the_largest_accrual_and_the_longest_key_are_taken() -> None:
    assert call(ACCRUE, ME, "r" * 200, DAY, 10**12, SOON, THIS) == (True, False)


def test_a_day_the_books_have_no_month_for_is_refused() -> None:
    assert refusal(ACCRUE, ME, "a", date(1999, 12, 31), 1, SOON, THIS) == "23514"
    assert journal() == []


def test_a_balance_beyond_bigint_is_refused() -> None:
    earn(1, ref="a")
    run("update ledger.account set posted = 9223372036854775807 where subscriber_id = %s", ME)

    assert refusal(ACCRUE, ME, "b", DAY, 1, SOON, THIS) == "22003"

    assert lots() == [(SOON, 1)]


def test_a_batch_posts_what_is_new_and_tells_replays_from_conflicts() -> None:
    earn(100, ref="a")
    earn(10, ref="b")

    answer = call(
        POST_MANY,
        [YOU, ME, ME, ME, ME],
        ["y", "a", "b", "c", "c"],
        [DAY] * 5,
        [5, 100, 11, 7, 7],
        [SOON, SOON, SOON, LATER, LATER],
        [0] * 5,
        [THIS, THIS, THAT, THIS, THIS],
    )

    assert answer == (2, 2, ["b"])
    assert account() == (117, 0, 0)
    assert account(YOU) == (5, 0, 0)
    assert lots() == [(SOON, 110), (LATER, 7)]
    assert breaches() == []


def test_a_batch_with_one_bad_row_posts_nothing() -> None:
    batch = ([ME, ME], ["a", "b"], [DAY, DAY], [5, 0], [SOON, SOON], [0, 0], [THIS, THIS])
    assert refusal(POST_MANY, *batch) == "LG423"
    assert journal() == []


def test_an_empty_batch_is_harmless() -> None:
    assert call(POST_MANY, [], [], [], [], [], [], []) == (0, 0, [])


def test_a_promise_is_kept_at_its_moment_and_once() -> None:
    assert call(PROMISE, ME, "p", DAY, 40, SOON, THIS, NOON) == (1, 0, [])
    assert call(PROMISE, ME, "p", DAY, 40, SOON, THIS, NOON) == (0, 1, [])
    assert call(PROMISE, ME, "p", DAY, 41, SOON, THAT, NOON) == (0, 0, ["p"])
    assert account() == (0, 0, 0)

    assert call("select ledger.keep_promises(%s, 10)", NOON - timedelta(seconds=1)) == (0,)
    assert call("select ledger.keep_promises(%s, 10)", NOON) == (1,)
    assert call("select ledger.keep_promises(%s, 10)", NOON) == (0,)

    assert account() == (40, 0, 0)
    assert journal() == [(1, 40)]
    assert breaches() == []


def test_a_withdrawn_promise_is_never_kept() -> None:
    withdraw = "select ledger.withdraw_promise(%s, 1::smallint, %s, %s)"
    call(PROMISE, ME, "p", DAY, 40, SOON, THIS, NOON)

    assert call(withdraw, ME, "p", DAY) == (True,)
    assert call(withdraw, ME, "p", DAY) == (True,)

    assert call("select ledger.keep_promises(%s, 10)", NOON) == (0,)
    assert journal() == []
    assert refusal(withdraw, ME, "unknown", DAY) == "LG404"


def test_a_promise_for_a_day_without_a_month_is_refused_now_and_not_when_it_is_kept() -> None:
    assert refusal(PROMISE, ME, "p", date(1999, 1, 1), 40, SOON, THIS, NOON) == "LG424"


def test_a_promise_whose_key_was_posted_meanwhile_is_not_posted_again() -> None:
    call(PROMISE, ME, "same", DAY, 40, SOON, THIS, NOON)
    call(PROMISE, ME, "other", DAY, 40, SOON, THAT, NOON)
    earn(40, ref="same")
    earn(9, ref="other")

    assert call("select ledger.keep_promises(%s, 10)", NOON) == (2,)

    assert account() == (49, 0, 0)
    assert rows("select ref, state from ledger.pending order by ref") == [("other", 3), ("same", 2)]
    assert breaches() == []

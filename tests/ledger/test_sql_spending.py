"""spend.sql, hold.sql, reverse.sql and expire.sql, called as they are."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from tests.ledger.plain import (
    CAPTURE,
    DAY,
    HOLD,
    LATER,
    ME,
    RELEASE,
    REVERSE,
    SOON,
    SPEND,
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
HOLD_ID = UUID(int=7)
UNTIL = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_a_spend_takes_what_expires_first_and_says_so() -> None:
    earn(30, expires_on=LATER, ref="a")
    earn(20, expires_on=SOON, ref="b")

    assert call(SPEND, ME, "s", DAY, 25, THIS) == (True, 25)

    assert lots() == [(LATER, 25)]
    assert rows("select lots from ledger.posting where kind = 2") == [
        ('[["2026-12-31", 0, 20], ["2027-06-30", 0, 5]]',)
    ]
    assert breaches() == []


def test_a_repeated_spend_changes_nothing_even_when_the_points_are_gone() -> None:
    earn(30)
    call(SPEND, ME, "s", DAY, 30, THIS)

    assert call(SPEND, ME, "s", DAY, 30, THIS) == (False, 0)
    assert refusal(SPEND, ME, "s", DAY, 30, THAT) == "LG409"

    assert account() == (0, 0, 0)


def test_more_than_there_is_cannot_be_spent() -> None:
    earn(30)
    assert refusal(SPEND, ME, "s", DAY, 31, THIS) == "LG402"
    assert lots() == [(SOON, 30)]
    assert refusal(SPEND, 999_999, "s", DAY, 1, THIS) == "LG402"


def test_what_expired_cannot_be_spent_though_nobody_swept_it_yet() -> None:
    earn(30)
    earn(5, expires_on=LATER, ref="b")
    assert refusal(SPEND, ME, "s", SOON + timedelta(days=1), 6, THIS) == "LG402"
    assert call(SPEND, ME, "s", SOON, 35, THIS) == (True, 0)


def test_a_hold_takes_the_points_at_once_and_a_capture_spends_them() -> None:
    earn(30)

    assert call(HOLD, ME, HOLD_ID, DAY, 20, UNTIL, THIS) == (True, 10)
    assert call(HOLD, ME, HOLD_ID, DAY, 20, UNTIL, THIS) == (False, 10)
    assert account() == (30, 20, 0)

    assert call(CAPTURE, ME, HOLD_ID, DAY, None) == (True, 10)
    assert call(CAPTURE, ME, HOLD_ID, DAY, None) == (False, 10)

    assert account() == (10, 0, 0)
    assert journal() == [(1, 30), (7, -20)]
    assert breaches() == []


def test_a_partial_capture_gives_the_rest_back_to_its_lots() -> None:
    earn(20, ref="a")
    earn(20, expires_on=LATER, ref="b")
    call(HOLD, ME, HOLD_ID, DAY, 30, UNTIL, THIS)

    assert call(CAPTURE, ME, HOLD_ID, DAY, 5) == (True, 35)

    assert lots() == [(SOON, 15), (LATER, 20)]
    assert breaches() == []


def test_a_closed_hold_is_not_closed_otherwise() -> None:
    earn(30)
    call(HOLD, ME, HOLD_ID, DAY, 20, UNTIL, THIS)
    call(RELEASE, ME, HOLD_ID, DAY)

    assert call(RELEASE, ME, HOLD_ID, DAY) == (False, 30)
    assert refusal(CAPTURE, ME, HOLD_ID, DAY, None) == "LG410"
    assert refusal(CAPTURE, ME, UUID(int=8), DAY, None) == "LG405"
    assert account() == (30, 0, 0)


def test_a_hold_cannot_be_captured_beyond_its_points_nor_placed_beyond_the_balance() -> None:
    earn(30)
    assert refusal(HOLD, ME, HOLD_ID, DAY, 31, UNTIL, THIS) == "LG402"
    call(HOLD, ME, HOLD_ID, DAY, 20, UNTIL, THIS)
    assert refusal(HOLD, ME, HOLD_ID, DAY, 20, UNTIL, THAT) == "LG409"
    assert refusal(CAPTURE, ME, HOLD_ID, DAY, 21) == "LG426"
    assert account() == (30, 20, 0)


def test_the_sweep_releases_a_hold_only_after_its_time() -> None:
    earn(30)
    call(HOLD, ME, HOLD_ID, DAY, 20, UNTIL, THIS)
    sweep = "select ledger.release_expired_holds(%s, %s, 10)"
    extend = "select ledger.extend_hold(%s, %s, %s)"

    assert call(sweep, UNTIL - timedelta(seconds=1), DAY) == (0,)
    assert call(extend, ME, HOLD_ID, UNTIL + timedelta(hours=1)) == (True,)
    assert call(extend, ME, HOLD_ID, UNTIL) == (True,)  # never shortens
    assert call(sweep, UNTIL, DAY) == (0,)
    assert call(sweep, UNTIL + timedelta(hours=1), DAY) == (1,)

    assert call(extend, ME, HOLD_ID, UNTIL + timedelta(hours=2)) == (False,)
    assert account() == (30, 0, 0)


def test_the_sweep_puts_many_holds_of_many_back_and_each_debtor_repays_once() -> None:
    for who in (ME, YOU):
        earn(10, who=who, expires_on=LATER, ref="a")
        earn(20, who=who, ref="b")
        call(HOLD, who, UUID(int=8), DAY, 25, UNTIL, THIS)
        call(HOLD, who, UUID(int=9), DAY, 5, UNTIL, THIS)
    call(REVERSE, ME, "r", DAY, 1, "a", DAY, None, THIS, None)
    assert account(ME) == (20, 30, 10)

    assert call("select ledger.release_expired_holds(%s, %s, 10)", UNTIL, DAY) == (4,)

    assert account(ME) == (20, 0, 0)
    assert lots(ME) == [(SOON, 10), (LATER, 10)]  # the first to expire has repaid
    assert lots(YOU) == [(SOON, 20), (LATER, 10)]
    assert rows("select subscriber_id, lots from ledger.posting where kind = 8") == [
        (ME, f'[["{SOON}", 0, 10]]')
    ]
    assert breaches() == []


def test_a_hold_is_found_by_its_key_even_when_statistics_say_that_nearly_none_is_open() -> None:
    run(
        "insert into ledger.hold (subscriber_id, hold_id, points, state, closed_at, fingerprint, lots)"
        " select n, gen_random_uuid(), 1, 2, now(), %s, '[]' from generate_series(1, 2000) n",
        THIS,
    )
    run("analyze ledger.hold")

    plan = rows(
        "explain update ledger.hold set state = 2"
        " where subscriber_id = %s and hold_id = %s and state = 1",
        ME,
        HOLD_ID,
    )

    assert "using hold_pkey" in str(plan)


def test_a_spend_is_reversed_in_parts_to_the_lots_it_came_from() -> None:
    earn(20, ref="a")
    earn(20, expires_on=LATER, ref="b")
    call(SPEND, ME, "s", DAY, 30, THIS)

    assert call(REVERSE, ME, "r1", DAY, 2, "s", DAY, 5, THIS, None) == (True, 15)
    assert call(REVERSE, ME, "r1", DAY, 2, "s", DAY, 5, THIS, None) == (False, 15)
    assert lots() == [(LATER, 15)]
    assert call(REVERSE, ME, "r2", DAY, 2, "s", DAY, None, THIS, None) == (True, 40)

    assert lots() == [(SOON, 20), (LATER, 20)]
    assert refusal(REVERSE, ME, "r3", DAY, 2, "s", DAY, 1, THIS, None) == "LG426"
    assert breaches() == []


def test_what_expired_meanwhile_comes_back_with_days_of_grace() -> None:
    earn(20)
    call(SPEND, ME, "s", DAY, 20, THIS)
    after, grace = SOON + timedelta(days=5), SOON + timedelta(days=19)

    assert call(REVERSE, ME, "r1", after, 2, "s", DAY, 15, THIS, grace) == (True, 15)
    assert call(REVERSE, ME, "r2", after, 2, "s", DAY, 5, THIS, None) == (True, 15)

    assert lots() == [(grace, 15)]
    assert account() == (15, 0, 0)
    assert breaches() == []


def test_a_clawback_of_spent_points_becomes_arrears_that_later_points_repay() -> None:
    earn(100, ref="a")
    call(SPEND, ME, "s", DAY, 80, THIS)

    assert call(REVERSE, ME, "r", DAY, 1, "a", DAY, None, THIS, None) == (True, 0)
    assert account() == (-80, 0, 80)
    assert refusal(SPEND, ME, "s2", DAY, 1, THIS) == "LG402"

    earn(50, ref="b")
    assert account() == (-30, 0, 30)
    earn(50, ref="c")
    assert account() == (20, 0, 0)
    assert lots() == [(SOON, 20)]
    assert rows("select points, lots from ledger.posting where kind = 8 order by ref") == [
        (0, '[["2026-12-31", 0, 50]]'),
        (0, '[["2026-12-31", 0, 30]]'),
    ]
    assert breaches() == []


def test_a_clawback_takes_its_own_lot_first_and_leaves_a_hold_alone() -> None:
    earn(10, ref="a")
    earn(10, expires_on=LATER, ref="b")
    call(HOLD, ME, HOLD_ID, DAY, 10, UNTIL, THIS)  # has all of the first lot

    assert call(REVERSE, ME, "r", DAY, 1, "b", DAY, 4, THIS, None) == (True, 6)
    assert call(REVERSE, ME, "r2", DAY, 1, "a", DAY, None, THIS, None) == (True, 0)
    assert account() == (6, 10, 4)

    assert call(RELEASE, ME, HOLD_ID, DAY) == (True, 6)
    assert account() == (6, 0, 0)
    assert breaches() == []


def test_a_reversal_needs_an_original_before_it_that_is_no_reversal() -> None:
    earn(10, ref="a")
    call(REVERSE, ME, "r", DAY, 1, "a", DAY, 5, THIS, None)

    assert refusal(REVERSE, ME, "x", DAY, 1, "unknown", DAY, 5, THIS, None) == "LG404"
    assert refusal(REVERSE, ME, "x", DAY, 3, "r", DAY, 5, THIS, None) == "LG425"
    assert refusal(REVERSE, ME, "r", DAY, 1, "a", DAY, 5, THAT, None) == "LG409"
    early = date(2026, 11, 21)
    assert refusal(REVERSE, ME, "x", early, 1, "a", DAY, 5, THIS, None) == "LG422"
    assert account() == (5, 0, 0)


def test_expiry_posts_what_was_left_and_nothing_outlives_its_date() -> None:
    earn(10, ref="a")
    earn(10, ref="b", expires_on=LATER)
    call(HOLD, ME, HOLD_ID, DAY, 4, UNTIL, THIS)
    expire = "select lots from ledger.expire_due(%s, 10)"

    assert call(expire, SOON) == (0,)
    assert call(expire, SOON + timedelta(days=1)) == (1,)
    assert call(expire, SOON + timedelta(days=1)) == (0,)

    assert account() == (14, 4, 0)  # the hold keeps its four
    assert rows("select points, expires_on, fund, lots from ledger.posting where kind = 3") == [
        (-6, SOON, 0, None)  # one bucket, so it stands in columns
    ]
    assert breaches() == []


def test_a_bucket_that_comes_back_expires_again() -> None:
    earn(10, ref="a")
    call(HOLD, ME, HOLD_ID, DAY, 4, UNTIL, THIS)
    day = SOON + timedelta(days=1)
    call("select lots from ledger.expire_due(%s, 10)", day)
    call(RELEASE, ME, HOLD_ID, day)

    assert call("select lots from ledger.expire_due(%s, 10)", day) == (1,)

    assert account() == (0, 0, 0)
    assert breaches() == []

"""Every verb against itself, and those that may meet against each other: real connections, let go
at one moment. Afterwards the figures are exact and the books proven."""

from collections import Counter
from datetime import UTC, datetime
from itertools import cycle, islice
from random import Random
from uuid import UUID

import pytest

from club.ledger import actions as ledger
from tests.ledger.plain import (
    ACCRUE,
    CAPTURE,
    DAY,
    HOLD,
    LATER,
    ME,
    POST_MANY,
    RELEASE,
    REVERSE,
    SOON,
    SPEND,
    THIS,
    YOU,
    account,
    at_once,
    breaches,
    call,
    earn,
    lots,
    rows,
)

pytestmark = pytest.mark.django_db(transaction=True)
CROWD = 20
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOLD_ID = UUID(int=7)


def test_of_twenty_parallel_spends_only_the_affordable_ones_succeed(database_url: str) -> None:
    earn(60, ref="a")
    earn(45, ref="b", expires_on=LATER)

    answers = at_once(database_url, [(SPEND, (ME, f"s{i}", DAY, 10, THIS)) for i in range(CROWD)])

    assert Counter(a if isinstance(a, str) else a[0] for a in answers) == {True: 10, "LG402": 10}
    assert lots() == [(LATER, 5)]
    assert breaches() == []


def test_of_twenty_deliveries_of_one_key_one_counts(database_url: str) -> None:
    one = (ACCRUE, (ME, "a", DAY, 10, SOON, THIS))
    batch = (POST_MANY, ([YOU, ME], ["b", "a"], [DAY] * 2, [5, 10], [SOON] * 2, [0, 0], [THIS] * 2))

    answers = at_once(database_url, list(islice(cycle([one, batch]), CROWD)))

    assert not [answer for answer in answers if isinstance(answer, str)]
    assert sum(int(answer[0]) for answer in answers) == 2  # "a" once, "b" once
    assert account(ME) == (10, 0, 0)
    assert account(YOU) == (5, 0, 0)
    assert breaches() == []


def test_batches_over_the_same_accounts_in_any_order_do_not_deadlock(database_url: str) -> None:
    def batch(i: int) -> tuple[str, tuple[object, ...]]:
        who = list(range(1_000, 1_200))[:: 1 if i % 2 else -1]
        n = len(who)
        refs = [f"{i}:{w}" for w in who]
        return POST_MANY, (who, refs, [DAY] * n, [1] * n, [SOON] * n, [0] * n, [THIS] * n)

    lock = ("select 1 from ledger.lock_accounts(%s::bigint[])", [list(range(1_199, 999, -1))])
    calls = [batch(i) for i in range(8)] + [lock] * 4
    calls += [(SPEND, (1_000 + i, "s", DAY, 1, THIS)) for i in range(8)]

    answers = at_once(database_url, calls)

    assert {answer for answer in answers if isinstance(answer, str)} <= {"LG402"}
    assert rows("select count(*), sum(points)::bigint from ledger.posting where kind = 1") == [
        (1_600, 1_600)
    ]
    assert breaches() == []


@pytest.mark.parametrize("first", range(2_000, 2_500, 50))
def test_whoever_makes_accounts_and_whoever_only_locks_them_do_not_deadlock(
    first: int, database_url: str
) -> None:
    random = Random(first)
    everybody = range(first, first + 200)
    ledger.lock_accounts(subscriber_ids=random.sample(everybody, 100))  # the others are missing
    calls: list[tuple[str, tuple[object, ...]]] = []
    for i in range(CROWD // 2):
        who = random.sample(everybody, 90)
        n = len(who)
        refs = [f"{i}:{w}" for w in who]
        calls += [
            (POST_MANY, (who, refs, [DAY] * n, [1] * n, [SOON] * n, [0] * n, [THIS] * n)),
            ("select 1 from ledger.lock_accounts(%s::bigint[])", (random.sample(everybody, 90),)),
        ]

    answers = at_once(database_url, calls)

    assert {answer for answer in answers if isinstance(answer, str)} == set()
    assert breaches() == []


def test_parallel_holds_never_promise_the_same_points_twice(database_url: str) -> None:
    earn(55)

    answers = at_once(
        database_url,
        [(HOLD, (ME, UUID(int=i // 2), DAY, 10, NOON, THIS)) for i in range(CROWD)],
    )

    kinds = Counter(a if isinstance(a, str) else a[0] for a in answers)
    assert kinds[True] == 5
    assert kinds[False] + kinds["LG402"] == 15
    assert account() == (55, 50, 0)
    assert breaches() == []


def test_a_hold_is_captured_or_released_or_swept_but_ends_once(database_url: str) -> None:
    earn(30)
    call(HOLD, ME, HOLD_ID, DAY, 20, NOON, THIS)
    sweep = ("select ledger.release_expired_holds(%s, %s, 10)", (NOON, DAY))
    ways = [(CAPTURE, (ME, HOLD_ID, DAY, None)), (RELEASE, (ME, HOLD_ID, DAY)), sweep]

    answers = at_once(database_url, list(islice(cycle(ways), CROWD)))

    assert {answer for answer in answers if isinstance(answer, str)} <= {"LG410"}
    assert account() in [(10, 0, 0), (30, 0, 0)]
    assert len(rows("select from ledger.posting where kind = 7")) == int(account() == (10, 0, 0))
    assert breaches() == []


def test_parallel_reversals_give_back_no_more_than_was_spent(database_url: str) -> None:
    earn(100)
    call(SPEND, ME, "s", DAY, 100, THIS)

    answers = at_once(
        database_url,
        [(REVERSE, (ME, f"r{i}", DAY, 2, "s", DAY, 30, THIS, None)) for i in range(CROWD)],
    )

    assert Counter(a if isinstance(a, str) else a[0] for a in answers) == {True: 3, "LG426": 17}
    assert account() == (90, 0, 0)
    assert breaches() == []


def test_clawbacks_spends_and_accruals_may_meet_in_any_order(database_url: str) -> None:
    for i in range(5):
        earn(10, ref=f"a{i}")
    calls: list[tuple[str, tuple[object, ...]]] = []
    for i in range(5):
        calls.append((REVERSE, (ME, f"r{i}", DAY, 1, f"a{i}", DAY, None, THIS, None)))
        calls.append((SPEND, (ME, f"s{i}", DAY, 10, THIS)))
        calls.append((ACCRUE, (ME, f"b{i}", DAY, 3, LATER, THIS)))

    answers = at_once(database_url, calls)

    assert {answer for answer in answers if isinstance(answer, str)} <= {"LG402"}
    ((posted,),) = rows("select sum(points)::bigint from ledger.posting")
    assert account()[0] == posted
    assert breaches() == []


def test_expiry_runs_meet_each_other_and_spends(database_url: str) -> None:
    after = LATER
    for who in range(1_000, 1_040):
        earn(10, who=who)
        earn(10, who=who, expires_on=after, ref="good")
    expire = ("select lots from ledger.expire_due(%s, 1000)", [after])
    spends = [(SPEND, (who, "s", after, 10, THIS)) for who in range(1_000, 1_008)]

    answers = at_once(database_url, [*([expire] * 8), *spends])

    assert sum(int(a[0]) for a in answers[:8]) == 40
    assert all(answer == (True, 0) for answer in answers[8:])
    assert rows("select sum(points)::bigint from ledger.posting where kind = 3") == [(-400,)]
    assert breaches() == []


def test_a_promise_is_kept_or_withdrawn_but_never_both(database_url: str) -> None:
    promise = (
        "select * from ledger.promise_many(1::smallint, %s::bigint[], %s::text[], %s::date[],"
        " %s::bigint[], %s::date[], %s::integer[], %s::bytea[], %s::timestamptz[])"
    )
    refs = [f"p{i}" for i in range(6)]
    batch = ([ME] * 6, refs, [DAY] * 6, [7] * 6, [SOON] * 6, [0] * 6, [THIS] * 6, [NOON] * 6)
    assert {str(a) for a in at_once(database_url, [(promise, batch)] * 4)} == {
        "(6, 0, [])",
        "(0, 6, [])",
    }

    keep = ("select ledger.keep_promises(%s, 3)", (NOON,))
    withdraw = "select ledger.withdraw_promise(%s, 1::smallint, %s, %s)"
    answers = at_once(database_url, [*([keep] * 6), *((withdraw, (ME, ref, DAY)) for ref in refs)])

    assert not [answer for answer in answers if isinstance(answer, str)]
    withdrawn = sum(bool(answer[0]) for answer in answers[6:])
    call("select ledger.keep_promises(%s, 100)", NOON)
    assert account() == (7 * (6 - withdrawn), 0, 0)
    assert breaches() == []


def test_months_are_made_once_by_whoever_comes_first(database_url: str) -> None:
    make = ("select ledger.make_months('2041-01-01', 6)", ())

    answers = at_once(database_url, [make] * 6)

    assert sorted(answers) == [(0,)] * 5 + [(6,)]

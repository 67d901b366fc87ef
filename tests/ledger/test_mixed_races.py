"""Verbs of different rooms that meet at one moment, round after round: no deadlock, no double, and what
each said is what the books say. `make test-all` plays more rounds."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime
from itertools import cycle, islice
from uuid import UUID

import pytest

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
    TRANSFER,
    YOU,
    Row,
    account,
    at_once,
    breaches,
    call,
    earn,
    rows,
)
from tests.missing import tries

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = tries(5, quick=1)
CROWD = 20
DEADLOCK = "40P01"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
GIVE = "select * from ledger.goodwill(%s, 3::smallint, %s, %s, %s::bigint, 'gifts', %s, %s, 'anna')"
MERGE = "select * from ledger.merge(%s, %s, true, 3::smallint, %s, %s, %s, null)"
EXTEND = "select * from ledger.extend_many(3::smallint, %s, %s, %s, %s, null, 'staff', 'anna', 5)"
EXPIRE, IDLE = (
    "select * from ledger.expire_due(%s, 5)",
    "select * from ledger.expire_inactive(%s, %s, null, 5)",
)
PROMISE = (
    "select * from ledger.promise_many(1::smallint, %s::bigint[], %s::text[], %s::date[],"
    " %s::bigint[], %s::date[], %s::integer[], %s::bytea[], %s::timestamptz[])"
)
KEEP, WITHDRAW = (
    "select ledger.keep_promises(%s, 3)",
    "select ledger.withdraw_promise(%s, 1::smallint, %s, %s)",
)
FOLLOW = "select ledger.follow_successors(%s, 5)"

Call = tuple[str, Sequence[object]]


def race(url: str, calls: Sequence[Call]) -> list[Row | str]:
    """All at one moment. Whatever else came of it, nobody stood in each other's way for ever."""
    answers = at_once(url, calls)
    assert DEADLOCK not in answers
    assert breaches() == []
    return answers


def codes(answers: Sequence[Row | str]) -> set[str]:
    return {answer for answer in answers if isinstance(answer, str)}


def fresh(answers: Sequence[Row | str]) -> int:
    return sum(not isinstance(answer, str) and answer[0] is True for answer in answers)


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_a_to_b_and_b_to_a_never_deadlock_and_lose_nothing(round_: int, database_url: str) -> None:
    people = [ME, YOU, 950, 903]
    for who in people:
        earn(100, who=who, expires_on=(SOON, LATER)[who % 2])
    pairs = [(a, b) for a in people for b in people if a != b]

    answers = race(
        database_url,
        [(TRANSFER, (a, b, f"t{i}", DAY, 5 + round_, THIS)) for i, (a, b) in enumerate(pairs * 2)],
    )

    assert codes(answers) <= {"LG402"}
    assert fresh(answers) >= len(pairs)
    assert sum(int(account(who)[0]) for who in people) == 400


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_twenty_spends_of_one_balance_and_each_key_twice(round_: int, database_url: str) -> None:
    earn(60)
    earn(45, ref="b", expires_on=LATER)

    calls = [(SPEND, (ME, f"s{i}", DAY, 10, THIS)) for i in range(CROWD)]
    answers = race(database_url, [*calls, *calls])

    assert fresh(answers) == 10
    assert codes(answers) == {"LG402"}
    assert account() == (5, 0, 0)


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_a_hold_is_captured_released_or_swept_while_its_owner_spends_and_is_merged(
    round_: int, database_url: str
) -> None:
    earn(100)
    earn(1, who=YOU)
    holds = [UUID(int=n) for n in range(4)]
    for hold_id in holds:
        call(HOLD, ME, hold_id, DAY, 20, NOON, THIS)
    sweep = ("select ledger.release_expired_holds(%s, %s, 2)", (NOON, DAY))
    calls: list[Call] = [
        one
        for n, hold_id in enumerate(holds)
        for one in (
            (CAPTURE, (ME, hold_id, DAY, 10 + n)), (RELEASE, (ME, hold_id, DAY)), sweep,
            (SPEND, (ME, f"s{n}", DAY, 10, THIS)),
        )
    ]  # fmt: skip
    calls += [(MERGE, (ME, YOU, "m", DAY, THIS))] * 3 + [(FOLLOW, (DAY,))] * 2

    answers = race(database_url, calls)

    assert codes(answers) <= {"LG402", "LG410"}
    call(FOLLOW, DAY)
    spent = sum(
        -int(str(n)) for (n,) in rows("select points from ledger.posting where kind in (2, 7)")
    )
    ended = Counter(state for (state,) in rows("select state from ledger.hold"))
    assert ended[2] + ended[3] == 4
    assert account(ME) == (0, 0, 0)
    assert account(YOU) == (101 - spent, 0, 0)


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_clawbacks_meet_spends_expiry_and_a_merge(round_: int, database_url: str) -> None:
    for i in range(6):
        earn(10, ref=f"a{i}", expires_on=SOON if i % 2 else LATER)
    earn(5, who=YOU)
    calls: list[Call] = []
    for i in range(6):
        calls.append((REVERSE, (ME, f"r{i}", LATER, 1, f"a{i}", DAY, None, THIS, None)))
        calls.append((SPEND, (ME, f"s{i}", LATER, 10, THIS)))
    calls += [(EXPIRE, (LATER,))] * 3 + [(MERGE, (ME, YOU, "m", LATER, THIS))] * 2
    calls += [(FOLLOW, (LATER,))] * 2

    answers = race(database_url, calls)

    assert codes(answers) <= {"LG402"}
    assert sum(a[0] is True for a in answers[:12:2] if not isinstance(a, str)) == 6
    call(FOLLOW, LATER)
    assert account(ME)[0] == 0
    ((posted,),) = rows("select sum(posted)::bigint from ledger.account")
    ((journal,),) = rows("select sum(points)::bigint from ledger.posting")
    assert posted == journal


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_a_budget_gives_a_crowd_no_more_than_it_has(round_: int, database_url: str) -> None:
    call("select 1 from ledger.make_budget('gifts', 0, 105, %s, %s)", DAY, SOON)
    for who in range(1_000, 1_010):
        earn(10, who=who)

    calls: list[Call] = [
        (GIVE, (1_000 + i % 10, f"g{i // 2}", DAY, 10, SOON, THIS)) for i in range(24)
    ]
    calls += [(SPEND, (1_000 + i, "s", DAY, 5, THIS)) for i in range(10)]
    answers = race(database_url, calls)

    assert codes(answers) <= {"LG413"}
    given = fresh(answers[:24])
    assert given == 10
    assert rows("select spent from ledger.budget") == [(100,)]


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_a_promise_is_kept_withdrawn_or_moved_and_ends_once(round_: int, database_url: str) -> None:
    earn(1, who=YOU)
    refs = [f"p{i}" for i in range(6)]
    n = len(refs)
    call(PROMISE, [ME] * n, refs, [DAY] * n, [7] * n, [SOON] * n, [0] * n, [THIS] * n, [NOON] * n)
    calls: list[Call] = [(KEEP, (NOON,))] * 5 + [(MERGE, (ME, YOU, "m", DAY, THIS))] * 2
    calls += [(WITHDRAW, (ME, ref, DAY)) for ref in refs] + [(FOLLOW, (DAY,))] * 2

    answers = race(database_url, calls)

    assert codes(answers) == set()
    withdrawn = sum(bool(answer[0]) for answer in answers[7:13])
    call("select ledger.keep_promises(%s, 100)", NOON)
    call(FOLLOW, DAY)
    assert account(YOU) == (1 + 7 * (n - withdrawn), 0, 0)
    assert account(ME)[0] == 0


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_batches_with_the_same_keys_in_other_orders_post_each_once(
    round_: int, database_url: str
) -> None:
    people, size = list(range(1_000, 1_030)), 60

    def batch(i: int) -> Call:
        keys = [(people[n % 30], f"k{n}") for n in range(size)]
        keys = keys[i * 7 % size :] + keys[: i * 7 % size]
        who, refs = zip(*keys[:: 1 if i % 2 else -1], strict=True)
        columns = ([*who], [*refs], [DAY] * size, [2] * size, [SOON] * size, [0] * size)
        return POST_MANY, (*columns, [THIS] * size)

    singles = [(ACCRUE, (people[n % 30], f"k{n}", DAY, 2, SOON, THIS)) for n in range(8)]
    answers = race(database_url, [*(batch(i) for i in range(8)), *singles])

    assert codes(answers) == set()
    assert sum(int(answer[0]) for answer in answers) == size
    assert rows("select count(*), sum(points)::bigint from ledger.posting") == [(size, 2 * size)]


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_sweeps_over_all_accounts_meet_spends_and_each_other(
    round_: int, database_url: str
) -> None:
    long_ago, after = date(2025, 6, 1), LATER
    for who in range(1_000, 1_012):
        earn(10, who=who)
        earn(10, who=who, expires_on=date(2027, 12, 31), ref="good")
    for who in range(1_020, 1_026):
        call(ACCRUE, who, "old", long_ago, 10, date(2027, 12, 31), THIS)
    sweeps: list[Call] = [
        (EXPIRE, (after,)), (IDLE, (after, date(2026, 1, 1))),
        (EXTEND, ("x", after, date(2027, 12, 31), date(2028, 6, 30))),
    ]  # fmt: skip
    spends = [(SPEND, (who, "s", after, 6, THIS)) for who in (*range(1_000, 1_012), 1_020, 1_021)]

    answers = race(database_url, [*islice(cycle(sweeps), 12), *spends])

    assert codes(answers) <= {"LG402"}
    assert fresh(answers[12:24]) == 12
    ((journal,),) = rows("select sum(points)::bigint from ledger.posting")
    ((lots,),) = rows("select sum(points)::bigint from ledger.lot")
    assert journal == lots

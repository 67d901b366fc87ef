"""People who send points to each other at one moment: no deadlock, and nothing made or lost."""

from collections import Counter

import pytest

from tests.ledger.plain import (
    ACCRUE,
    DAY,
    LATER,
    ME,
    SOON,
    SPEND,
    THIS,
    TRANSFER,
    YOU,
    account,
    at_once,
    breaches,
    call,
    earn,
    rows,
)

pytestmark = pytest.mark.django_db(transaction=True)
CROWD = 20


def test_twenty_transfers_to_and_fro_do_not_deadlock(database_url: str) -> None:
    earn(100)
    earn(100, who=YOU, expires_on=LATER)
    pairs = [(ME, YOU) if i % 2 else (YOU, ME) for i in range(CROWD)]

    answers = at_once(
        database_url,
        [(TRANSFER, (a, b, f"t{i}", DAY, 10 + i, THIS)) for i, (a, b) in enumerate(pairs)],
    )

    assert {answer for answer in answers if isinstance(answer, str)} <= {"LG402"}
    assert account(ME)[0] + account(YOU)[0] == 200
    assert breaches() == []


def test_of_twenty_gifts_from_one_balance_only_the_affordable_ones_are_given(
    database_url: str,
) -> None:
    earn(60)
    earn(45, ref="b", expires_on=LATER)

    answers = at_once(
        database_url,
        [(TRANSFER, (ME, 1_000 + i, f"g{i}", DAY, 10, THIS)) for i in range(CROWD)],
    )

    assert Counter(a if isinstance(a, str) else a[0] for a in answers) == {True: 10, "LG402": 10}
    assert account(ME) == (5, 0, 0)
    assert rows("select sum(posted)::bigint from ledger.account where subscriber_id >= 1000") == [
        (100,)
    ]
    assert breaches() == []


def test_of_twenty_deliveries_of_one_transfer_one_counts(database_url: str) -> None:
    earn(1_000)

    answers = at_once(database_url, [(TRANSFER, (ME, YOU, "t", DAY, 10, THIS))] * CROWD)

    assert Counter(answer[0] for answer in answers) == {True: 1, False: 19}
    assert (account(ME)[0], account(YOU)[0]) == (990, 10)
    assert breaches() == []


def test_a_ring_of_transfers_meets_spends_and_reversals(database_url: str) -> None:
    ring = [903, 901, 904, 902]
    for who in ring:
        earn(50, who=who, expires_on=SOON)
    calls: list[tuple[str, tuple[object, ...]]] = [
        (TRANSFER, (ring[i % 4], ring[(i + 1) % 4], f"t{i}", DAY, 10, THIS)) for i in range(12)
    ]
    calls += [(SPEND, (who, "s", DAY, 20, THIS)) for who in ring]
    back = (
        "select * from ledger.reverse_transfer(%s, 3::smallint, 'b', %s, 4::smallint, %s, %s, 4,"
        " false, true, %s, null, null)"
    )
    calls += [(back, (ring[i], DAY, f"t{i}", DAY, THIS)) for i in range(4)]

    answers = at_once(database_url, calls)

    assert {answer for answer in answers if isinstance(answer, str)} <= {"LG402", "LG404"}
    spent = sum(answer[0] is True for answer in answers[12:16])
    assert sum(int(account(who)[0]) for who in ring) == 200 - 20 * spent
    assert breaches() == []


PAY = (
    "select * from ledger.pay_into_pot(%s, %s, 4::smallint, %s, %s, '2026-11-22 12:00+00', %s, 0,"
    " null, null, null, null, 0, %s)"
)
BUY = (
    "select * from ledger.spend_from_pot("
    "%s, %s, 2::smallint, %s, %s, '2026-11-22 12:00+00', %s, %s)"
)
JOIN = "select ledger.join_pot(%s, %s, '2026-11-22 12:00+00')"
LEAVE = "select * from ledger.leave_pot(%s, %s, %s, %s)"
INVITE = (
    "select 1 from ledger.invite_to_pot(%s, %s, %s, true, '2026-11-22 12:00+00',"
    " '2026-11-30 12:00+00', 10)"
)
POT, OTHER_POT = -1, -2
FAMILY = [904, 901, 903, 902]


def families_pot(pot: int = POT, owner: int = FAMILY[0], *, paid: int = 0) -> None:
    call("select ledger.open_pot(%s, %s, 2::smallint)", pot, owner)
    for who in FAMILY:
        if who != owner:
            call(INVITE, pot, owner, who)
            if pot == POT:
                call(JOIN, pot, who)
        if pot == POT:
            earn(100, who=who)
            if paid:
                call(PAY, pot, who, "first", DAY, paid, THIS)


def all_of_the_family() -> int:
    return sum(int(account(who)[0]) for who in (*FAMILY, POT))


def test_a_family_pays_in_buys_and_leaves_at_one_moment(database_url: str) -> None:
    families_pot(paid=20)
    calls: list[tuple[str, tuple[object, ...]]] = []
    for i, who in enumerate(FAMILY):
        calls += [(PAY, (POT, who, f"p{i}{n}", DAY, 10, THIS)) for n in range(2)]
        calls += [(BUY, (POT, who, f"b{i}{n}", DAY, 15, THIS)) for n in range(2)]
    calls += [(LEAVE, (POT, who, who, DAY)) for who in FAMILY[1:3]]
    calls += [(TRANSFER, (FAMILY[3], FAMILY[0], "t", DAY, 5, THIS))]

    answers = at_once(database_url, calls)

    assert {answer for answer in answers if isinstance(answer, str)} <= {"LG402", "LG412"}
    bought = sum(
        15 for (sql, _), answer in zip(calls, answers, strict=True)
        if sql == BUY and not isinstance(answer, str)
    )  # fmt: skip
    assert all_of_the_family() == 400 - bought
    assert breaches() == []


def test_a_pot_is_closed_once_while_all_pay_in_leave_and_send(database_url: str) -> None:
    families_pot(paid=50)
    owner = FAMILY[0]
    calls: list[tuple[str, tuple[object, ...]]] = [(LEAVE, (POT, owner, owner, DAY))] * 4
    calls += [("select ledger.close_pot(%s, %s, %s)", (POT, owner, DAY))] * 2
    calls += [(LEAVE, (POT, who, owner, DAY)) for who in FAMILY[1:]]
    calls += [(PAY, (POT, who, "more", DAY, 10, THIS)) for who in FAMILY]
    ring = zip(FAMILY, [*FAMILY[1:], FAMILY[0]], strict=True)
    calls += [(TRANSFER, (a, b, f"t{a}", DAY, 10, THIS)) for a, b in ring]

    answers = at_once(database_url, calls)

    assert {a for a in answers if isinstance(a, str)} <= {"LG402", "LG407", "LG412"}
    assert sum(answer[0] is True for answer in answers[:6]) == 1
    assert (account(POT)[0], all_of_the_family()) == (0, 400)
    assert breaches() == []


def test_whoever_is_invited_by_two_families_sits_in_one_pot(database_url: str) -> None:
    call("select ledger.open_pot(%s, %s, 2::smallint)", POT, ME)
    call("select ledger.open_pot(%s, %s, 2::smallint)", OTHER_POT, YOU)
    call(INVITE, POT, ME, 950)
    call(INVITE, OTHER_POT, YOU, 950)

    answers = at_once(database_url, [(JOIN, (pot, 950)) for pot in (POT, OTHER_POT) * 8])

    assert Counter(a if isinstance(a, str) else a[0] for a in answers) == {
        True: 1,
        False: 7,
        "LG420": 8,
    }


def test_a_merge_meets_spends_transfers_accruals_and_its_own_repetition(database_url: str) -> None:
    merge = "select * from ledger.merge(%s, %s, true, 3::smallint, %s, %s, %s, null)"
    follow = ("select ledger.follow_successors(%s, 10)", (DAY,))
    earn(100)
    earn(50, who=YOU)
    calls: list[tuple[str, tuple[object, ...]]] = [(merge, (YOU, ME, "m", DAY, THIS))] * 5
    calls += [(TRANSFER, (ME, YOU, f"t{i}", DAY, 10, THIS)) for i in range(4)]
    calls += [(SPEND, (YOU, f"s{i}", DAY, 20, THIS)) for i in range(3)]
    calls += [(ACCRUE, (YOU, f"a{i}", DAY, 5, SOON, THIS)) for i in range(4)]
    calls += [follow] * 4

    answers = at_once(database_url, calls)

    assert {answer for answer in answers if isinstance(answer, str)} <= {"LG402"}
    assert sum(answer[0] is True for answer in answers[:5]) == 1
    call(follow[0], DAY)
    spent = 20 * sum(answer[0] is True for answer in answers[9:12])
    assert (account(YOU)[0], account(ME)[0]) == (0, 170 - spent)
    assert breaches() == []

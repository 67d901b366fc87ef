"""People who send points to each other at one moment: no deadlock, and nothing made or lost."""

from collections import Counter

import pytest

from tests.ledger.plain import (
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
        " false, true, %s, null, null, null)"
    )
    calls += [(back, (ring[i], DAY, f"t{i}", DAY, THIS)) for i in range(4)]

    answers = at_once(database_url, calls)

    assert {answer for answer in answers if isinstance(answer, str)} <= {"LG402", "LG404"}
    spent = sum(answer[0] is True for answer in answers[12:16])
    assert sum(int(account(who)[0]) for who in ring) == 200 - 20 * spent
    assert breaches() == []

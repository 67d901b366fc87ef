"""Points that were about to expire, and live longer."""

from datetime import date, timedelta
from typing import Any

import pytest

from club.ledger import actions as ledger
from club.ledger import queries
from club.ledger.errors import BadPosting, KeyReused
from club.ledger.queries import Lot
from club.ledger.rules import Kind, Source, fingerprint_of
from tests.ledger.desk import (
    AZIZA,
    CONTENT,
    DAY,
    LATER,
    SOON,
    balance,
    earns,
    history,
    lines,
    lots,
    refunds,
    spends,
    takes_back,
    told,
)

pytestmark = pytest.mark.django_db
MARCH = date(2027, 3, 31)


def extends(*, ref: str = "x", who: int = AZIZA, **changes: Any) -> ledger.Extended:
    terms: dict[str, Any] = {
        "source": Source.STAFF,
        "day": DAY,
        "ending_from": DAY,
        "ending_until": SOON,
        "to": MARCH,
        "reason": "holidays",
        "actor": "dilnoza",
        "fingerprint": CONTENT,
    }
    return ledger.extend(subscriber_id=who, ref=ref, **(terms | changes))


def extends_all(**changes: Any) -> list[int]:
    """The owners of each chunk, until there is none left."""
    terms: dict[str, Any] = {
        "source": Source.STAFF,
        "ref": "holidays",
        "day": DAY,
        "ending_on": SOON,
        "to": MARCH,
        "reason": "holidays",
        "actor": "dilnoza",
        "limit": 2,
    }
    chunks = []
    while (swept := ledger.extend_many(**(terms | changes))).taken:
        chunks.append(swept.taken)
    return chunks


def test_what_is_about_to_expire_is_moved_to_a_later_day_and_the_statement_says_so() -> None:
    earns("a", 30)
    earns("b", 20, fund=3)
    earns("c", 10, expires_on=LATER)

    assert extends() == ledger.Extended(is_fresh=True, extended_points=50)
    assert extends() == ledger.Extended(is_fresh=False, extended_points=50)

    assert lots() == [Lot(MARCH, 0, 30), Lot(MARCH, 3, 20), Lot(LATER, 0, 10)]
    assert lines(Kind.EXTENSION) == [(0, (Lot(SOON, 0, 30), Lot(SOON, 3, 20)))]
    assert told(Kind.EXTENSION) == [(0, "holidays", "dilnoza")]
    assert {line.expires_on for line in history() if line.kind is Kind.EXTENSION} == {MARCH}
    ledger.expire_due(day=SOON + timedelta(days=1), limit=10)
    assert balance(SOON + timedelta(days=1)).spendable_points == 60
    assert queries.prove() == []


def test_only_one_funds_points_are_moved_where_it_is_named() -> None:
    earns("a", 30)
    earns("b", 20, fund=3)
    earns("c", 5, expires_on=MARCH, fund=3)

    assert extends(fund=3).extended_points == 20

    assert lots() == [Lot(SOON, 0, 30), Lot(MARCH, 3, 25)]
    assert queries.prove() == []


def test_what_expired_already_is_not_brought_back() -> None:
    earns("a", 30, expires_on=DAY)
    earns("b", 20)

    assert extends(day=DAY + timedelta(days=1)).extended_points == 20

    assert lots() == [Lot(DAY, 0, 30), Lot(MARCH, 0, 20)]
    assert queries.prove() == []


def test_where_there_is_nothing_to_extend_the_key_stays_free() -> None:
    earns("c", 10, expires_on=LATER)
    assert extends() == ledger.Extended(is_fresh=False, extended_points=0)
    earns("a", 30)
    assert extends() == ledger.Extended(is_fresh=True, extended_points=30)
    assert queries.prove() == []


def test_a_spend_before_and_a_refund_after_keep_their_old_day_and_a_clawback_finds_the_points() -> (
    None
):
    earns("a", 30)
    spends(10)
    extends()
    refunds("r")
    takes_back("c", "a", 25)

    assert lots() == [Lot(MARCH, 0, 5)]
    assert balance().arrears_points == 0
    assert queries.prove() == []


@pytest.mark.parametrize(
    "changes",
    [
        {"to": SOON},
        {"to": DAY},
        {"ending_from": SOON, "ending_until": DAY},
        {"ending_from": date(2026, 1, 1), "ending_until": DAY - timedelta(days=1)},
        {"ref": ""},
    ],
)
def test_a_bad_extension_is_refused(changes: dict[str, Any]) -> None:
    earns("a", 30)
    with pytest.raises(BadPosting) as refused:
        extends(**changes)
    assert refused.value.code == "bad_posting"
    assert lots() == [Lot(SOON, 0, 30)]


def test_an_extension_is_not_repeated_with_other_content() -> None:
    earns("a", 30)
    extends()
    with pytest.raises(KeyReused):
        extends(fingerprint=fingerprint_of("other"))


def test_all_lots_of_a_day_are_extended_in_chunks_and_what_comes_later_by_the_next_run() -> None:
    for who in range(1, 6):
        earns("a", 10 * who, who=who)
        earns("b", 1, who=who, fund=3)
        earns("c", 5, who=who, expires_on=LATER)
    spends(10, who=1)

    assert sum(extends_all()) == 5
    assert extends_all() == []
    earns("late", 7, who=2)
    assert extends_all() == [1]

    assert lots(who=1) == [Lot(MARCH, 3, 1), Lot(LATER, 0, 5)]
    assert lots(who=2) == [Lot(MARCH, 0, 27), Lot(MARCH, 3, 1), Lot(LATER, 0, 5)]
    assert lines(Kind.EXTENSION, who=3) == [(0, (Lot(SOON, 0, 30), Lot(SOON, 3, 1)))]
    assert queries.prove() == []


def test_all_lots_of_one_fund_and_day_are_extended() -> None:
    earns("a", 10)
    earns("b", 5, fund=3)

    assert extends_all(fund=3) == [1]

    assert lots() == [Lot(SOON, 0, 10), Lot(MARCH, 3, 5)]
    assert queries.prove() == []


@pytest.mark.parametrize(
    "changes", [{"to": SOON}, {"ending_on": DAY - timedelta(days=1)}, {"ref": "x" * 151}]
)
def test_a_bad_extension_of_all_is_refused(changes: dict[str, Any]) -> None:
    earns("a", 30)
    with pytest.raises(BadPosting):
        extends_all(**changes)
    assert lots() == [Lot(SOON, 0, 30)]

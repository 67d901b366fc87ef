"""Transfers and gifts between people: what moves, what it costs, and to whom it may go."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from club.ledger import actions as ledger
from club.ledger import queries
from club.ledger.errors import (
    BadAmount,
    BadPosting,
    DayOutsideBooks,
    KeyReused,
    LedgerError,
    NotEnoughPoints,
)
from club.ledger.queries import Lot
from club.ledger.rules import Kind, TransferPolicy
from tests.ledger.people import (
    DAY,
    LATER,
    NOW,
    SOON,
    arrears,
    earns,
    journal_rows,
    lines,
    lots,
    owes,
    pays_in,
    points,
    pot_of,
    sends,
    somebody,
    takes_back,
)

pytestmark = pytest.mark.django_db


def test_a_gift_moves_with_its_dates_and_funds_and_both_see_it() -> None:
    aziza, bek = somebody(), somebody()
    earns(aziza, 50, expires_on=LATER)
    earns(aziza, 60, expires_on=SOON, fund=7)

    sent = sends(aziza, bek, 80, reason="gift", ref="g")

    assert sent == ledger.Booked(is_fresh=True, available_points=30)
    assert lots(bek) == [(SOON, 7, 60), (LATER, 0, 20)]
    out, come = lines(aziza)[0], lines(bek)[0]
    assert (out.kind, out.points, out.counterparty_id) == (Kind.TRANSFER_OUT, -80, bek)
    assert (come.kind, come.points, come.counterparty_id) == (Kind.TRANSFER_IN, 80, aziza)
    assert out.lots == come.lots == (Lot(SOON, 7, 60), Lot(LATER, 0, 20))
    assert out.reason == come.reason == "gift"
    assert queries.prove() == []


def test_a_transfer_repeated_moves_once_and_with_other_content_not_at_all() -> None:
    aziza, bek, charos = somebody(), somebody(), somebody()
    earns(aziza, 100)
    earns(charos, 100)
    sends(aziza, bek, 40, ref="t")

    assert sends(aziza, bek, 40, ref="t") == ledger.Booked(is_fresh=False, available_points=60)
    with pytest.raises(KeyReused):
        sends(aziza, bek, 41, ref="t")
    sends(charos, bek, 40, ref="t")  # names of one's own: another sender may use the same

    assert [points(who) for who in (aziza, bek, charos)] == [60, 80, 60]
    assert queries.prove() == []


def test_a_repeated_transfer_is_answered_even_when_it_could_not_be_made_any_more() -> None:
    aziza, bek = somebody(), somebody()
    earns(aziza, 100)
    sends(aziza, bek, 100, ref="t")
    ledger.freeze(subscriber_id=aziza, until=NOW + timedelta(days=1), reason="sim_swap")

    assert sends(aziza, bek, 100, ref="t").is_fresh is False


def test_the_fee_is_on_top_and_rounded_up() -> None:
    aziza, bek = somebody(), somebody()
    earns(aziza, 100)
    policy = TransferPolicy(fee_fixed_points=3, fee_basis_points=250)

    sent = sends(aziza, bek, 50, policy=policy, ref="t")

    assert sent.available_points == 100 - 50 - 3 - 2
    assert points(bek) == 50
    assert {line.kind: line.points for line in lines(aziza)} == {
        Kind.ACCRUAL: 100,
        Kind.TRANSFER_OUT: -50,
        Kind.FEE: -5,
    }
    with pytest.raises(NotEnoughPoints) as short:
        sends(aziza, bek, 43, policy=policy)
    assert short.value.values == {"available_points": 45, "asked_points": 48}
    assert queries.prove() == []


def test_the_first_few_of_a_month_that_go_to_people_cost_no_fee() -> None:
    aziza, bek = somebody(), somebody()
    earns(aziza, 1_000)
    policy = TransferPolicy(fee_fixed_points=10, free_times_per_month=2)
    pays_in(pot_of(aziza), aziza, 100)  # no gift: it takes none of the free ones away

    left = [sends(aziza, bek, 100, policy=policy, ref=f"t{n}").available_points for n in range(3)]
    takes_back(aziza, "t0")  # neither does what came back give one back

    assert left == [800, 700, 590]
    assert sends(aziza, bek, 100, policy=policy).available_points == 590 + 100 - 110
    assert sends(aziza, bek, 100, policy=policy, ref="t0").is_fresh is False
    next_month = DAY + timedelta(days=10)
    sent = sends(aziza, bek, 100, policy=policy, day=next_month, now=NOW + timedelta(days=10))
    assert sent.available_points == 580 - 100
    with pytest.raises(NotEnoughPoints) as short:
        sends(aziza, bek, 475, policy=policy)
    assert short.value.values["asked_points"] == 485
    assert queries.prove() == []


def test_whoever_owes_repays_with_the_very_points_that_come() -> None:
    aziza, bek = somebody(), somebody()
    owes(bek, 30)
    earns(aziza, 100, fund=7)

    sends(aziza, bek, 50)

    assert (arrears(bek), lots(bek)) == (0, [(SOON, 7, 20)])
    repaid = next(line for line in lines(bek) if line.kind is Kind.REPAYMENT)
    assert repaid.lots == (Lot(SOON, 7, 30),)
    assert queries.prove() == []


def test_a_debtor_sends_nothing() -> None:
    aziza, bek = somebody(), somebody()
    owes(aziza, 30)

    with pytest.raises(NotEnoughPoints) as short:
        sends(aziza, bek, 1)

    assert short.value.values == {"available_points": 0, "asked_points": 1}
    assert queries.prove() == []


@pytest.mark.parametrize(
    ("amount", "changes", "error"),
    [
        (0, {}, BadAmount),
        (-1, {}, BadAmount),
        (2**63, {}, BadAmount),
        (10**12 + 1, {}, BadAmount),
        (101, {}, NotEnoughPoints),
        (1, {"day": date(1999, 1, 1)}, DayOutsideBooks),
        (1, {"ref": ""}, BadPosting),
        (1, {"ref": "x" * 201}, BadPosting),
        (1, {"fingerprint": b"short"}, BadPosting),
        (1, {"reason": "merge"}, BadPosting),
        (1, {"policy": TransferPolicy(fee_fixed_points=100)}, NotEnoughPoints),
    ],
)
def test_nonsense_is_refused_and_nothing_moves(
    amount: int, changes: dict[str, Any], error: type[LedgerError]
) -> None:
    aziza, bek = somebody(), somebody()
    earns(aziza, 100)

    with pytest.raises(error) as refused:
        sends(aziza, bek, amount, **changes)

    assert refused.value.code == error.code
    assert (points(aziza), points(bek), journal_rows()) == (100, 0, 1)
    assert queries.prove() == []


@pytest.mark.parametrize(
    ("whom", "code"),
    [
        (lambda aziza: aziza, "bad_posting"),
        (lambda aziza: 10**15, "unknown_subscriber"),
        (lambda aziza: somebody(status="closed"), "unknown_subscriber"),
        (lambda aziza: -5, "bad_posting"),
        (lambda aziza: 0, "bad_posting"),
        (lambda aziza: 2**63, "bad_amount"),
    ],
)
def test_points_go_to_another_living_person_only(whom: Callable[[int], int], code: str) -> None:
    aziza = somebody()
    earns(aziza, 100)

    with pytest.raises(LedgerError) as refused:
        sends(aziza, whom(aziza), 1)

    assert refused.value.code == code
    assert (points(aziza), journal_rows()) == (100, 1)
    assert queries.prove() == []

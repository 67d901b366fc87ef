"""A number that changes: everything goes to the new account once, and late comers follow."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from club.ledger import actions as ledger
from club.ledger import queries, tasks
from club.ledger.errors import (
    AlreadyMerged,
    BadAmount,
    BadPosting,
    DayOutsideBooks,
    KeyReused,
    LedgerError,
    NotReversible,
    OpenHolds,
    TransfersFrozen,
    UnknownSubscriber,
)
from club.ledger.queries import Lot
from club.ledger.rules import Kind, PotSpender, Source, fingerprint_of
from tests.ledger.people import (
    DAY,
    LATER,
    LONG_AGO,
    NEXT_WEEK,
    NOW,
    SOON,
    arrears,
    earns,
    journal_rows,
    line,
    lots,
    owes,
    pays_in,
    points,
    pot_of,
    sends,
    somebody,
    spends,
    stakes,
    takes_back,
)

pytestmark = pytest.mark.django_db
HOLD = UUID(int=9)


def merges(old: int, new: int, **changes: Any) -> ledger.Booked:
    terms: dict[str, Any] = {"source": Source.STAFF, "ref": "m", "day": DAY, "actor": "dilnoza"}
    return ledger.merge(from_subscriber_id=old, to_subscriber_id=new, **(terms | changes))


def promised(who: int, ref: str = "p", n: int = 40) -> None:
    promise = ledger.Promise(who, ref, DAY, n, LATER, 0, fingerprint_of(n), NEXT_WEEK)
    ledger.promise_many(source=Source.ACCRUAL, promises=[promise])


def claws_back(who: int, ref: str) -> None:
    ledger.reverse(
        subscriber_id=who, source=Source.ACCRUAL, ref=f"{ref}:back", day=DAY,
        of_source=Source.ACCRUAL, of_ref=ref, of_day=LONG_AGO, points=None,
        fingerprint=fingerprint_of(ref),
    )  # fmt: skip


def test_all_points_go_to_the_new_number_with_their_dates_and_funds() -> None:
    old, new = somebody(), somebody()
    earns(old, 60, expires_on=SOON, fund=7)
    earns(old, 50, expires_on=LATER)
    earns(old, 5, expires_on=DAY - timedelta(days=1))  # over, and not swept yet
    earns(new, 10)

    assert merges(old, new) == ledger.Booked(is_fresh=True, available_points=120)

    assert lots(new) == [(SOON, 0, 10), (SOON, 7, 60), (LATER, 0, 50)]
    assert lots(old, day=date.min) == []
    gone, come = line(old, Kind.TRANSFER_OUT), line(new, Kind.TRANSFER_IN)
    assert (gone.points, gone.counterparty_id, gone.reason) == (-115, new, "merge")
    assert (come.points, come.counterparty_id, come.reason) == (115, old, "merge")
    assert (come.actor, come.lots[0]) == ("dilnoza", Lot(DAY - timedelta(days=1), 0, 5))
    assert queries.prove() == []
    ledger.expire_due(day=DAY, limit=100)
    assert queries.prove() == []


def test_a_merge_repeated_changes_nothing() -> None:
    old, new = somebody(), somebody()
    earns(old, 60)
    merges(old, new)
    earns(old, 7)  # late

    assert merges(old, new) == ledger.Booked(is_fresh=False, available_points=60)
    assert points(old) == 7
    with pytest.raises(KeyReused):
        merges(old, somebody())
    assert merges(old, new, ref="again") == ledger.Booked(is_fresh=True, available_points=67)
    assert merges(old, new, ref="nothing left") == ledger.Booked(False, 67)
    assert queries.prove() == []


def test_an_empty_account_is_merged_too_and_once() -> None:
    old, new = somebody(), somebody()

    assert merges(old, new) == ledger.Booked(is_fresh=True, available_points=0)
    assert merges(old, new) == ledger.Booked(is_fresh=False, available_points=0)

    earns(old, 30)
    assert ledger.follow_successors(day=DAY, limit=10) == 1
    assert points(new) == 30
    assert queries.prove() == []


def test_a_debt_goes_along_and_the_survivors_points_repay_it() -> None:
    old, new = somebody(), somebody()
    owes(old, 70)
    earns(new, 30)

    merges(old, new)

    assert (arrears(old), arrears(new), points(new)) == (0, 40, 0)
    gone, come = line(old, Kind.TRANSFER_OUT), line(new, Kind.TRANSFER_IN)
    assert (gone.points, come.points) == (70, -70)
    assert queries.prove() == []
    earns(new, 50)
    assert (arrears(new), points(new)) == (0, 10)
    assert queries.prove() == []


def test_points_that_come_to_a_debtor_repay_first() -> None:
    old, new = somebody(), somebody()
    earns(old, 100)
    owes(new, 70)

    merges(old, new)

    assert (arrears(new), points(new)) == (0, 30)
    assert queries.prove() == []


def test_promises_go_along_and_are_kept_once_or_withdrawn_by_their_old_name() -> None:
    old, new = somebody(), somebody()
    promised(old, "kept", 40)
    promised(old, "withdrawn", 9)

    merges(old, new)

    assert queries.balance(subscriber_id=new, day=DAY).pending_points == 49
    assert queries.balance(subscriber_id=old, day=DAY).pending_points == 0
    promised(old, "kept", 40)  # told again by a source that knows the old number
    key = {"subscriber_id": old, "source": Source.ACCRUAL, "occurred_on": DAY}
    assert ledger.withdraw_promise(ref="withdrawn", **key) is True
    assert ledger.keep_promises(now=NEXT_WEEK, limit=10) == 1
    assert ledger.withdraw_promise(ref="kept", **key) is False
    assert (points(old), points(new)) == (0, 40)
    assert queries.prove() == []


def test_a_promise_whose_name_the_survivor_has_too_follows_when_it_is_kept() -> None:
    old, new = somebody(), somebody()
    promised(old)
    promised(new)

    merges(old, new)
    assert ledger.keep_promises(now=NEXT_WEEK, limit=10) == 2
    ledger.follow_successors(day=DAY, limit=10)

    assert (points(old), points(new)) == (0, 80)
    assert queries.prove() == []


def test_open_holds_stay_with_their_orders_and_what_they_give_back_follows() -> None:
    old, new = somebody(), somebody()
    earns(old, 100)
    ledger.hold(
        subscriber_id=old, hold_id=HOLD, day=DAY, points=60, now=NOW,
        lifetime=timedelta(hours=1), fingerprint=fingerprint_of(60),
    )  # fmt: skip

    assert merges(old, new).available_points == 40
    assert ledger.follow_successors(day=DAY, limit=10) == 0
    ledger.capture(subscriber_id=old, hold_id=HOLD, day=DAY, points=45)

    assert ledger.follow_successors(day=DAY, limit=10) == 1
    assert (points(old), points(new)) == (0, 55)
    assert queries.prove() == []


def test_what_is_clawed_back_from_the_old_number_is_owed_by_the_new_one() -> None:
    old, new = somebody(), somebody()
    accrual = ledger.Accrual(old, "cancelled", LONG_AGO, 80, SOON, 0, fingerprint_of(80))
    ledger.post_many(source=Source.ACCRUAL, accruals=[accrual])
    merges(old, new)
    spends(new, 30)
    claws_back(old, "cancelled")
    assert (arrears(old), points(new)) == (80, 50)

    tasks.follow_successors(int(NOW.timestamp()))

    assert (arrears(old), arrears(new), points(new)) == (0, 30, 0)
    assert queries.prove() == []


def test_numbers_that_change_twice_are_followed_to_the_last_one() -> None:
    first, second, third = somebody(), somebody(), somebody()
    earns(first, 10)
    merges(first, second)
    merges(second, third, ref="m2")
    earns(first, 5)

    while ledger.follow_successors(day=DAY, limit=1):
        pass

    assert [points(who) for who in (first, second, third)] == [0, 0, 15]
    assert queries.prove() == []


def test_a_freeze_goes_along() -> None:
    old, new = somebody(), somebody()
    earns(old, 10)
    ledger.freeze(subscriber_id=old, until=NEXT_WEEK, reason="sim_swap")

    merges(old, new)

    with pytest.raises(TransfersFrozen):
        sends(new, somebody(), 1)


# ---- family pots


def test_the_seat_in_a_family_pot_goes_along_and_with_it_the_pot() -> None:
    old, new, bek = somebody(), somebody(), somebody()
    earns(old, 50)
    earns(bek, 50)
    pot = pot_of(old, bek, spent_by=PotSpender.OWNER)
    pays_in(pot, old, 30)
    pays_in(pot, bek, 50)

    merges(old, new)

    assert stakes(pot) == {new: 30, bek: 50}
    found = queries.pot(pot_id=pot, day=DAY)
    assert found is not None
    assert found.owner_id == new
    assert (points(new), queries.pot_of(subscriber_id=old)) == (20, None)
    assert queries.prove() == []


def test_two_seats_in_one_pot_become_one() -> None:
    owner, old, new = somebody(), somebody(), somebody()
    earns(old, 30)
    earns(new, 20)
    pot = pot_of(owner, old, new)
    pays_in(pot, old, 30)
    pays_in(pot, new, 20)

    merges(old, new)

    assert stakes(pot) == {owner: 0, new: 50}


def test_a_survivor_who_sits_elsewhere_gets_the_share_instead() -> None:
    owner, old, new = somebody(), somebody(), somebody()
    earns(old, 30)
    pot, _ = pot_of(owner, old), pot_of(new)
    pays_in(pot, old, 30)

    merges(old, new)

    assert (points(new), stakes(pot)) == (30, {owner: 0})
    assert queries.prove() == []


def test_a_pot_whose_owners_new_number_owns_another_is_closed_unless_orders_are_open() -> None:
    old, new, bek = somebody(), somebody(), somebody()
    earns(old, 30)
    earns(bek, 40)
    pot, _ = pot_of(old, bek), pot_of(new)
    pays_in(pot, old, 30)
    pays_in(pot, bek, 40)
    ledger.hold_from_pot(
        pot_id=pot, by=bek, hold_id=HOLD, day=DAY, points=7, now=NOW,
        lifetime=timedelta(hours=1), fingerprint=fingerprint_of(7),
    )  # fmt: skip

    with pytest.raises(OpenHolds):
        merges(old, new)
    ledger.release(subscriber_id=pot, hold_id=HOLD, day=DAY)
    merges(old, new)

    assert [points(who) for who in (old, new, bek, pot)] == [0, 30, 40, 0]
    assert queries.prove() == []


# ---- what is refused


def test_an_account_gives_way_once_and_nobody_takes_over_from_a_former_number() -> None:
    old, new, other = somebody(), somebody(), somebody()
    earns(old, 10)
    merges(old, new)

    with pytest.raises(AlreadyMerged) as before:
        merges(old, other, ref="elsewhere")
    assert before.value.values == {"subscriber_id": old, "successor_id": new}
    with pytest.raises(AlreadyMerged):
        merges(other, old, ref="into")
    with pytest.raises(AlreadyMerged):
        merges(new, old, ref="back")
    assert [points(who) for who in (old, new, other)] == [0, 10, 0]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"to_subscriber_id": 10**15}, UnknownSubscriber),
        ({"to_subscriber_id": -3}, BadPosting),
        ({"from_subscriber_id": -3}, BadPosting),
        ({"to_subscriber_id": 2**63}, BadAmount),
        ({"ref": ""}, BadPosting),
        ({"day": date(1999, 1, 1)}, DayOutsideBooks),
    ],
)
def test_nonsense_is_refused_and_nothing_moves(
    changes: dict[str, Any], error: type[LedgerError]
) -> None:
    old, new = somebody(), somebody()
    earns(old, 10)
    terms: dict[str, Any] = {
        "from_subscriber_id": old, "to_subscriber_id": new,
        "source": Source.STAFF, "ref": "m", "day": DAY,
    }  # fmt: skip

    with pytest.raises(error) as refused:
        ledger.merge(**(terms | changes))

    assert refused.value.code == error.code
    assert (points(old), points(new), journal_rows()) == (10, 0, 1)
    assert queries.prove() == []


def test_nobody_is_merged_into_themselves_and_a_merge_is_not_undone() -> None:
    old, new = somebody(), somebody()
    earns(old, 10)
    with pytest.raises(BadPosting):
        merges(old, old)
    merges(old, new)

    with pytest.raises(NotReversible):
        takes_back(old, "m", of_source=Source.STAFF)


# ---- laws


def test_a_merge_that_was_refused_moves_everything_when_it_comes_again() -> None:
    former, now_has = somebody(), somebody()
    earns(former, 30)
    for refused_on in (date(1, 1, 1), date(2019, 1, 1)):
        with pytest.raises(DayOutsideBooks):
            merges(former, now_has, ref="m", day=refused_on)

    merges(former, now_has, ref="m")

    assert (points(former), points(now_has)) == (0, 30)
    assert line(former, Kind.TRANSFER_OUT).points == -30


DEEDS = st.tuples(
    st.sampled_from(["earn", "spend", "owe", "send", "promise", "merge", "follow"]),
    st.integers(0, 2), st.integers(1, 60),
)  # fmt: skip


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(deeds=st.lists(DEEDS, max_size=12))
def test_whatever_happened_before_and_after_the_sum_of_all_stays(
    deeds: list[tuple[str, int, int]],
) -> None:
    people = [somebody() for _ in range(3)]
    expected, former = 0, set()
    for i, (deed, who, n) in enumerate([*deeds, ("merge", 0, 1), ("follow", 0, 1)]):
        me, next_one = people[who], people[(who + 1) % 3]
        try:
            if deed == "earn":
                earns(me, n)
                expected += n
            elif deed == "spend":
                spends(me, n)
                expected -= n
            elif deed == "owe" and not arrears(me):
                owes(me, n)
                expected -= n
            elif deed == "send":
                sends(me, next_one, n)
            elif deed == "promise":
                promised(me, f"p{i}:{me}", n)
            elif deed == "merge":
                merges(me, next_one, ref=f"m{i}:{me}")
                former.add(me)
            elif deed == "follow":
                while ledger.follow_successors(day=DAY, limit=1):
                    pass
        except LedgerError:
            continue
        assert sum(points(one) - arrears(one) for one in people) == expected

    assert not [one for one in former if points(one) or arrears(one)]
    assert queries.prove() == []

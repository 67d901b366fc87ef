"""Family pots: paying in, spending together, and going apart with what is due."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from club.ledger import actions as ledger
from club.ledger import queries
from club.ledger.errors import (
    AlreadyInPot,
    BadAmount,
    BadPosting,
    DayOutsideBooks,
    KeyReused,
    LedgerError,
    NoSuchPot,
    NotEnoughPoints,
    NotInPot,
    NotReversible,
    OpenHolds,
    PointsTooYoung,
    TooMany,
    TransferLimitReached,
    TransfersFrozen,
    UnknownSubscriber,
)
from club.ledger.queries import Lot
from club.ledger.rules import Kind, PotSpender, Source, TransferPolicy, fingerprint_of
from tests.ledger.people import (
    DAY,
    LATER,
    NEXT_WEEK,
    NOW,
    SOON,
    arrears,
    earns,
    invites,
    joins,
    journal_rows,
    leaves,
    line,
    lots,
    owes,
    pays_in,
    points,
    pot_of,
    sends,
    somebody,
    spends_from,
    stakes,
    takes_back,
)

pytestmark = pytest.mark.django_db
HOLD = UUID(int=9)


def holds_from(pot_id: int, who: int, n: int) -> ledger.Booked:
    return ledger.hold_from_pot(
        pot_id=pot_id, by=who, hold_id=HOLD, day=DAY, points=n, now=NOW,
        lifetime=timedelta(hours=1), fingerprint=fingerprint_of(n),
    )  # fmt: skip


def test_a_family_pays_in_and_spends_together_first_to_expire_first() -> None:
    aziza, bek = somebody(), somebody()
    earns(aziza, 100, expires_on=LATER)
    earns(bek, 60, expires_on=SOON, fund=7)
    pot = pot_of(aziza, bek)

    assert pays_in(pot, aziza, 40) == ledger.Booked(is_fresh=True, available_points=60)
    pays_in(pot, bek, 60)
    assert lots(pot) == [(SOON, 7, 60), (LATER, 0, 40)]
    assert spends_from(pot, bek, 70) == ledger.Booked(is_fresh=True, available_points=30)

    spent = line(pot, Kind.SPEND)
    assert (spent.points, spent.counterparty_id) == (-70, bek)
    assert spent.lots == (Lot(SOON, 7, 60), Lot(LATER, 0, 10))
    paid = line(aziza, Kind.TRANSFER_OUT)
    assert (paid.points, paid.counterparty_id, paid.reason) == (-40, pot, "pot")
    assert queries.prove() == []


def test_whoever_leaves_takes_their_part_of_what_is_left() -> None:
    aziza, bek = somebody(), somebody()
    earns(aziza, 100)
    earns(bek, 50)
    pot = pot_of(aziza, bek)
    pays_in(pot, aziza, 100)
    pays_in(pot, bek, 50)
    spends_from(pot, aziza, 50)

    assert leaves(pot, bek) == ledger.Booked(is_fresh=True, available_points=33)

    assert stakes(pot) == {aziza: 67}
    come = line(bek, Kind.TRANSFER_IN)
    assert (come.points, come.reason) == (33, "pot_share")
    assert come.counterparty_id == pot
    assert leaves(pot, bek) == ledger.Booked(is_fresh=False, available_points=33)
    assert queries.prove() == []


def test_a_share_is_a_part_of_every_lot_alike() -> None:
    aziza, bek = somebody(), somebody()
    earns(aziza, 100, expires_on=SOON)
    earns(bek, 100, expires_on=LATER, fund=7)
    pot = pot_of(aziza, bek)
    pays_in(pot, aziza, 100)
    pays_in(pot, bek, 100)

    leaves(pot, bek)

    assert lots(bek) == [(SOON, 0, 50), (LATER, 7, 50)]
    assert lots(pot) == [(SOON, 0, 50), (LATER, 7, 50)]


def test_what_was_spent_before_somebody_paid_in_is_not_theirs_to_bear() -> None:
    aziza, bek = somebody(), somebody()
    earns(aziza, 100)
    earns(bek, 100)
    pot = pot_of(aziza, bek)
    pays_in(pot, aziza, 100)
    spends_from(pot, aziza, 100)
    pays_in(pot, bek, 100)
    spends_from(pot, aziza, 40)

    leaves(pot, bek)

    assert points(bek) == 60
    assert stakes(pot) == {aziza: 0}
    assert queries.prove() == []


def test_what_comes_back_grows_all_stakes_alike() -> None:
    aziza, bek = somebody(), somebody()
    earns(aziza, 100)
    earns(bek, 100)
    pot = pot_of(aziza, bek)
    pays_in(pot, aziza, 100)
    pays_in(pot, bek, 100)
    spends_from(pot, bek, 100, ref="bought")
    assert stakes(pot) == {aziza: 50, bek: 50}

    ledger.reverse(
        subscriber_id=pot, source=Source.STAFF, ref="refund", day=DAY, of_source=Source.ORDER,
        of_ref="bought", of_day=DAY, points=80, fingerprint=fingerprint_of("refund"),
    )  # fmt: skip

    assert stakes(pot) == {aziza: 90, bek: 90}
    assert queries.prove() == []


def test_points_that_nobody_paid_in_are_shared_or_the_owners() -> None:
    aziza, bek = somebody(), somebody()
    earns(bek, 10)
    pot = pot_of(aziza, bek)
    earns(pot, 30)  # a present to the family
    assert stakes(pot) == {aziza: 30, bek: 0}

    pays_in(pot, bek, 10)
    earns(pot, 40)

    assert stakes(pot) == {aziza: 60, bek: 20}
    assert queries.prove() == []


def test_only_the_owner_spends_where_it_was_opened_so() -> None:
    aziza, bek = somebody(), somebody()
    earns(bek, 50)
    pot = pot_of(aziza, bek, spent_by=PotSpender.OWNER)
    pays_in(pot, bek, 50)

    with pytest.raises(NotInPot) as refused:
        spends_from(pot, bek, 1)
    assert refused.value.values == {"pot_id": pot, "subscriber_id": bek}
    with pytest.raises(NotInPot):
        holds_from(pot, bek, 1)

    assert spends_from(pot, aziza, 20).available_points == 30
    assert queries.prove() == []


def test_an_order_is_paid_from_the_pot_by_a_hold() -> None:
    aziza, bek = somebody(), somebody()
    earns(aziza, 50)
    pot = pot_of(aziza, bek)
    pays_in(pot, aziza, 50)

    assert holds_from(pot, bek, 30) == ledger.Booked(is_fresh=True, available_points=20)
    assert holds_from(pot, bek, 30).is_fresh is False
    with pytest.raises(OpenHolds) as waiting:
        ledger.close_pot(pot_id=pot, by=aziza, day=DAY)
    assert waiting.value.values == {"held_points": 30}
    leaves(pot, bek)
    assert holds_from(pot, bek, 30).is_fresh is False  # a replay, though bek has left
    ledger.capture(subscriber_id=pot, hold_id=HOLD, day=DAY, points=25)

    assert ledger.close_pot(pot_id=pot, by=aziza, day=DAY) is True
    assert points(aziza) == 25
    assert queries.prove() == []


def test_a_hold_lives_as_long_in_a_pot_as_elsewhere() -> None:
    aziza = somebody()
    with pytest.raises(BadPosting):
        ledger.hold_from_pot(
            pot_id=pot_of(aziza), by=aziza, hold_id=HOLD, day=DAY, points=1, now=NOW,
            lifetime=timedelta(days=41), fingerprint=fingerprint_of(1),
        )  # fmt: skip


def test_an_owner_who_leaves_closes_the_pot_and_everybody_gets_their_part() -> None:
    aziza, bek, charos = somebody(), somebody(), somebody()
    pot = pot_of(aziza, bek, charos)
    for who in (aziza, bek, charos):
        earns(who, 100)
        pays_in(pot, who, 100)
    spends_from(pot, bek, 100)

    assert leaves(pot, aziza) == ledger.Booked(is_fresh=True, available_points=68)

    assert [points(who) for who in (bek, charos, pot)] == [66, 66, 0]
    assert leaves(pot, aziza).is_fresh is False
    assert ledger.close_pot(pot_id=pot, by=aziza, day=DAY) is False
    closed = queries.pot(pot_id=pot, day=DAY)
    assert closed is not None
    assert (closed.members, closed.closed_at is None) == ((), False)
    assert [queries.pot_of(subscriber_id=who) for who in (aziza, bek)] == [None, None]
    assert queries.prove() == []


def test_what_comes_back_to_a_closed_pot_follows_to_its_owner() -> None:
    aziza, bek = somebody(), somebody()
    earns(bek, 100)
    pot = pot_of(aziza, bek)
    pays_in(pot, bek, 100)
    spends_from(pot, aziza, 60, ref="bought")
    ledger.close_pot(pot_id=pot, by=aziza, day=DAY)
    ledger.reverse(
        subscriber_id=pot, source=Source.STAFF, ref="refund", day=DAY, of_source=Source.ORDER,
        of_ref="bought", of_day=DAY, points=None, fingerprint=fingerprint_of("refund"),
    )  # fmt: skip

    assert ledger.follow_successors(day=DAY, limit=10) == 1
    assert ledger.follow_successors(day=DAY, limit=10) == 0

    assert [points(who) for who in (aziza, bek, pot)] == [60, 40, 0]
    assert queries.prove() == []


def test_a_pots_points_expire_like_any_other_and_stakes_with_them() -> None:
    aziza, bek = somebody(), somebody()
    earns(aziza, 100, expires_on=SOON)
    earns(bek, 100, expires_on=LATER)
    pot = pot_of(aziza, bek)
    pays_in(pot, aziza, 100)
    pays_in(pot, bek, 100)
    new_year = SOON + timedelta(days=1)

    leaves(pot, bek, day=new_year)  # before the sweep: what is over is nobody's
    assert (points(bek, day=new_year), points(pot, day=new_year), points(pot)) == (50, 50, 150)
    ledger.expire_due(day=new_year, limit=100)

    assert points(pot) == 50
    assert queries.prove() == []


def test_the_owner_sends_a_member_away_and_nobody_else_does() -> None:
    aziza, bek, charos = somebody(), somebody(), somebody()
    earns(bek, 30)
    pot = pot_of(aziza, bek, charos)
    pays_in(pot, bek, 30)

    with pytest.raises(NotInPot):
        leaves(pot, bek, by=charos)
    with pytest.raises(NotInPot):
        ledger.close_pot(pot_id=pot, by=charos, day=DAY)
    assert leaves(pot, bek, by=aziza).available_points == 30
    assert queries.prove() == []


def test_a_debtor_who_leaves_repays_with_their_part() -> None:
    aziza, bek = somebody(), somebody()
    earns(bek, 30)
    pot = pot_of(aziza, bek)
    pays_in(pot, bek, 30)
    owes(bek, 20)

    leaves(pot, bek)

    assert (points(bek), arrears(bek)) == (10, 0)
    assert queries.prove() == []


def test_whoever_leaves_the_programme_leaves_the_pot_with_their_part() -> None:
    aziza, bek = somebody(), somebody()
    earns(aziza, 10)
    earns(bek, 30)
    pot = pot_of(aziza, bek)
    pays_in(pot, aziza, 10)
    pays_in(pot, bek, 30)

    ledger.forfeit(
        subscriber_id=bek, source=Source.STAFF, ref="f", day=DAY, actor="dilnoza", reason="left"
    )

    assert stakes(pot) == {aziza: 10}
    assert line(bek, Kind.FORFEIT).points == -30
    assert queries.prove() == []


# ---- who may


def test_nobody_sits_in_two_pots() -> None:
    aziza, bek = somebody(), somebody()
    first, second = pot_of(aziza), pot_of(bek)
    invites(first, bek, by=aziza)

    with pytest.raises(AlreadyInPot) as seated:
        ledger.join_pot(pot_id=first, subscriber_id=bek, now=NOW)
    assert seated.value.values == {"pot_id": second}
    with pytest.raises(AlreadyInPot):
        pot_of(bek)

    leaves(second, bek)
    assert ledger.join_pot(pot_id=first, subscriber_id=bek, now=NOW) is True
    assert ledger.join_pot(pot_id=first, subscriber_id=bek, now=NOW) is False
    assert queries.pot_of(subscriber_id=bek) == first


def test_one_joins_by_the_owners_invitation_while_it_is_open() -> None:
    aziza, bek, charos = somebody(), somebody(), somebody()
    pot = pot_of(aziza, bek)

    with pytest.raises(NotInPot):
        ledger.join_pot(pot_id=pot, subscriber_id=charos, now=NOW)
    with pytest.raises(NotInPot):
        invites(pot, charos, by=bek)
    with pytest.raises(UnknownSubscriber):
        invites(pot, 10**15, by=aziza)
    invites(pot, bek, by=aziza)  # is in it: harmless
    invites(pot, charos, by=aziza)
    with pytest.raises(NotInPot):
        ledger.join_pot(pot_id=pot, subscriber_id=charos, now=NEXT_WEEK)
    invites(pot, charos, by=aziza, until=NEXT_WEEK + timedelta(days=7))
    assert ledger.join_pot(pot_id=pot, subscriber_id=charos, now=NEXT_WEEK) is True

    leaves(pot, charos)
    with pytest.raises(NotInPot):  # an invitation is good once
        ledger.join_pot(pot_id=pot, subscriber_id=charos, now=NEXT_WEEK)
    joins(pot, charos, by=aziza)


def test_a_pot_has_ten_seats_and_invitations_keep_theirs() -> None:
    aziza = somebody()
    pot = pot_of(aziza, *(somebody() for _ in range(4)))
    for _ in range(5):
        invites(pot, somebody(), by=aziza)

    with pytest.raises(TooMany) as full:
        invites(pot, somebody(), by=aziza)

    assert full.value.values == {"limit": 10}
    late = somebody()
    after = NEXT_WEEK + timedelta(days=1)
    ledger.invite_to_pot(pot_id=pot, by=aziza, subscriber_id=late, now=NEXT_WEEK, until=after)
    assert ledger.join_pot(pot_id=pot, subscriber_id=late, now=NEXT_WEEK) is True


def test_a_pot_is_opened_once_by_its_key() -> None:
    aziza, bek = somebody(), somebody()
    key = UUID(int=77)
    pot = ledger.open_pot(key=key, owner_id=aziza, spent_by=PotSpender.OWNER)

    assert ledger.open_pot(key=key, owner_id=aziza, spent_by=PotSpender.OWNER) == pot < 0
    with pytest.raises(KeyReused):
        ledger.open_pot(key=key, owner_id=aziza, spent_by=PotSpender.EVERYBODY)
    with pytest.raises(KeyReused):
        ledger.open_pot(key=key, owner_id=bek, spent_by=PotSpender.OWNER)
    with pytest.raises(BadPosting):
        ledger.open_pot(key=UUID(int=78), owner_id=-1, spent_by=PotSpender.OWNER)


def test_paying_in_is_sending_on_the_operators_terms() -> None:
    aziza, bek = somebody(), somebody()
    earns(aziza, 200)
    earns(aziza, 10, on=DAY)
    pot = pot_of(bek, aziza)
    policy = TransferPolicy(points_per_day_max=100, min_age_days=3, fee_fixed_points=1)
    sends(aziza, bek, 60, policy=policy)

    with pytest.raises(TransferLimitReached):
        pays_in(pot, aziza, 41, policy=policy)
    assert pays_in(pot, aziza, 40, policy=policy, ref="p").available_points == 210 - 61 - 41
    with pytest.raises(PointsTooYoung):
        pays_in(pot, aziza, 100, policy=TransferPolicy(min_age_days=3))
    again = pays_in(pot, aziza, 40, policy=policy, ref="p")
    assert (again.is_fresh, stakes(pot)) == (False, {aziza: 40, bek: 0})
    with pytest.raises(KeyReused):
        pays_in(pot, aziza, 41, policy=policy, ref="p")
    assert queries.prove() == []


def test_after_a_sim_swap_the_pot_is_closed_to_its_member_who_may_still_leave() -> None:
    aziza, bek = somebody(), somebody()
    earns(bek, 50)
    pot = pot_of(aziza, bek)
    pays_in(pot, bek, 40)
    ledger.freeze(subscriber_id=bek, until=NEXT_WEEK, reason="sim_swap")

    refused: list[Callable[[], object]] = [
        lambda: pays_in(pot, bek, 1),
        lambda: spends_from(pot, bek, 1),
        lambda: holds_from(pot, bek, 1),
    ]
    for deed in refused:
        with pytest.raises(TransfersFrozen):
            deed()

    assert leaves(pot, bek).available_points == 50
    assert queries.prove() == []


@pytest.mark.parametrize(
    ("amount", "changes", "error"),
    [
        (0, {}, BadAmount),
        (-1, {}, BadAmount),
        (2**63, {}, BadAmount),
        (101, {}, NotEnoughPoints),
        (1, {"day": date(1999, 1, 1)}, DayOutsideBooks),
        (1, {"ref": ""}, BadPosting),
    ],
)
@pytest.mark.parametrize("deed", [pays_in, spends_from])
def test_nonsense_is_refused_and_nothing_moves(
    deed: Callable[..., object], amount: int, changes: dict[str, Any], error: type[LedgerError]
) -> None:
    aziza = somebody()
    earns(aziza, 200)
    pot = pot_of(aziza)
    pays_in(pot, aziza, 100)

    with pytest.raises(error) as refused:
        deed(pot, aziza, amount, **changes)

    assert refused.value.code == error.code
    assert (points(aziza), points(pot), journal_rows()) == (100, 100, 3)
    assert queries.prove() == []


def test_strangers_and_pots_that_are_not_there_are_told_so() -> None:
    aziza, stranger = somebody(), somebody()
    earns(stranger, 10)
    pot = pot_of(aziza)
    closed = pot_of(stranger)
    ledger.close_pot(pot_id=closed, by=stranger, day=DAY)

    for deed in (pays_in, spends_from, holds_from):
        with pytest.raises(NotInPot):
            deed(pot, stranger, 1)
        for nowhere in (-12345, closed, stranger, 0):
            with pytest.raises(NoSuchPot):
                deed(nowhere, stranger, 1)
    with pytest.raises(NotInPot):
        leaves(pot, stranger)
    with pytest.raises(NoSuchPot):
        leaves(-12345, stranger)
    with pytest.raises(NoSuchPot):
        ledger.close_pot(pot_id=-12345, by=stranger, day=DAY)
    with pytest.raises(NoSuchPot):
        ledger.join_pot(pot_id=closed, subscriber_id=stranger, now=NOW)
    assert queries.pot(pot_id=-12345, day=DAY) is None
    assert points(stranger) == 10
    assert queries.prove() == []


def test_what_was_paid_in_is_not_taken_back_but_by_leaving() -> None:
    aziza = somebody()
    earns(aziza, 100)
    pot = pot_of(aziza)
    pays_in(pot, aziza, 100, ref="p")

    with pytest.raises(NotReversible):
        takes_back(aziza, "p")
    assert points(pot) == 100


# ---- laws

DEEDS = st.tuples(st.sampled_from(["pay", "spend", "leave", "join", "expire"]),
                  st.integers(0, 3), st.integers(1, 60))  # fmt: skip
LAW = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))


@LAW
@given(deeds=st.lists(DEEDS, max_size=15))
def test_nothing_is_made_or_lost_whatever_a_family_does(deeds: list[tuple[str, int, int]]) -> None:
    family = [somebody() for _ in range(4)]
    for i, who in enumerate(family):
        earns(who, 100 + i, expires_on=(SOON, LATER)[i % 2], fund=i)
    owner = family[0]
    pot = pot_of(*family)
    spent = 0
    for deed, who, n in deeds:
        try:
            if deed == "pay":
                pays_in(pot, family[who], n)
            elif deed == "spend":
                spends_from(pot, family[who], n)
                spent += n
            elif deed == "leave" and who:
                due = stakes(pot).get(family[who], 0)
                before = points(family[who])
                leaves(pot, family[who])
                assert points(family[who]) == before + due
            elif deed == "join" and family[who] not in stakes(pot):
                joins(pot, family[who], by=owner)
        except (NotEnoughPoints, NotInPot):
            pass
        assert sum(map(points, family)) + points(pot) + spent == 406
        assert sum(stakes(pot).values()) == points(pot)

    leaves(pot, owner)
    assert points(pot) == 0
    assert sum(map(points, family)) + spent == 406
    assert queries.prove() == []


@LAW
@given(deeds=st.lists(DEEDS, max_size=15))
def test_where_nothing_is_spent_everybody_takes_home_what_they_paid(
    deeds: list[tuple[str, int, int]],
) -> None:
    family = [somebody() for _ in range(4)]
    for who in family:
        earns(who, 100)
    pot = pot_of(*family)
    for deed, who, n in deeds:
        if deed == "pay" and family[who] in stakes(pot) and points(family[who]) >= n:
            pays_in(pot, family[who], n)
        elif deed == "leave" and who:
            leaves(pot, family[who])
            assert points(family[who]) == 100

    leaves(pot, family[0])
    assert [points(who) for who in family] == [100] * 4

"""Holds of orders whose outcome nobody knows: no sweep takes their points."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from club.clock import day_of
from club.ledger import actions as ledger
from club.ledger import queries
from tests.ledger.desk import AZIZA, DAY, HOLD, NOW, SOON, balance, earns, held, lots

pytestmark = pytest.mark.django_db
MUCH_LATER = NOW + timedelta(days=400)


def sweep(now: datetime = MUCH_LATER) -> int:
    return ledger.release_expired_holds(now=now, day=day_of(now), limit=100)


def pin() -> bool:
    return ledger.pin_hold(subscriber_id=AZIZA, hold_id=HOLD)


def unpin() -> bool:
    return ledger.unpin_hold(subscriber_id=AZIZA, hold_id=HOLD, until=NOW + timedelta(hours=1))


def test_a_pinned_hold_survives_every_sweep_and_every_expiry() -> None:
    earns("a", 100)
    held(60)
    assert pin()
    assert pin()

    assert sweep() == 0
    ledger.expire_due(day=SOON + timedelta(days=30), limit=100)

    assert balance().held_points == 60
    assert lots() == []
    assert queries.prove() == []


@pytest.mark.parametrize("points", [None, 25])
def test_a_pinned_hold_is_captured_as_any_other(points: int | None) -> None:
    earns("a", 100)
    held(60)
    pin()

    ledger.capture(subscriber_id=AZIZA, hold_id=HOLD, day=DAY, points=points)

    assert (balance().held_points, balance().spendable_points) == (0, 100 - (points or 60))
    assert not pin()
    assert sweep() == 0
    assert queries.prove() == []


def test_a_pinned_hold_is_released_as_any_other() -> None:
    earns("a", 100)
    held(60)
    pin()

    ledger.release(subscriber_id=AZIZA, hold_id=HOLD, day=DAY)

    assert (balance().held_points, balance().spendable_points) == (0, 100)
    assert (pin(), unpin()) == (False, False)
    assert queries.prove() == []


def test_to_extend_a_pinned_hold_does_not_give_it_an_end() -> None:
    earns("a", 100)
    held(60)
    pin()

    until = NOW + timedelta(hours=1)
    assert ledger.extend_hold(subscriber_id=AZIZA, hold_id=HOLD, until=until)

    assert sweep() == 0


def test_a_hold_that_is_unpinned_ends_again() -> None:
    earns("a", 100)
    held(60)
    assert not unpin()
    pin()
    assert unpin()

    assert sweep(NOW + timedelta(minutes=59)) == 0
    assert sweep(NOW + timedelta(hours=1)) == 1
    assert balance().spendable_points == 100
    assert queries.prove() == []


def test_what_is_not_there_is_not_pinned() -> None:
    assert not ledger.pin_hold(subscriber_id=AZIZA, hold_id=UUID(int=404))

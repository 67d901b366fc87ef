"""Points that expired are given back by hand: what the expiry took comes back as lots."""

from datetime import timedelta

import pytest

from club.ledger import actions as ledger
from club.ledger import queries
from club.ledger.rules import Kind, Source, fingerprint_of
from tests.ledger.people import DAY, LATER, earns, lines, somebody


@pytest.mark.django_db
@pytest.mark.parametrize("asked", [None, 15])
def test_an_expiry_that_is_reversed_gives_its_lots_back_with_grace(asked: int | None) -> None:
    who, later = somebody(), DAY + timedelta(days=2)
    earns(who, 40, fund=1, expires_on=DAY + timedelta(days=1))
    ledger.walk(lambda after: ledger.expire_due(day=later, limit=100, after=after))
    (expiry,) = [line for line in lines(who) if line.kind == Kind.EXPIRY]

    ledger.reverse(
        subscriber_id=who, source=Source.STAFF, ref="kept", day=later,
        of_source=expiry.source, of_ref=expiry.ref, of_day=expiry.occurred_on, points=asked,
        fingerprint=fingerprint_of("kept"), grace_until=LATER,
    )  # fmt: skip

    back = asked or 40
    assert queries.balance(subscriber_id=who, day=later).spendable_points == back
    lots = queries.lots(subscriber_id=who, day=later)
    assert [(lot.points, lot.fund, lot.expires_on) for lot in lots] == [(back, 1, LATER)]
    assert queries.prove() == []

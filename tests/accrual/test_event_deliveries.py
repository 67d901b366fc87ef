"""Mixed events, doubled, shuffled, in pieces of any size and cancelled: the same inbox, the same points."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from club.accrual import actions, intake
from club.accrual.intake import Told
from club.accrual.models import Conflict, Event, Rejection
from club.ledger import queries as books
from tests.accrual.conftest import Office
from tests.accrual.event_lines import told
from tests.builders import NOW
from tests.missing import tries

KINDS: list[dict[str, Any]] = [
    {"type": "payment", "amount_tiyin": 700_000, "channel": "app"},
    {"type": "charge", "amount_tiyin": 300_000, "details": {"service": "usage"}},
    {"type": "survey", "details": {"survey": "nps", "score": 9}},
    {"type": "card_linked"},
    {"type": "referral", "details": {"friend_msisdn": "998935550000"}},
    {"type": "moon_landing", "details": {"crew": [1, {"a": None}]}},
]
POINTS = {"payment": 7, "charge": 3, "survey": 10, "card_linked": 10, "referral": 10}
CANCELLED = [0, 2, 5]


def compare(field: str, op: str, value: object) -> dict[str, Any]:
    return {"kind": "compare", "field": field, "op": op, "value": value}


@pytest.fixture(autouse=True)
def known_source(settings: Any) -> None:
    settings.EVENT_SOURCES = {"billing": {}}
    settings.IS_DEMO = False


def a_day_of(msisdn: str) -> list[bytes]:
    """One of each type under one and the same id, of two days; some are cancelled."""
    happened = [
        told("same", msisdn=msisdn, occurred_at=(NOW - timedelta(days=n % 2)).isoformat(), **one)
        for n, one in enumerate(KINDS)
    ]
    undone = [
        told("same", msisdn="", type="cancellation", cancels=KINDS[n]["type"]) for n in CANCELLED
    ]
    return happened + undone


def stored(subscriber_id: int) -> set[tuple[str, str, str]]:
    mine = Event.objects.filter(subscriber_id=subscriber_id).select_related("outcome")
    return {(event.kind, event.state, json.dumps(event.details, sort_keys=True)) for event in mine}


SIZE = len(KINDS) + len(CANCELLED)


def test_any_delivery_of_mixed_events_ends_in_the_same_inbox_and_books(club: Office) -> None:
    club.publish("charges", trigger=["charge"], when=compare("service", "eq", "usage"))
    others = [one["type"] for one in KINDS if one["type"] not in ("payment", "charge")]
    ten = {"kind": "fixed", "points": 10, "cap_per_event": 10}
    club.publish("others", trigger=others, when=compare("hour", "ge", 0), reward=ten)
    numbers = iter(range(10_000))
    ends: set[frozenset[tuple[str, str, str]]] = set()

    @settings(
        max_examples=tries(25, quick=8),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        st.permutations(range(SIZE)),
        st.lists(st.sampled_from(range(SIZE)), max_size=8),
        st.integers(1, 5),
        st.sets(st.integers(0, 12), max_size=3),
    )
    def deliver(order: list[int], again: list[int], size: int, decided_after: set[int]) -> None:
        who = club.subscriber(msisdn=f"99894{next(numbers):07}")
        lines = a_day_of(who.msisdn)
        # Every subscriber has events of the same ids: a source of its own tells them apart.
        lines = [line.replace(b'"same"', b'"%d"' % who.id) for line in lines]
        sent = [lines[n] for n in [*order, *again]]
        for place in range(0, len(sent), size):
            intake.take([Told(one) for one in sent[place : place + size]], now=club.now)
            if place // size in decided_after:
                club.decide()
        club.decide()
        while actions.adopt_waiting(now=club.now, limit=100):
            club.decide()

        left = set(POINTS) - {KINDS[n]["type"] for n in CANCELLED}
        balance = club.balance(who)
        assert balance.spendable_points == sum(POINTS[kind] for kind in left)
        assert balance.arrears_points == 0
        ends.add(frozenset(stored(who.id)))
        assert len(ends) == 1

    deliver()
    assert not Conflict.objects.exists()
    assert not Rejection.objects.exists()
    assert books.prove() == []

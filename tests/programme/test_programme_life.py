"""The programme's terms reach the points: how long they live, and what a cancellation takes."""

from datetime import date, timedelta

import pytest

from club.clock import day_of
from club.ledger import queries as books
from club.ledger.expiry_rules import NEVER
from club.programme import tasks
from club.programme.models import Programme
from club.reports import me
from tests.builders import NOW, Club

pytestmark = pytest.mark.django_db
TODAY = day_of(NOW)  # 18 November 2026


@pytest.fixture
def club() -> Club:
    return Club().open()


@pytest.mark.parametrize(
    ("policy", "months", "last"),
    [
        ("rolling", 6, date(2027, 5, 18)),
        ("month_end", 12, date(2027, 11, 30)),
        ("quarter_end", 3, date(2027, 3, 31)),
        ("year_end", 12, date(2027, 12, 31)),
        ("activity", 12, NEVER),
    ],
)
def test_a_payments_points_live_by_the_policy_in_force(
    club: Club, policy: str, months: int, last: date
) -> None:
    Programme.objects.update(expiry_policy=policy, points_life_months=months, inactive_months=6)
    aziza = club.subscriber()

    club.earns(aziza, 50_000)

    (lot,) = books.lots(subscriber_id=aziza.id, day=TODAY)
    assert lot.expires_on == last


def test_who_is_inactive_for_too_long_loses_the_points_and_sees_it_coming(club: Club) -> None:
    Programme.objects.update(expiry_policy="activity", inactive_months=6)
    aziza, bek = club.subscriber(), club.subscriber()
    club.earns(aziza, 50_000)
    club.earns(bek, 50_000)
    too_late = date(2027, 5, 18)
    seen = me.of(subscriber_id=aziza.id, language="en", day=TODAY)
    assert [(each.on, each.points) for each in seen.expiries] == [
        (too_late, seen.balance.spendable_points)
    ]

    club.now = NOW + timedelta(days=90)
    club.earns(bek, 50_000)
    tasks.expire_inactive(int((NOW + timedelta(days=181)).timestamp()))
    assert books.totals().expired_points == 0
    tasks.expire_inactive(int((NOW + timedelta(days=182)).timestamp()))

    assert books.lots(subscriber_id=aziza.id, day=TODAY) == []
    assert books.lots(subscriber_id=bek.id, day=TODAY) != []
    assert books.prove() == []


def test_without_such_a_term_nobody_loses_points_by_being_away(club: Club) -> None:
    aziza = club.subscriber()
    club.earns(aziza, 50_000)
    tasks.expire_inactive(int((NOW + timedelta(days=300)).timestamp()))
    assert books.totals().expired_points == 0

"""What nobody tells us: birthdays, anniversaries and visits, each once whatever runs twice."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from club.accrual import inbox, own_events
from club.accrual.models import DayMade, Decision, Event
from club.accrual.rules.facts import is_birthday, whole_months
from club.clock import day_of
from club.subscribers.models import Subscriber
from tests.accrual.conftest import Office
from tests.builders import NOW

TEN = {"kind": "fixed", "points": 10, "cap_per_event": 10}


ANY: dict[str, Any] = {"kind": "compare", "field": "hour", "op": "ge", "value": 0}


def at_ten(year: int, month: int, day: int) -> datetime:
    """Ten in the morning in Tashkent, when the job has run."""
    return datetime(year, month, day, 5, tzinfo=UTC)


def made(kind: str) -> list[str]:
    return sorted(Event.objects.filter(kind=kind).values_list("external_id", flat=True))


def test_a_birthday_brings_its_gift_once_a_year(club: Office) -> None:
    club.publish("gift", trigger=["birthday"], when=ANY, reward=TEN)
    today = club.subscriber(birth_date=date(1990, 11, 18))
    club.subscriber(birth_date=date(1990, 11, 19))
    club.subscriber(birth_date=None)
    club.subscriber(birth_date=date(1990, 11, 18), status="suspended")
    club.subscriber(birth_date=date(1990, 11, 18), joined_at=NOW + timedelta(hours=1))

    assert own_events.make_birthdays(now=NOW) == 1
    assert own_events.make_birthdays(now=NOW) == 0
    DayMade.objects.all().delete()
    assert own_events.make_birthdays(now=NOW) == 0
    club.decide()

    assert club.balance(today).spendable_points == 10
    event = Event.objects.get(kind="birthday")
    assert event.external_id == f"birthday:{today.id}:2026"
    assert event.occurred_at == datetime(2026, 11, 18, 4, tzinfo=UTC)
    assert event.facts is not None
    assert event.facts["is_birthday"] is True
    assert "amount" not in event.facts


def test_before_nine_the_day_has_not_come(club: Office) -> None:
    club.subscriber(birth_date=date(1990, 11, 18))
    early = datetime(2026, 11, 18, 3, 59, tzinfo=UTC)

    assert own_events.make_birthdays(now=early) == 0
    assert own_events.make_birthdays(now=early + timedelta(minutes=1)) == 1


def test_days_on_which_nobody_made_events_are_made_up_for(club: Office) -> None:
    for day in range(10, 21):
        club.subscriber(birth_date=date(1990, 11, day))
    own_events.make_birthdays(now=at_ten(2026, 11, 10))

    assert own_events.make_birthdays(now=at_ten(2026, 11, 18)) == 8
    assert own_events.make_birthdays(now=at_ten(2026, 11, 19)) == 1
    assert DayMade.objects.filter(kind="birthday").count() == 10


def test_days_that_are_older_than_the_programme_accepts_are_let_go(club: Office) -> None:
    club.subscriber(birth_date=date(1990, 3, 1), joined_at=NOW - timedelta(days=2_000))
    own_events.make_birthdays(now=at_ten(2026, 2, 20))

    assert own_events.make_birthdays(now=at_ten(2026, 11, 18)) == 0
    assert DayMade.objects.order_by("day").values_list("day", flat=True)[1] == date(2026, 8, 21)


def test_a_day_that_was_cut_off_is_made_to_its_end(
    club: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_events, "SUBSCRIBERS_PER_BATCH", 2)
    for _ in range(5):
        club.subscriber(birth_date=date(1990, 11, 18))
    ask, calls = inbox.ask_for_decisions, iter((True, False))

    def cut_off_the_second() -> None:
        ask()
        if not next(calls, True):
            raise DatabaseError("killed")

    monkeypatch.setattr(inbox, "ask_for_decisions", cut_off_the_second)
    with pytest.raises(DatabaseError):
        own_events.make_birthdays(now=NOW)
    assert len(made("birthday")) == 2

    monkeypatch.setattr(inbox, "ask_for_decisions", ask)
    assert own_events.make_birthdays(now=NOW) == 3
    assert len(made("birthday")) == 5


def test_an_anniversary_climbs_the_ladder_of_tenure(club: Office) -> None:
    of_years = {"kind": "compare", "field": "tenure_months", "op": "ge", "value": 12}
    club.publish("years", trigger=["tenure"], when=of_years, reward=TEN)
    who = club.subscriber(joined_at=datetime(2024, 10, 31, 6, tzinfo=UTC))

    day = date(2024, 11, 1)
    while day < date(2026, 11, 10):
        own_events.make_tenure(now=at_ten(day.year, day.month, day.day))
        day += timedelta(days=11)  # and what fell between is made up for
    club.now = at_ten(2026, 11, 10)
    club.decide()

    assert made("tenure") == sorted(f"tenure:{who.id}:{months}" for months in (1, 3, 6, 12, 24))
    on = {e.external_id: str(day_of(e.occurred_at)) for e in Event.objects.all()}
    assert on[f"tenure:{who.id}:1"] == "2024-11-30"
    assert on[f"tenure:{who.id}:12"] == "2025-10-31"
    granted = Decision.objects.filter(subscriber_id=who.id).values_list("granted", flat=True)
    assert list(granted) == [10, 10]


def test_the_settings_say_which_anniversaries_there_are(club: Office, settings: Any) -> None:
    settings.TENURE_MONTHS, settings.TENURE_EVERY_MONTHS = [2], 0
    who = club.subscriber(joined_at=NOW - timedelta(days=61))

    own_events.make_tenure(now=NOW)

    assert made("tenure") == [f"tenure:{who.id}:2"]


def test_the_jobs_choose_whom_the_rules_of_facts_choose(club: Office) -> None:
    """All births and joinings of some days around the end of February, by one run a day."""
    DAYS = st.dates(date(2023, 2, 25), date(2028, 3, 3))

    @settings(
        max_examples=15, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(st.lists(st.tuples(DAYS, DAYS), min_size=1, max_size=30), DAYS)
    def run(people: list[tuple[date, date]], on: date) -> None:
        Subscriber.objects.all().delete()
        DayMade.objects.all().delete()
        now = at_ten(on.year, on.month, on.day)
        there = []
        for born, joined in people:
            moment = at_ten(joined.year, joined.month, joined.day)
            there.append(club.subscriber(birth_date=born, joined_at=moment))
        own_events.make_birthdays(now=now)
        own_events.make_tenure(now=now)

        ids = [one.id for one in there]
        found = set(
            Event.objects.filter(subscriber_id__in=ids).values_list("kind", "subscriber_id")
        )
        expected = set()
        for one, (born, joined) in zip(there, people, strict=True):
            if is_birthday(born, on) and born < on and joined < on:
                expected.add(("birthday", one.id))
            months = whole_months(joined, on)
            is_new = joined < on and months > whole_months(joined, on - timedelta(days=1))
            if is_new and (months in (1, 3, 6) or months % 12 == 0):
                expected.add(("tenure", one.id))
        assert found == expected

    run()


# ---- visits ------------------------------------------------------------------------------------
def test_a_visit_counts_once_a_day_in_tashkent(club: Office) -> None:
    club.publish("daily", trigger=["app_visit"], when=ANY, reward=TEN)
    who = club.subscriber()
    before_midnight = datetime(2026, 11, 18, 18, 59, tzinfo=UTC)

    def visits(at: datetime) -> bool:
        return own_events.visit(subscriber_id=who.id, platform="android", now=at)

    assert [visits(NOW), visits(before_midnight)] == [True, False]
    assert visits(before_midnight + timedelta(minutes=1))
    club.now = before_midnight + timedelta(minutes=1)
    club.decide()

    assert club.balance(who).spendable_points == 20
    assert {e.facts["platform"] for e in Event.objects.all() if e.facts} == {"android"}


def test_a_visit_of_nobody_or_without_a_programme_stops_nobody(db: None) -> None:
    who = Office().subscriber()

    assert not own_events.visit(subscriber_id=who.id, platform="", now=NOW)
    assert not own_events.visit(subscriber_id=0, platform="", now=NOW)
    assert not Event.objects.exists()

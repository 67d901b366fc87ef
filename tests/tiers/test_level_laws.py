"""Whatever happens, in whatever order: levels moved after each batch and each night are those of the
story told day by day, and those of one run from scratch."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from club.accrual import inbox
from club.accrual.models import Kind
from club.clock import day_of
from club.subscribers.models import Subscriber
from club.tiers import actions as tiers
from club.tiers import measuring, queries
from club.tiers.models import Standing
from tests.accrual.conftest import Office
from tests.missing import tries
from tests.tiers.ladders import put
from tests.tiers.months import Ladder

pytestmark = pytest.mark.django_db
PEOPLE = 3
SCHEMES: dict[str, tuple[str, Ladder]] = {
    "rolling": ("points", Ladder(1, 3, 5, 1, (40, 90, 150))),
    "quarter": ("points", Ladder(3, 3, 0, None, (30, 120))),
    "paid": ("money_tiyin", Ladder(1, 1, 10, 2, (3_000_000, 6_000_000, 9_000_000))),
    "often": ("events", Ladder(1, 2, 0, 1, (2, 4, 6))),
    "active": ("active_days", Ladder(6, 6, 27, 1, (1, 3, 5))),
    "ever": ("points", Ladder(12, None, 0, 1, (60, 200))),
    "years": ("tenure_months", Ladder(12, None, 0, 1, (4, 7))),
}

hundreds = st.one_of(st.integers(1, 9), st.integers(10, 600))  # below ten they bring no point
pays = st.tuples(st.just("pays"), st.integers(0, PEOPLE - 1), hundreds, st.integers(0, 50))
cancels = st.tuples(st.just("cancels"), st.integers(0, 20))
cancelled_first = st.tuples(
    st.just("cancelled first"), st.integers(0, PEOPLE - 1), hundreds, st.integers(0, 50)
)
days_pass = st.tuples(st.just("days pass"), st.integers(1, 40))
deeds = st.lists(st.one_of(pays, pays, cancels, cancelled_first, days_pass), max_size=14)


@dataclass
class Month:
    """The club, its people, and what they paid for good: (who, day, hundreds of so'm)."""

    club: Office
    people: list[Subscriber]
    paid: dict[str, tuple[int, date, int]] = field(default_factory=dict)
    is_cancelled: set[str] = field(default_factory=set)

    def does(self, deed: tuple[Any, ...]) -> None:
        match deed:
            case ("pays", who, hundreds, days_late):
                self.pays(who, hundreds, days_late)
                self.works()
            case ("cancels", number) if number < len(self.paid):
                self.cancels(list(self.paid)[number])
                self.works()
            case ("cancelled first", who, hundreds, days_late):
                self.cancels(f"p-{len(self.paid)}")
                self.works()
                self.pays(who, hundreds, days_late)
                self.works()
            case ("days pass", number):
                self.club.later(days=number)
                tiers.recompute(now=self.club.now)

    def pays(self, who: int, hundreds: int, days_late: int) -> None:
        at = self.club.now - timedelta(days=days_late)
        key = f"p-{len(self.paid)}"
        self.paid[key] = (who, day_of(at), hundreds)
        self.club.pays(self.people[who], hundreds * 100, at=at, external_id=key)

    def cancels(self, key: str) -> None:
        self.is_cancelled.add(key)
        inbox.receive(
            [inbox.Incoming("espp", Kind.CANCELLATION, key, "", self.club.now, 0, "app", {})],
            now=self.club.now,
        )

    def works(self) -> None:
        """The batch is decided, and the jobs that it asked for run."""
        self.club.decide()
        with connection.cursor() as cursor:
            cursor.execute(
                "delete from procrastinate_jobs where task_name = 'tiers.reconsider'"
                " returning args::text"
            )
            jobs = [json.loads(args) for (args,) in cursor.fetchall()]
        for job in jobs:
            asked = [int(one) for one in job["subscriber_ids"].split(",")]
            tiers.reconsider(subscriber_ids=asked, now=self.club.now)

    def told(self, code: str, who: int) -> int:
        """The rank that the story gives."""
        measure, ladder = SCHEMES[code]
        today, joined_on = day_of(self.club.now), day_of(self.people[who].joined_at)
        if measure == "tenure_months":
            months = sum(anniversary(joined_on, number) <= today for number in range(1, 60))
            return sum(months >= threshold for threshold in ladder.thresholds)
        amounts: dict[date, int] = {}
        for key, (payer, day, hundreds) in self.paid.items():
            if payer == who and key not in self.is_cancelled:
                counts = {"points": hundreds // 10, "money_tiyin": hundreds * 10_000, "events": 1}
                if measure == "active_days":
                    amounts[day] = 1
                else:
                    amounts[day] = amounts.get(day, 0) + counts[measure]
        return ladder.rank_on(today, amounts, joined_on=joined_on)


def anniversary(day: date, months: int) -> date:
    month = day.year * 12 + day.month - 1 + months
    for last in (day.day, 30, 29, 28):
        try:
            return date(month // 12, month % 12 + 1, min(last, day.day))
        except ValueError:
            continue
    raise AssertionError


def ranks(people: Sequence[Subscriber]) -> dict[str, list[int]]:
    found = dict.fromkeys(SCHEMES, ())
    return {
        code: [
            next(
                (
                    one.tier.rank
                    for one in Standing.objects.filter(
                        subscriber_id=who.id, scheme=code, until=None
                    ).select_related("tier")
                ),
                0,
            )
            for who in people
        ]
        for code in found
    }


def opened() -> Month:
    club = Office(now=datetime.fromisoformat("2026-10-30T12:00+05:00")).open()
    club.publish("everyday")
    for code, (measure, ladder) in SCHEMES.items():
        put(
            code,
            *ladder.thresholds,
            measure=measure,
            period_months=ladder.period_months,
            window_months=ladder.window_months,
            grace_days=ladder.grace_days,
            landing_steps=ladder.landing_steps,
        )
    joined_at = club.now - timedelta(days=100)
    month = Month(club, [club.subscriber(joined_at=joined_at) for _ in range(PEOPLE)])
    tiers.recompute(now=club.now)
    return month


@settings(
    max_examples=tries(15, quick=5),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(deeds)
@example([("pays", 0, 600, 0), ("days pass", 40), ("cancels", 0)])
@example([("pays", 0, 5, 0), ("pays", 0, 5, 0), ("cancelled first", 0, 5, 0)])
def test_levels_moved_step_by_step_are_those_of_the_story_and_of_one_run_from_scratch(history):
    with transaction.atomic():
        month = opened()
        for deed in history:
            month.does(deed)

        moved = ranks(month.people)
        assert moved == {code: [month.told(code, who) for who in range(PEOPLE)] for code in SCHEMES}
        told = {
            progress.scheme.code: (progress.tier.rank, progress.falls_to is None)
            for progress in queries.progress(subscriber_id=month.people[0].id, now=month.club.now)
        }
        assert {code: rank for code, (rank, _) in told.items() if code in SCHEMES} == {
            code: moved[code][0] for code in SCHEMES
        }

        Standing.objects.all().delete()
        tiers.recompute(now=month.club.now)
        assert ranks(month.people) == moved
        assert tiers.recompute(now=month.club.now) == tiers.Moved()
        transaction.set_rollback(True)


@settings(
    max_examples=tries(8, quick=3),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(deeds)
def test_who_is_said_to_fall_falls_on_that_very_day_if_nothing_more_comes(history):
    with transaction.atomic():
        month = opened()
        for deed in history:
            month.does(deed)
        for ladder in measuring.ladders():
            falling = queries.falling(ladder, day=day_of(month.club.now))
            before = ranks(month.people)
            for one in falling:
                with transaction.atomic():
                    eve = datetime.combine(one.on, datetime.min.time(), month.club.now.tzinfo)
                    tiers.reconsider(
                        subscriber_ids=[one.subscriber_id], now=eve - timedelta(seconds=1)
                    )
                    assert standing(one.subscriber_id, ladder) == one.tier.rank
                    tiers.reconsider(subscriber_ids=[one.subscriber_id], now=eve)
                    assert standing(one.subscriber_id, ladder) == one.falls_to.rank
                    transaction.set_rollback(True)
            assert ranks(month.people) == before
            for who in month.people:
                (said,) = (
                    progress
                    for progress in queries.progress(subscriber_id=who.id, now=month.club.now)
                    if progress.scheme == ladder.scheme
                )
                (listed,) = [one for one in falling if one.subscriber_id == who.id] or [None]
                assert said.falls_to == (listed and listed.falls_to)
                assert said.falls_on == (listed and listed.on)
        transaction.set_rollback(True)


def standing(subscriber_id: int, ladder: measuring.Ladder) -> int:
    one = Standing.objects.filter(
        subscriber_id=subscriber_id, scheme=ladder.scheme, until=None
    ).first()
    return one.tier.rank if one else 0


def test_the_same_month_in_order_shuffled_and_doubled_ends_in_the_same_levels():
    chance = Random(7)
    payments = [
        (f"m-{number}", chance.randrange(PEOPLE), chance.randint(5, 150), chance.randrange(31 * 24))
        for number in range(60)
    ]
    deliveries = [(Kind.PAYMENT, *payment) for payment in payments]
    deliveries += [(Kind.CANCELLATION, *payment) for payment in payments[::4]]
    in_order = sorted(deliveries, key=lambda one: (-one[4], one[0] == Kind.CANCELLATION))
    shuffled = deliveries * 2
    chance.shuffle(shuffled)

    ends = []
    for order in (in_order, shuffled, in_order[::-1]):
        with transaction.atomic():
            month = opened()
            for kind, key, who, hundreds, hours in order:
                deliver(month, kind, key, month.people[who], hundreds, hours)
                if chance.random() < 0.2:
                    month.works()
            month.works()
            ends.append((ranks(month.people), [month.club.balance(who) for who in month.people]))
            transaction.set_rollback(True)

    assert ends[0] == ends[1] == ends[2]
    assert len({rank for per_scheme in ends[0][0].values() for rank in per_scheme}) > 2


def deliver(month: Month, kind: Kind, key: str, who: Subscriber, hundreds: int, hours: int) -> None:
    at = month.club.now - timedelta(hours=hours)
    event = inbox.Incoming("espp", kind, key, who.msisdn, at, hundreds * 10_000, "app", {})
    inbox.receive([event], now=month.club.now)

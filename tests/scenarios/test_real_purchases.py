"""The demo's real purchases go in through the register, and the books equal a computation that
knows nothing of the product: plain Python over the CSV with the demo programme's rule by hand. Only who
stood on which level is taken from the product (tests/tiers works levels out by hand)."""

import csv
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from club.accrual import queries as accrued
from club.accrual.models import Conflict
from club.clock import TASHKENT
from club.demo import programme, purchases
from club.integrations.espp import register
from club.ledger import queries as books
from club.subscribers.models import Subscriber
from club.tiers import queries as standings
from club.tiers.models import Standing

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def the_demo_folder(settings, tmp_path):
    settings.HOME, settings.IS_DEMO = tmp_path, True


CSV = Path(purchases.__file__).with_name("purchases.csv")
NOW = datetime(2026, 11, 18, 15, 0, tzinfo=TASHKENT)
TODAY, YESTERDAY = date(2026, 11, 18), date(2026, 11, 17)
LAST_PURCHASE = date(1998, 6, 30)


@dataclass
class Expected:
    payments: int = 0
    refused: int = 0
    earned: int = 0
    promised: int = 0
    expired: int = 0


BOOSTS = {"bronze": 100, "silver": 110, "gold": 125, "platinum": 150}


def top_up_points(
    sum_uzs: float, *, is_app: bool, is_premium: bool, percent: int, level: str
) -> int:
    """The demo's rule "top-up" as its author would say it."""
    if sum_uzs < 5_000:
        return 0
    if is_app and is_premium:
        base = int(sum_uzs // 1_000) * 2
    elif is_app:
        base = int(sum_uzs // 2_000) * 3
    elif is_premium:
        base = int(sum_uzs // 4_000) * 5
    else:
        base = int(sum_uzs // 1_000)
    return min(base * percent * BOOSTS[level] // 10_000, 5_000)


def good_until(day: date) -> date:
    """The end of the month, a year after the day."""
    if day.month == 12:
        return date(day.year + 1, 12, 31)
    return date(day.year + 1, day.month + 1, 1) - timedelta(days=1)


def moment_of(row: purchases.Purchase) -> datetime:
    day = row.on + (YESTERDAY - LAST_PURCHASE)
    return datetime.combine(day, time(10), TASHKENT) + timedelta(seconds=row.line)


def levels() -> dict[int, str]:
    """On which level each payment's customer stood at its moment, by the line of the payment."""
    ids = dict(Subscriber.objects.values_list("msisdn", "id"))
    moments = {
        row.line: (ids[purchases.msisdn(row.customer)], moment_of(row))
        for row in purchases.purchases()
    }
    found = standings.tiers_at(moments.values(), base="bronze")
    return {line: found.get(moment, "bronze") for line, moment in moments.items()}


def computed() -> tuple[Expected, Counter[int]]:
    """The totals, and what each customer has today."""
    level_at = levels()
    expected, holds = Expected(), Counter[int]()
    with CSV.open(encoding="utf-8") as file:
        for number, row in enumerate(csv.DictReader(file), start=1):
            customer, sum_uzs = int(row["customer_id"]), round(float(row["usd"]) * 100) * 125.0
            if sum_uzs == 0:
                expected.refused += 1
                continue
            day = date.fromisoformat(row["date"]) + (YESTERDAY - LAST_PURCHASE)
            born = (1 + customer % 12, 1 + customer % 28)
            percent = 200 if (day.month, day.day) == born else 120 if day.weekday() >= 5 else 100
            is_app = number % 4 == 0
            points = top_up_points(
                sum_uzs,
                is_app=is_app,
                is_premium=customer % 3 == 2,
                percent=percent,
                level=level_at[number],
            )
            expected.payments += 1
            grants = [(day, points)]
            if is_app and sum_uzs >= 50_000:
                # The gift is promised for the third day after the payment, at the same hour of
                # the morning; its life begins when it can be spent.
                kept_on = day + timedelta(days=3)
                if kept_on <= TODAY:
                    grants.append((kept_on, 25))
                else:
                    expected.promised += 25
            for spendable_on, granted in grants:
                expected.earned += granted
                if good_until(spendable_on) < TODAY:
                    expected.expired += granted
                else:
                    holds[customer] += granted
    return expected, holds


def test_the_printed_totals_equal_an_independent_computation():
    said: list[str] = []
    programme.load(now=NOW)
    purchases.seed(now=NOW, echo=said.append)

    expected, holds = computed()
    assert expected.payments + expected.refused == 6_919
    totals = books.totals()
    assert totals.issued_points == expected.earned
    assert totals.pending_points == expected.promised
    assert totals.expired_points == expected.expired
    assert totals.outstanding_points == expected.earned - expected.expired == sum(holds.values())
    assert accrued.totals().granted_points == expected.earned + expected.promised
    assert accrued.counts_by_state()["decided"] == expected.payments
    assert said == [
        f"register: received 6919, new {expected.payments}, duplicate 0, conflicting 0,"
        f" rejected {expected.refused}",
        f"accrual: {accrued.totals().summary()}",
        f"books: {totals.summary()}",
    ]
    assert books.prove() == []
    # Levels have risen and fallen on the way, and count.
    assert {*levels().values()} == {"bronze", "silver", "gold", "platinum"}
    assert Standing.objects.filter(until__isnull=False).count() > 100

    ids = dict(Subscriber.objects.values_list("msisdn", "id"))
    for customer in range(1, 2_358):
        balance = books.balance(subscriber_id=ids[purchases.msisdn(customer)], day=TODAY)
        assert balance.spendable_points == holds[customer], f"customer {customer}"


def test_a_second_start_of_the_demo_takes_nothing_twice():
    programme.load(now=NOW)
    purchases.seed(now=NOW, echo=lambda line: None)
    before = books.totals()

    said: list[str] = []
    programme.load(now=NOW + timedelta(days=1))
    purchases.seed(now=NOW + timedelta(days=1), echo=said.append)

    assert said == []
    assert books.totals() == before


class PowerFailure(Exception):
    """In the middle of a register."""


def test_a_demo_that_was_cut_off_is_completed_on_another_day(monkeypatch: pytest.MonkeyPatch):
    programme.load(now=NOW)
    whole, taken = register.take, count()

    def failing(stream: BytesIO, **how: Any) -> Any:
        if next(taken) < 7:
            return whole(stream, **how)
        lines = stream.getvalue().splitlines(keepends=True)
        whole(BytesIO(b"".join(lines[: len(lines) // 2])), **how)
        raise PowerFailure

    monkeypatch.setattr(register, "take", failing)
    with pytest.raises(PowerFailure):
        purchases.seed(now=NOW, echo=lambda line: None)
    monkeypatch.undo()

    purchases.seed(now=NOW + timedelta(days=1), echo=lambda line: None)

    expected, _ = computed()
    assert accrued.counts_by_state()["decided"] == expected.payments
    assert Conflict.objects.count() == 0
    totals = books.totals()
    assert totals.issued_points + totals.pending_points == expected.earned + expected.promised
    assert books.prove() == []


def test_the_demo_is_not_loaded_over_somebody_else_s_subscribers():
    purchases.require_demo_database()
    Subscriber.objects.create(msisdn="998939999999", joined_at=NOW)

    with pytest.raises(purchases.NotADemoDatabase, match="another DATABASE_URL"):
        purchases.require_demo_database()

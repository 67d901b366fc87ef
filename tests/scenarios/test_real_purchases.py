"""The demo's real purchases go in through the register, and the books equal a computation that
knows nothing of the product: plain Python over the CSV with the demo programme's rule by hand."""

import csv
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from club.accrual import queries as accrued
from club.accrual.models import Conflict
from club.clock import TASHKENT
from club.demo import programme, purchases
from club.integrations.espp import register
from club.ledger import queries as books
from club.subscribers.models import Subscriber

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


def top_up_points(sum_uzs: float, *, is_app: bool, is_premium: bool, percent: int) -> int:
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
    return min(base * percent // 100, 5_000)


def good_until(day: date) -> date:
    """The end of the month, a year after the day."""
    if day.month == 12:
        return date(day.year + 1, 12, 31)
    return date(day.year + 1, day.month + 1, 1) - timedelta(days=1)


def computed() -> tuple[Expected, Counter[int]]:
    """The totals, and what each customer has today."""
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
                sum_uzs, is_app=is_app, is_premium=customer % 3 == 2, percent=percent
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


def cut_off(*, lines: int, folder: Path) -> None:
    """What a first start leaves when the power fails in the middle of its register."""
    moved_by = YESTERDAY - LAST_PURCHASE
    rows = list(purchases.purchases())
    first_on: dict[int, date] = {}
    for row in rows:
        first_on[row.customer] = min(row.on, first_on.get(row.customer, row.on))
    Subscriber.objects.bulk_create(
        purchases.subscriber(who, joined_on=on + moved_by) for who, on in sorted(first_on.items())
    )
    whole = folder / "demo" / purchases.REGISTER_NAME
    whole.parent.mkdir()
    with whole.open("w", encoding="utf-8", newline="") as stream:
        register.write_csv((purchases.payment(row, moved_by=moved_by) for row in rows), stream)
    part = folder / "part.csv"
    part.write_text("".join(whole.read_text("utf-8").splitlines(keepends=True)[:lines]), "utf-8")
    register.take(part, name=purchases.REGISTER_NAME, now=NOW)


def test_a_cut_off_register_is_completed_on_another_day(tmp_path: Path):
    programme.load(now=NOW)
    cut_off(lines=3_000, folder=tmp_path)

    purchases.seed(now=NOW + timedelta(days=1), echo=lambda line: None)

    expected, _ = computed()
    assert accrued.counts_by_state()["decided"] == expected.payments
    assert Conflict.objects.count() == 0
    assert books.prove() == []


def test_the_demo_is_not_loaded_over_somebody_else_s_subscribers():
    purchases.require_demo_database()
    Subscriber.objects.create(msisdn="998939999999", joined_at=NOW)

    with pytest.raises(purchases.NotADemoDatabase, match="another DATABASE_URL"):
        purchases.require_demo_database()

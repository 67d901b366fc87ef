"""The payment history of the demo: real purchases, taken in through the register like any other."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from importlib import resources
from pathlib import Path

from django.conf import settings
from django.db import connection

from club.accrual import actions as accrual
from club.accrual import queries as accrued
from club.accrual.models import Register
from club.clock import TASHKENT, day_of, last_day_of_month
from club.errors import ClubError
from club.integrations.espp import register
from club.ledger import actions as ledger
from club.ledger import queries as books
from club.subscribers.models import Subscriber
from club.tiers import actions as tiers

REGISTER_NAME = "demo-purchases.csv"
TIYIN_PER_CENT = 12_500  # one dollar is taken as 12,500 so'm
TARIFFS = ("start", "plus", "premium")
REGIONS = ("TAS", "SAM", "BUX", "FAR", "QAR")
AGENTS = ("beepul", "paynet", "bank", "shop")
LANGUAGES = ("uz", "uz-cyrl", "ru", "kaa", "en")
BATCH_ROWS = 2_000


@dataclass(frozen=True)
class Purchase:
    line: int
    customer: int
    on: date
    amount_tiyin: int


def purchases() -> Iterator[Purchase]:
    """The rows of `purchases.csv`, amounts in tiyin, dates as they were."""
    with resources.files("club.demo").joinpath("purchases.csv").open(encoding="utf-8") as file:
        for line, row in enumerate(csv.DictReader(file), start=1):
            cents = int(row["usd"].replace(".", ""))
            yield Purchase(
                line=line,
                customer=int(row["customer_id"]),
                on=date.fromisoformat(row["date"]),
                amount_tiyin=cents * TIYIN_PER_CENT,
            )


def msisdn(customer: int) -> str:
    """A number of the demo's own for each customer.

    >>> msisdn(1)
    '998901003571'
    """
    return f"99890{1_000_000 + customer * 3_571}"


def subscriber(customer: int, *, joined_on: date) -> Subscriber:
    """Who a customer is in the demo; every attribute follows from the number."""
    return Subscriber(
        msisdn=msisdn(customer),
        tariff=TARIFFS[customer % len(TARIFFS)],
        region=REGIONS[customer % len(REGIONS)],
        language=LANGUAGES[customer % len(LANGUAGES)],
        birth_date=date(1960 + customer % 45, 1 + customer % 12, 1 + customer % 28),
        joined_at=datetime.combine(joined_on, time(9), TASHKENT),
    )


def payment(purchase: Purchase, *, moved_by: timedelta) -> register.AgentPayment:
    """A purchase as a line of an agent's daily register."""
    paid_at = datetime.combine(purchase.on + moved_by, time(10), TASHKENT)
    return register.AgentPayment(
        agent=AGENTS[purchase.line % len(AGENTS)],
        payment_id=f"demo-{purchase.line:05}",
        terminal=f"T{purchase.line % 40:02}",
        msisdn=msisdn(purchase.customer),
        amount_tiyin=purchase.amount_tiyin,
        paid_at=paid_at + timedelta(seconds=purchase.line),
    )


class NotADemoDatabase(ClubError):
    code = "not_a_demo_database"


def require_demo_database() -> None:
    """Raises NotADemoDatabase where somebody else's subscribers are.

    The demo brings its own programme over whatever is there, and logins whose passwords everybody
    knows: a DATABASE_URL that was meant for something else must not get them.
    """
    if Register.objects.filter(name=REGISTER_NAME).exists():
        return
    ours = {msisdn(row.customer) for row in purchases()}
    if Subscriber.objects.exclude(msisdn__in=ours).exists():
        raise NotADemoDatabase(
            "this database holds subscribers that are not the demo's, so the demo is not loaded:"
            " give another DATABASE_URL, or start with CLUB_DEMO=0"
        )


def seed(*, now: datetime, echo: Callable[[str], object]) -> None:
    """Make the demo's subscribers and take their payments in, once; print the totals.

    The last purchase becomes yesterday's. Everything goes through the register's intake and the
    accrual jobs; nothing is written into the books from here. One that was cut off goes on where
    it stopped: the file it had made is taken again, and what went in is a duplicate.
    """
    rows = list(purchases())
    if Register.objects.filter(name=REGISTER_NAME, received__gte=len(rows)).exists():
        return
    moved_by = day_of(now) - timedelta(days=1) - max(row.on for row in rows)
    first_on: dict[int, date] = {}
    for row in rows:
        first_on[row.customer] = min(row.on, first_on.get(row.customer, row.on))
    Subscriber.objects.bulk_create(
        [subscriber(who, joined_on=on + moved_by) for who, on in sorted(first_on.items())],
        ignore_conflicts=True,
        batch_size=BATCH_ROWS,
    )

    file = Path(settings.HOME) / "demo" / REGISTER_NAME
    if not file.exists() or not Register.objects.filter(name=REGISTER_NAME).exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("w", encoding="utf-8", newline="") as stream:
            register.write_csv((payment(row, moved_by=moved_by) for row in rows), stream)
    counts = register.take(file, name=REGISTER_NAME, now=now)
    echo(f"register: {counts.summary()}")

    while accrual.decide_batch(now=now, limit=BATCH_ROWS).taken:
        pass
    while ledger.keep_promises(now=now, limit=BATCH_ROWS):
        pass
    _expire_month_by_month(since=min(first_on.values()) + moved_by, until=day_of(now))
    tiers.recompute(now=now)
    tiers.note_forecast(now=now)
    with connection.cursor() as cursor:
        cursor.execute("analyze")
    echo(f"accrual: {accrued.totals().summary()}")
    echo(f"books: {books.totals().summary()}")


def _expire_month_by_month(*, since: date, until: date) -> None:
    """As the daily job would have done it, so that the history tells when points were lost."""
    day = since
    while day < until:
        day = min(last_day_of_month(day) + timedelta(days=1), until)
        _expire(day)


def _expire(day: date) -> None:
    ledger.walk(lambda after: ledger.expire_due(day=day, limit=BATCH_ROWS, after=after))

"""The payment history of the demo: real purchases, taken in through registers like any other."""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from importlib import resources
from io import BytesIO, StringIO
from itertools import groupby

from django.db import connection

from club.accrual import actions as accrual
from club.accrual import queries as accrued
from club.accrual.counts import Counts
from club.accrual.models import Register
from club.clock import TASHKENT, day_of, last_day_of_month
from club.errors import ClubError
from club.integrations.espp import register
from club.ledger import actions as ledger
from club.ledger import queries as books
from club.subscribers.models import Subscriber
from club.tiers import actions as tiers

REGISTERS = "demo-purchases"
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
    if Register.objects.filter(name__startswith=REGISTERS).exists():
        return
    ours = {msisdn(row.customer) for row in purchases()}
    if Subscriber.objects.exclude(msisdn__in=ours).exists():
        raise NotADemoDatabase(
            "this database holds subscribers that are not the demo's, so the demo is not loaded:"
            " give another DATABASE_URL, or start with CLUB_DEMO=0"
        )


def seed(*, now: datetime, echo: Callable[[str], object]) -> None:
    """Make the demo's subscribers and take their payments in, once; print the totals.

    The last purchase becomes yesterday's. Everything goes through registers, one a month, and through
    the jobs of accrual; nothing is written into the books from here. One that was cut off goes on
    where it stopped: a register that was not finished is taken again, and what went in is a duplicate.
    """
    rows = sorted(purchases(), key=lambda row: (row.on, row.line))
    first_on: dict[int, date] = {}
    for row in rows:
        first_on.setdefault(row.customer, row.on)
    moved_by = _moved_by(first_on, last_on=rows[-1].on, now=now)
    months = {
        month: [payment(row, moved_by=moved_by) for row in paid]
        for month, paid in groupby(rows, key=lambda row: last_day_of_month(row.on + moved_by))
    }
    if _is_lived(*max(months.items())):
        return
    Subscriber.objects.bulk_create(
        [subscriber(who, joined_on=on + moved_by) for who, on in sorted(first_on.items())],
        ignore_conflicts=True,
        batch_size=BATCH_ROWS,
    )
    counts = Counts()
    for month, paid in months.items():
        if not _is_lived(month, paid):
            counts += _live(month, paid, now=now)
    echo(f"register: {counts.summary()}")
    tiers.note_forecast(now=now)
    with connection.cursor() as cursor:
        cursor.execute("analyze")
    echo(f"accrual: {accrued.totals().summary()}")
    echo(f"books: {books.totals().summary()}")


def _moved_by(first_on: Mapping[int, date], *, last_on: date, now: datetime) -> timedelta:
    """From the days of the purchases to those of the demo: as they were moved when it was begun."""
    customer, first = min(first_on.items())
    begun = Subscriber.objects.filter(msisdn=msisdn(customer)).first()
    if begun is not None:
        return day_of(begun.joined_at) - first
    return day_of(now) - timedelta(days=1) - last_on


def _name_of(month: date) -> str:
    return f"{REGISTERS}-{month:%Y-%m}.csv"


def _is_lived(month: date, paid: Sequence[register.AgentPayment]) -> bool:
    return Register.objects.filter(name=_name_of(month), received__gte=len(paid)).exists()


def _live(month: date, paid: Sequence[register.AgentPayment], *, now: datetime) -> Counts:
    """A month, as its jobs would have done it: its payments are decided by the levels of their time, and
    the history tells when points were lost. `month` is its last day."""
    text = StringIO()
    register.write_csv(paid, text)
    stream = BytesIO(text.getvalue().encode())
    counts = register.take(stream, name=_name_of(month), now=now)
    while accrual.decide_batch(now=now, limit=BATCH_ROWS).taken:
        pass
    _end_a_day(min(datetime.combine(month + timedelta(days=1), time(), TASHKENT), now))
    return counts


def _end_a_day(now: datetime) -> None:
    while ledger.keep_promises(now=now, limit=BATCH_ROWS):
        pass
    day = day_of(now)
    ledger.walk(lambda after: ledger.expire_due(day=day, limit=BATCH_ROWS, after=after))
    tiers.recompute(now=now)

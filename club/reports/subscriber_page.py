"""Everything that the office shows about one subscriber, read in a fixed number of queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from club.clock import day_of, months_later
from club.ledger import history as ledger_history
from club.ledger import queries as ledger
from club.messages import queries as messages
from club.orders import queries as orders
from club.orders.models import Order
from club.programme import queries as programmes
from club.reports import decisions, statement
from club.reports.decisions import ExplainedEvent
from club.reports.why import telling
from club.reports.why.reader import Reader
from club.reports.why.telling import Told
from club.subscribers.models import Subscriber
from club.tiers import queries as tiers
from club.tiers.models import Tier

ORDERS_MAX = 20
MESSAGES_MAX = 20
FRUITLESS_EVENTS_MAX = 20
HISTORY_MONTHS = 12


@dataclass(frozen=True)
class ReasonedLine:
    """A line of the history, and for an accrual the event and the decisions behind it, with the one
    sentence about it in the subscriber's language."""

    line: statement.StatementLine
    event: ExplainedEvent | None
    told: Told | None

    @property
    def decisions(self) -> Sequence[decisions.ExplainedDecision]:
        """That of the line's rule, then of those that gave nothing for the same event; whatever
        else gave points has a line of its own."""
        if self.event is None:
            return ()
        mine = [d for d in self.event.decisions if d.rule_id == self.line.rule_id]
        return mine + [d for d in self.event.decisions if d not in mine and not d.granted]


@dataclass(frozen=True)
class Missed:
    """An event that moved no points, and as its subscriber hears it."""

    explained: ExplainedEvent
    told: Told


@dataclass(frozen=True)
class SubscriberPage:
    """`balance`, its worth and `lots` are those of `at`, a past moment, or of now (None). A point is
    worth what it is worth now."""

    day: date
    at: datetime | None
    balance: ledger.Balance
    worth_tiyin: int
    point_worth_tiyin: int
    tier: Tier
    levels: Sequence[tiers.Progress]
    lots: Sequence[ledger.Lot]
    history: Sequence[ledger_history.DayBalance]
    lines: Sequence[ReasonedLine]
    next: str | None
    fruitless: Sequence[Missed]
    reader: Reader
    orders: Sequence[Order]
    messages: Sequence[messages.Told]


def view(
    *,
    subscriber: Subscriber,
    language: str,
    before: str | None,
    lines_max: int,
    now: datetime,
    at: datetime | None = None,
) -> SubscriberPage:
    """One subscriber at `now`, with the history before the cursor `before` in `language`; with `at`,
    what there was to spend at that moment.

    Raises BadCursor, MomentInFuture, BeforeTheBooks.
    """
    today = day_of(now)
    programme = programmes.current()
    balance, lots = _points(subscriber.id, today, at)
    page = statement.page(
        subscriber_id=subscriber.id, language=language, before=before, limit=lines_max
    )
    events = decisions.explained(
        subscriber_id=subscriber.id,
        event_ids=[line.event_id for line in page.lines if line.event_id is not None],
        fruitless_max=FRUITLESS_EVENTS_MAX,
    )
    reader = telling.reader(subscriber, language=subscriber.language, today=today)
    return SubscriberPage(
        day=today,
        at=at,
        balance=balance,
        worth_tiyin=balance.spendable_points * programme.point_worth_tiyin,
        point_worth_tiyin=programme.point_worth_tiyin,
        tier=tiers.tier_of(subscriber_id=subscriber.id, base=programme.base_tier),
        levels=tiers.progress(subscriber_id=subscriber.id, now=now),
        lots=lots,
        history=ledger_history.balance_by_day(
            subscriber_id=subscriber.id, since=months_later(today, -HISTORY_MONTHS), until=today
        ),
        lines=[_reasoned(line, events.get(line.event_id or 0), reader) for line in page.lines],
        next=page.next,
        fruitless=[
            Missed(event, telling.tell(event, reader, most=telling.WEIGHED_MAX))
            for event in events.values()
            if not event.granted
        ],
        reader=reader,
        orders=list(orders.of_subscriber(subscriber_id=subscriber.id)[:ORDERS_MAX]),
        messages=messages.of_subscriber(subscriber_id=subscriber.id, limit=MESSAGES_MAX),
    )


def _reasoned(
    line: statement.StatementLine, event: ExplainedEvent | None, reader: Reader
) -> ReasonedLine:
    told = telling.tell(event, reader, rule_id=line.rule_id, most=1) if event else None
    return ReasonedLine(line, event, told)


def _points(
    subscriber_id: int, today: date, at: datetime | None
) -> tuple[ledger.Balance, Sequence[ledger.Lot]]:
    if at is None:
        balance = ledger.balance(subscriber_id=subscriber_id, day=today)
        return balance, ledger.lots(subscriber_id=subscriber_id, day=today)
    balance = ledger.balance_at(subscriber_id=subscriber_id, at=at)
    return balance, ledger.lots_at(subscriber_id=subscriber_id, at=at)

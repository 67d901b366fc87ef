"""Builders for the stories at the desk where points are put right: one subscriber, short verbs."""

from datetime import UTC, date, datetime, timedelta
from itertools import count
from uuid import UUID

from club.ledger import actions as ledger
from club.ledger import queries
from club.ledger.queries import Balance, Lot
from club.ledger.rules import ClawbackPolicy, Kind, Source, fingerprint_of, hold_ref

DAY = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
SOON, LATER = date(2026, 12, 31), date(2027, 6, 30)
AZIZA = 77
HOLD = UUID(int=5)
CONTENT = fingerprint_of("desk")
_newcomers = count(10_000)


def newcomer() -> int:
    """Someone without points: each example of a law begins with one."""
    return next(_newcomers)


def earns(
    ref: str,
    points: int,
    *,
    expires_on: date = SOON,
    fund: int = 0,
    on: date = DAY,
    who: int = AZIZA,
) -> None:
    accrual = ledger.Accrual(who, ref, on, points, expires_on, fund, fingerprint_of(points))
    assert ledger.post_many(source=Source.ACCRUAL, accruals=[accrual]).fresh == 1


def spends(points: int, *, ref: str = "s", day: date = DAY, who: int = AZIZA) -> ledger.Booked:
    return ledger.spend(
        subscriber_id=who,
        source=Source.ORDER,
        ref=ref,
        day=day,
        points=points,
        fingerprint=CONTENT,
    )


def held(points: int, *, hold_id: UUID = HOLD) -> ledger.Booked:
    return ledger.hold(
        subscriber_id=AZIZA,
        hold_id=hold_id,
        day=DAY,
        points=points,
        now=NOW,
        lifetime=timedelta(minutes=15),
        fingerprint=CONTENT,
    )


def takes_back(
    ref: str,
    of_ref: str,
    points: int | None = None,
    *,
    of_source: int = Source.ACCRUAL,
    content: bytes = CONTENT,
    policy: ClawbackPolicy = ClawbackPolicy.OTHER_LOTS,
    who: int = AZIZA,
) -> ledger.Booked:
    """A credit, by the cancellation of what it was for."""
    return ledger.reverse(
        subscriber_id=who,
        source=Source.STAFF,
        ref=ref,
        day=DAY,
        of_source=of_source,
        of_ref=of_ref,
        of_day=DAY,
        points=points,
        fingerprint=content,
        policy=policy,
    )


def refunds(
    ref: str,
    points: int | None = None,
    *,
    of: str = "s",
    day: date = DAY,
    grace_until: date | None = None,
    who: int = AZIZA,
) -> ledger.Booked:
    """A spend, or with `of` a hold's ref a captured order."""
    return ledger.reverse(
        subscriber_id=who,
        source=Source.STAFF,
        ref=ref,
        day=day,
        of_source=Source.LEDGER if of == hold_ref(HOLD) else Source.ORDER,
        of_ref=of,
        of_day=DAY,
        points=points,
        fingerprint=CONTENT,
        grace_until=grace_until,
    )


def balance(day: date = DAY, *, who: int = AZIZA) -> Balance:
    return queries.balance(subscriber_id=who, day=day)


def lots(day: date = date.min, *, who: int = AZIZA) -> list[Lot]:
    return queries.lots(subscriber_id=who, day=day)


def history(*, who: int = AZIZA) -> list[queries.Line]:
    return queries.statement(subscriber_id=who, limit=100).lines


def lines(kind: Kind, *, who: int = AZIZA) -> list[tuple[int, tuple[Lot, ...]]]:
    """Points and lots of every line of a kind, the newest first."""
    return [(line.points, line.lots) for line in history(who=who) if line.kind is kind]


def told(kind: Kind, *, who: int = AZIZA) -> list[tuple[int, str | None, str | None]]:
    """Points, reason and actor of every line of a kind, the newest first."""
    return [
        (line.points, line.reason, line.actor) for line in history(who=who) if line.kind is kind
    ]

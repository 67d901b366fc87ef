"""A clawback before anybody asks for it: how much, of whom, who would owe. Reads only."""

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import NamedTuple

from django.db import transaction

from club.access.rules import Json
from club.accrual import funds
from club.accrual.clawback.selecting import Line, Selection, Sum, by_subscriber, lines
from club.clock import day_of
from club.ledger import queries as ledger
from club.ledger.rules import ClawbackPolicy

MOST_SHOWN = 20
SUBSCRIBERS_A_READ = 1_000
CSV_HEADING = (
    "subscriber_id,event_id,rule,version,decided_at,granted_points,left_points,promised,fund"
)


class Most(NamedTuple):
    """One of those of whom most is taken."""

    points: int
    owed_points: int
    subscriber_id: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What a clawback would do now. `spent_points` are gone from the lots that the grants made;
    `owed_points` is what of them becomes arrears under the policy, of `owing_subscribers`."""

    selection: Selection
    policy: ClawbackPolicy
    decisions: int
    subscribers: int
    points: int
    promised_points: int
    spent_points: int
    owed_points: int
    owing_subscribers: int
    points_by_fund: dict[int, int]
    most: Sequence[Most]
    of: Json
    """The figures and the digest that name exactly this set."""


class Need(NamedTuple):
    """What taking back would find in one account."""

    spent_points: int
    owed_points: int


def need_of(
    wanted: Iterable[ledger.Lot], lots: Iterable[ledger.Lot], policy: ClawbackPolicy
) -> Need:
    """What of `wanted` is gone from its own lots, and what would be owed.

    >>> day = date(2027, 1, 31)
    >>> had = [ledger.Lot(day, 0, 30), ledger.Lot(day, 1, 50)]
    >>> need_of([ledger.Lot(day, 0, 100)], had, ClawbackPolicy.OTHER_LOTS)
    Need(spent_points=70, owed_points=20)
    >>> need_of([ledger.Lot(day, 0, 100)], had, ClawbackPolicy.ARREARS)
    Need(spent_points=70, owed_points=70)
    """
    asked: Counter[tuple[date, int]] = Counter()
    there: Counter[tuple[date, int]] = Counter()
    for expires_on, fund, points in ((one.expires_on, one.fund, one.points) for one in wanted):
        asked[expires_on, fund] += points
    for expires_on, fund, points in ((one.expires_on, one.fund, one.points) for one in lots):
        there[expires_on, fund] += points
    spent = sum(max(points - there[bucket], 0) for bucket, points in asked.items())
    if policy is ClawbackPolicy.ARREARS:
        return Need(spent, spent)
    return Need(spent, max(asked.total() - there.total(), 0))


@transaction.atomic
def preview(selection: Selection, *, policy: ClawbackPolicy, now: datetime) -> Preview:
    """What a clawback would take if it were done now. Raises TooMuchToTake."""
    counted = Sum()
    promised = spent = owed = owing = 0
    by_purse: Counter[int] = Counter()
    most: list[Most] = []
    for some in _some(by_subscriber(lines(selection, on=day_of(now))), SUBSCRIBERS_A_READ):
        lots = ledger.lots_of(subscriber_ids=[subscriber_id for subscriber_id, _ in some])
        for subscriber_id, mine in some:
            for line in mine:
                counted.add(line)
                promised += line.left_points * line.is_promise
                by_purse.update(line.by_purse())
            need = need_of(
                (lot for line in mine for lot in line.lots), lots.get(subscriber_id, ()), policy
            )
            spent, owed = spent + need.spent_points, owed + need.owed_points
            owing += need.owed_points > 0
            one = Most(sum(line.left_points for line in mine), need.owed_points, subscriber_id)
            (heapq.heappushpop if len(most) == MOST_SHOWN else heapq.heappush)(most, one)
    return Preview(
        selection=selection,
        policy=policy,
        decisions=counted.decisions,
        subscribers=counted.subscribers,
        points=counted.points,
        promised_points=promised,
        spent_points=spent,
        owed_points=owed,
        owing_subscribers=owing,
        points_by_fund=_shared(by_purse),
        most=sorted(most, reverse=True),
        of=counted.document(),
    )


def _shared(points_by_purse: Counter[int]) -> dict[int, int]:
    """By each fund that pays; several may share a purse."""
    found: Counter[int] = Counter()
    for purse, points in points_by_purse.items():
        for part in funds.split(points, funds.shares_of(purse)):
            found[part.fund] += part.points
    return dict(sorted(found.items()))


def as_csv(selection: Selection, *, now: datetime) -> Iterator[str]:
    """Every decision that it would take back, a line each, for review. Names nobody but by the id."""
    yield CSV_HEADING + "\n"
    with transaction.atomic():
        for line in lines(selection, on=day_of(now)):
            yield _csv(line)


def _csv(line: Line) -> str:
    """No field of it can hold a comma."""
    fields = (
        line.subscriber_id,
        line.event_id,
        line.rule_id,
        line.rule_hash,
        line.decided_at.isoformat(),
        line.granted_points,
        line.left_points,
        int(line.is_promise),
        line.fund,
    )
    return ",".join(map(str, fields)) + "\n"


def _some(
    found: Iterator[tuple[int, list[Line]]], size: int
) -> Iterator[list[tuple[int, list[Line]]]]:
    while some := list(islice(found, size)):
        yield some

"""What is granted of what the rules of one event want: stacking, exclusions and limits, in this order.

The half of a decision that depends on what was granted before, and so on the order in which events
are decided; still without a database and without a clock. Whoever calls it holds the lock of the
subscriber, and those of the counters that everybody shares.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from club.accrual.rules.explain import Reason
from club.accrual.rules.model import Limit, Rule
from club.accrual.rules.wanting import Want
from club.clock import TASHKENT

EVERYBODY = 0
"""In the place of a subscriber: a counter that all of them share."""


class Place(NamedTuple):
    """Which counter: in which period, of which rule or campaign, whose grants."""

    period: str
    counted: str
    subscriber_id: int


class Used(NamedTuple):
    """What a counter has counted: points and times."""

    points: int = 0
    times: int = 0


class Asked(NamedTuple):
    """A rule that wants points for an event. `campaign` is the code of its campaign."""

    rule: Rule
    campaign: str
    want: Want


class Because(NamedTuple):
    """What made a grant smaller than what was wanted: another rule, or a limit."""

    rule_id: str | None = None
    limit: Limit | None = None
    used: int = 0
    """What of the limit was used before, in its own unit."""
    period: str = ""


class Grant(NamedTuple):
    points: int
    reason: Reason
    because: Because | None = None


def period_of(limit: Limit, at: datetime) -> str:
    """The period in which an event counts, by its own time in Tashkent; its first day comes first in it.

    >>> from datetime import UTC
    >>> at = datetime(2026, 12, 31, 20, 30, tzinfo=UTC)  # half past one of the new year
    >>> [
    ...     period_of(Limit(period=one, unit="times", most=1), at)
    ...     for one in ("hour", "day", "week", "month", "ever")
    ... ]
    ['2027-01-01T01', '2027-01-01', '2026-12-28/P7D', '2027-01', 'ever']
    """
    local = at.astimezone(TASHKENT)
    match limit.period:
        case "hour":
            return local.strftime("%Y-%m-%dT%H")
        case "day":
            return local.date().isoformat()
        case "week":
            monday = local.date() - timedelta(days=local.weekday())
            return f"{monday.isoformat()}/P7D"
        case "month":
            return local.strftime("%Y-%m")
        case "ever":
            return "ever"


def period_after(limit: Limit, at: datetime) -> datetime | None:
    """When the period of an event ends, and the limit begins anew; None for never.

    >>> from datetime import UTC
    >>> at = datetime(2026, 12, 31, 20, 30, tzinfo=UTC)
    >>> [
    ...     str(period_after(Limit(period=one, unit="times", most=1), at))
    ...     for one in ("hour", "week", "month", "ever")
    ... ]
    ['2027-01-01 02:00:00+05:00', '2027-01-04 00:00:00+05:00', '2027-02-01 00:00:00+05:00', 'None']
    """
    local = at.astimezone(TASHKENT)
    hour = local.replace(minute=0, second=0, microsecond=0)
    midnight = hour.replace(hour=0)
    match limit.period:
        case "hour":
            return hour + timedelta(hours=1)
        case "day":
            return midnight + timedelta(days=1)
        case "week":
            return midnight + timedelta(days=8 - local.isoweekday())
        case "month":
            return (midnight.replace(day=28) + timedelta(days=4)).replace(day=1)
        case "ever":
            return None


def places(rule: Rule, campaign: str, *, subscriber_id: int, at: datetime) -> Iterator[Place]:
    """The counter of each of the rule's limits, in their order."""
    for limit in rule.limits:
        yield Place(
            period_of(limit, at),
            f"rule:{rule.id}" if limit.of == "rule" else f"campaign:{campaign}",
            subscriber_id if limit.each == "subscriber" else EVERYBODY,
        )


def grant(
    asked: Sequence[Asked], *, subscriber_id: int, at: datetime, used: dict[Place, Used]
) -> dict[str, Grant]:
    """What each rule is granted, by its id; `used` is counted up.

    Every counter that a limit may ask for must be in `used`: a missing one is an error of the
    caller, not an empty one. Raises KeyError.
    """
    ordered = sorted(asked, key=lambda one: (-one.rule.priority, one.rule.id))
    granted: dict[str, Grant] = {}
    kept: list[Rule] = []
    winners = _winners(ordered)
    for one in ordered:
        rule = one.rule
        winner = winners[rule.stacking.group] if rule.stacking else rule.id
        if winner != rule.id:
            granted[rule.id] = Grant(0, Reason.OUTSTACKED, Because(winner))
            continue
        stronger = next((r for r in kept if rule.id in r.excludes or r.id in rule.excludes), None)
        if stronger is not None:
            granted[rule.id] = Grant(0, Reason.EXCLUDED, Because(stronger.id))
            continue
        kept.append(rule)
        granted[rule.id] = _within(one, subscriber_id=subscriber_id, at=at, used=used)
    return granted


def give_back(
    rule: Rule,
    campaign: str,
    *,
    points: int,
    subscriber_id: int,
    at: datetime,
    used: dict[Place, Used],
) -> None:
    """A grant was taken back: its room is there again, in the period of the event that had it."""
    for place in {*places(rule, campaign, subscriber_id=subscriber_id, at=at)}:
        before = used[place]
        # Never below zero: a limit may be younger than the grant.
        used[place] = Used(max(before.points - points, 0), max(before.times - 1, 0))


def _winners(ordered: Sequence[Asked]) -> dict[str, str]:
    groups: dict[str, list[Asked]] = defaultdict(list)
    for one in ordered:
        if one.rule.stacking:
            groups[one.rule.stacking.group].append(one)
    return {group: _winner(members).rule.id for group, members in groups.items()}


def _winner(members: Sequence[Asked]) -> Asked:
    """The first one says how the group is decided: publishing lets no two of them differ."""
    first = members[0]
    if first.rule.stacking and first.rule.stacking.mode == "highest":
        return max(members, key=lambda one: one.want.points)  # of equals the first
    return first


def _within(one: Asked, *, subscriber_id: int, at: datetime, used: dict[Place, Used]) -> Grant:
    rule, want = one.rule, one.want
    points, because = want.points, None
    counters = [*places(rule, one.campaign, subscriber_id=subscriber_id, at=at)]
    for limit, place in zip(rule.limits, counters, strict=True):
        before = used[place].points if limit.unit == "points" else used[place].times
        left = max(limit.most - before, 0)
        allowed = left if limit.unit == "points" else want.points if left else 0
        if allowed < points:
            points, because = allowed, Because(None, limit, before, place.period)
    if points:
        for place in {*counters}:  # a limit of points and one of times share theirs
            used[place] = Used(used[place].points + points, used[place].times + 1)
    if because is None:
        return Grant(points, want.reason)
    return Grant(points, Reason.CUT if points else Reason.LIMIT, because)

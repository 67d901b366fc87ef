"""What is granted of what the rules of one event want: first the contest of rules, then limits.

The contest (stacking groups and exclusions) depends on the event alone and can be held again at any
time. Limits depend on what was granted before, and so on the order in which events are decided;
still without a database and without a clock: whoever asks them holds the lock of the subscriber,
and those of the counters that everybody shares.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from club.accrual.rules.explain import Reason
from club.accrual.rules.model import Limit, Period, Rule
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


class Wish(NamedTuple):
    """A rule that wants points for an event."""

    rule: Rule
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


@lru_cache(maxsize=10_000)  # the rules of an event ask for the same few
def period_of(period: Period, at: datetime) -> str:
    """The period in which an event counts, by its own time in Tashkent; its first day comes first in it.

    >>> from datetime import UTC
    >>> at = datetime(2026, 12, 31, 20, 30, tzinfo=UTC)  # half past one of the new year
    >>> [period_of(one, at) for one in ("hour", "day", "week", "month", "ever")]
    ['2027-01-01T01', '2027-01-01', '2026-12-28/P7D', '2027-01', 'ever']
    """
    local = at.astimezone(TASHKENT)
    match period:
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


def period_after(period: Period, at: datetime) -> datetime | None:
    """When the period of an event ends, and the limit begins anew; None for never.

    >>> from datetime import UTC
    >>> at = datetime(2026, 12, 31, 20, 30, tzinfo=UTC)
    >>> [str(period_after(one, at)) for one in ("hour", "week", "month", "ever")]
    ['2027-01-01 02:00:00+05:00', '2027-01-04 00:00:00+05:00', '2027-02-01 00:00:00+05:00', 'None']
    """
    local = at.astimezone(TASHKENT)
    hour = local.replace(minute=0, second=0, microsecond=0)
    midnight = hour.replace(hour=0)
    match period:
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
            period_of(limit.period, at),
            f"rule:{rule.id}" if limit.of == "rule" else f"campaign:{campaign}",
            subscriber_id if limit.each == "subscriber" else EVERYBODY,
        )


def contest(wishes: Sequence[Wish]) -> tuple[list[Wish], dict[str, Grant]]:
    """The rules that count for one event, in the order in which they are granted, and the others by
    their ids, each with the rule that counts in its place."""
    if len(wishes) == 1:
        return [*wishes], {}
    ordered = sorted(wishes, key=lambda one: (-one.rule.priority, one.rule.id))
    winners = _winners(ordered)
    kept: list[Wish] = []
    lost: dict[str, Grant] = {}
    for one in ordered:
        rule = one.rule
        winner = winners[rule.stacking.group] if rule.stacking else rule.id
        if winner != rule.id:
            lost[rule.id] = Grant(0, Reason.OUTSTACKED, Because(winner))
            continue
        stronger = next(
            (k.rule.id for k in kept if rule.id in k.rule.excludes or k.rule.id in rule.excludes),
            None,
        )
        if stronger is not None:
            lost[rule.id] = Grant(0, Reason.EXCLUDED, Because(stronger))
            continue
        kept.append(one)
    return kept, lost


def grant(one: Wish, counters: Sequence[Place], *, used: dict[Place, Used]) -> Grant:
    """What a rule that counts is granted within its limits; `used` is counted up.

    `counters` are those of `places`. Each must be in `used`: a missing one is an error of the
    caller, not an empty one. Raises KeyError.
    """
    want = one.want
    points, because = want.points, None
    for limit, place in zip(one.rule.limits, counters, strict=True):
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


def give_back(counters: Iterable[Place], *, points: int, used: dict[Place, Used]) -> None:
    """A grant was taken back: its room is there again, in the period of the event that had it."""
    for place in {*counters}:
        before = used[place]
        # Never below zero: a limit may be younger than the grant.
        used[place] = Used(max(before.points - points, 0), max(before.times - 1, 0))


def _winners(ordered: Sequence[Wish]) -> dict[str, str]:
    groups: dict[str, list[Wish]] = defaultdict(list)
    for one in ordered:
        if one.rule.stacking:
            groups[one.rule.stacking.group].append(one)
    return {group: _winner(members).rule.id for group, members in groups.items()}


def _winner(members: Sequence[Wish]) -> Wish:
    """The first one says how the group is decided: publishing lets no two of them differ."""
    first = members[0]
    if first.rule.stacking and first.rule.stacking.mode == "highest":
        return max(members, key=lambda one: one.want.points)  # of equals the first
    return first

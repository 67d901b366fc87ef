"""What is granted of what the rules of one event want: first who is asked to wait for an occasion or
held out, then the contest of the others, then limits.

The contest (stacking groups and exclusions) depends on the event alone. Occasions and limits depend on what
came before, and so on the order in which events are decided; still without a database and without a
clock: whoever asks them holds the lock of the subscriber, and those of the counters that everybody
shares.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import cache
from typing import NamedTuple

from club.accrual.rules import occasions
from club.accrual.rules.counting import Place, Used
from club.accrual.rules.explain import Reason
from club.accrual.rules.model import Limit, Occasion, Rule
from club.accrual.rules.wanting import Want


class Wish(NamedTuple):
    """A rule that wants points for an event."""

    rule: Rule
    want: Want


class Because(NamedTuple):
    """What made a grant smaller than what was wanted: another rule, a limit, or an occasion to come."""

    rule_id: str | None = None
    limit: Limit | None = None
    used: int = 0
    """What of the limit was used before, in its own unit; or how far the occasion has come with this
    event: events or tiyin of the period, periods of the streak."""
    period: str = ""
    occasion: Occasion | None = None


class Grant(NamedTuple):
    points: int
    reason: Reason
    because: Because | None = None


class Candidate(NamedTuple):
    """A rule that wants points for an event, with the counters that it needs."""

    wish: Wish
    counters: Sequence[Place]
    """Of its limits, in their order."""
    seen: Place | None = None
    """Of its occasion."""
    is_held_out: bool = False

    @property
    def places(self) -> Iterator[Place]:
        yield from self.counters
        if self.seen:
            yield self.seen


def award(
    candidates: Sequence[Candidate], *, amount: int, at: datetime, used: dict[Place, Used]
) -> list[tuple[Candidate, Grant]]:
    """What each of the candidates for one event is granted; `used` is counted up.

    `amount` in tiyin and `at` are the event's. Each place of a candidate must be in `used`: a missing one
    is an error of the caller, not an empty one. Raises KeyError.
    """
    granted: list[tuple[Candidate, Grant]] = []
    ready: dict[str, Candidate] = {}
    for one in candidates:
        waiting = None
        if one.seen:
            one, waiting = _advanced(one, amount=amount, at=at, used=used)
        if waiting is None and one.is_held_out:
            waiting = Grant(0, Reason.HOLDOUT)
        if waiting:
            granted.append((one, waiting))
        else:
            ready[one.wish.rule.id] = one
    kept, lost = contest([one.wish for one in ready.values()])
    for wish in kept:
        one = ready[wish.rule.id]
        granted.append((one, grant(wish, one.counters, used=used)))
    granted += [(ready[rule_id], why) for rule_id, why in lost.items()]
    return granted


def _advanced(
    one: Candidate, *, amount: int, at: datetime, used: dict[Place, Used]
) -> tuple[Candidate, Grant | None]:
    """The candidate with what it wants on this occasion, or why it has to wait for one."""
    rule, want = one.wish
    assert one.seen
    assert rule.occasion
    used[one.seen], reached = occasions.advance(rule.occasion, used[one.seen], amount=amount, at=at)
    if not reached.times:
        because = Because(used=reached.have, period=one.seen.period, occasion=rule.occasion)
        return one, Grant(0, Reason.NOT_YET, because)
    if reached.times > 1:
        points = min(want.points * reached.times, rule.reward.cap_per_event)
        want = Want(want.wanted * reached.times, points, want.reason)
    return one._replace(wish=Wish(rule, want)), None


def is_held_out(campaign: str, subscriber_id: int, percent: int) -> bool:
    """Whether a subscriber is kept out of a campaign: always the same ones, and whoever is at 5 percent
    is at 10.

    Multiply-shift hashing: two campaigns hold out subscribers independently, and a vector of
    them is worked out as fast as it is read.

    >>> held = [
    ...     sum(is_held_out(code, n, 10) for n in range(10_000)) for code in ("spring", "autumn")
    ... ]
    >>> [900 < count < 1_100 for count in held]
    [True, True]
    """
    factor, summand = lots_of(campaign)
    return ((factor * subscriber_id + summand) % 2**64 >> 32) * 100 >> 32 < percent


@cache
def lots_of(campaign: str) -> tuple[int, int]:
    """Factor and summand of the campaign's own hash of subscribers; both below 2^64."""
    drawn = hashlib.sha256(campaign.encode()).digest()
    return int.from_bytes(drawn[:8]) | 1, int.from_bytes(drawn[8:16])


def contest(wishes: Sequence[Wish]) -> tuple[list[Wish], dict[str, Grant]]:
    """The rules that count for one event, in the order in which they are granted, and the others by
    their ids, each with the rule that counts in its place."""
    if len(wishes) <= 1:
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

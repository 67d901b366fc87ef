"""What is granted of what the rules of one event want: first who is asked to wait for an occasion or
held out, then the contest of the others, then limits.

The contest (stacking groups and exclusions) depends on the event alone. Occasions and limits depend on what
came before, and so on the order in which events are decided; still without a database and without a
clock: whoever asks them holds the lock of the subscriber, and those of the counters that everybody
shares.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import cache
from typing import NamedTuple

from club.accrual.rules import occasions
from club.accrual.rules.counting import Place, Used
from club.accrual.rules.explain import Reason
from club.accrual.rules.model import Limit, Occasion, Rule
from club.accrual.rules.wanting import Want
from club.tuples import new

CUT, LIMIT = Reason.CUT, Reason.LIMIT
"""A member of an enumeration is looked up in Python: not for each event."""


class Bid(NamedTuple):
    """A rule that wants points for an event, in the contest with others."""

    rule: Rule
    points: int


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
    """What a rule wants for an event, with the counters that it needs."""

    rule: Rule
    want: Want
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
            ready[one.rule.id] = one
    kept, lost = contest([Bid(one.rule, one.want.points) for one in ready.values()])
    for bid in kept:
        one = ready[bid.rule.id]
        granted.append((one, grant(one, used=used)))
    granted += [(ready[rule_id], why) for rule_id, why in lost.items()]
    return granted


def _advanced(
    one: Candidate, *, amount: int, at: datetime, used: dict[Place, Used]
) -> tuple[Candidate, Grant | None]:
    """The candidate with what it wants on this occasion, or why it has to wait for one."""
    rule, want = one.rule, one.want
    assert one.seen
    assert rule.occasion
    used[one.seen], reached = occasions.advance(rule.occasion, used[one.seen], amount=amount, at=at)
    if not reached.times:
        because = Because(used=reached.have, period=one.seen.period, occasion=rule.occasion)
        return one, Grant(0, Reason.NOT_YET, because)
    if reached.times > 1:
        points = min(want.points * reached.times, rule.reward.cap_per_event)
        want = Want(want.wanted * reached.times, points, want.reason)
    return one._replace(want=want), None


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


def turn(rule: Rule) -> tuple[int, str]:
    """By which rules are sorted into their order."""
    return -rule.priority, rule.id


def contest(bids: Iterable[Bid]) -> tuple[list[Bid], dict[str, Grant]]:
    """The rules that count for one event, in the order in which they are granted, and the others by
    their ids, each with the rule that counts in its place. (`lineup.py` has the first half prepared.)"""
    ordered = sorted(bids, key=lambda one: turn(one.rule))
    winners: dict[str, Bid] = {}
    for one in ordered:
        if stacking := one.rule.stacking:
            best = winners.setdefault(stacking.group, one)
            # Publishing lets no two rules of a group differ in its mode. Of equals the first wins.
            if stacking.mode == "highest" and one.points > best.points:
                winners[stacking.group] = one
    kept: list[Bid] = []
    lost: dict[str, Grant] = {}
    for one in ordered:
        rule = one.rule
        if rule.stacking and (winner := winners[rule.stacking.group]) is not one:
            lost[rule.id] = Grant(0, Reason.OUTSTACKED, Because(winner.rule.id))
        elif stronger := _excluding(rule, kept):
            lost[rule.id] = Grant(0, Reason.EXCLUDED, Because(stronger))
        else:
            kept.append(one)
    return kept, lost


def _excluding(rule: Rule, kept: Sequence[Bid]) -> str | None:
    for one in kept:
        if rule.id in one.rule.excludes or one.rule.id in rule.excludes:
            return one.rule.id
    return None


def grant(one: Candidate, *, used: dict[Place, Used]) -> Grant:
    """What a rule that counts is granted within its limits; `used` is counted up.

    Each of its counters must be in `used`: a missing one is an error of the caller, not an empty
    one. Raises KeyError.
    """
    want, counters = one.want, one.counters
    if not counters:
        return new(Grant, (want.points, want.reason, None))
    points, because = want.points, None
    for limit, place in zip(one.rule.limits, counters, strict=True):
        had_points, had_times = used[place]
        if limit.unit == "points":
            before, allowed = had_points, max(limit.most - had_points, 0)
        else:
            before, allowed = had_times, want.points if had_times < limit.most else 0
        if allowed < points:
            points, because = allowed, new(Because, (None, limit, before, place.period, None))
    if points:
        for place in {*counters}:  # a limit of points and one of times share theirs
            had_points, had_times = used[place]
            used[place] = new(Used, (had_points + points, had_times + 1))
    if because is None:
        return new(Grant, (points, want.reason, None))
    return new(Grant, (points, CUT if points else LIMIT, because))


def give_back(counters: Iterable[Place], *, points: int, used: dict[Place, Used]) -> None:
    """A grant was taken back: its room is there again, in the period of the event that had it."""
    for place in {*counters}:
        before = used[place]
        # Never below zero: a limit may be younger than the grant.
        used[place] = Used(max(before.points - points, 0), max(before.times - 1, 0))

"""Which of some rules count for an event, prepared once for thousands of events.

The answer is that of `granting.contest`; here groups and exclusions are looked up beforehand, so that an
event costs a handful of calls that run in C. It says nothing of those that lost: whoever asks why is told
by `granting.contest`.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple

from club.accrual.rules.model import Rule

Points = tuple[int, ...]
"""What each of the rules wants, in their order."""


class Group(NamedTuple):
    """Rules of which a single one counts, by their places."""

    places: tuple[int, ...]
    of: Callable[[Points], Points]
    is_highest: bool


class Lineup(NamedTuple):
    alone: tuple[int, ...]
    """The places of rules that have no group, or theirs for themselves."""
    groups: tuple[Group, ...]
    rivals: Mapping[int, frozenset[int]]
    """For a rule those before it of which either excludes the other; only of rules that have any."""

    def counting(self, points: Points) -> list[int]:
        """The places of those that count, in their order."""
        found = [place for place in self.alone if points[place]]
        for places, of, is_highest in self.groups:
            mine = of(points)
            best = max(mine) if is_highest else next(filter(None, mine), 0)
            if best:
                found.append(places[mine.index(best)])  # of equals the first
        found.sort()
        return self._without_the_excluded(found) if self.rivals else found

    def _without_the_excluded(self, found: Sequence[int]) -> list[int]:
        kept: list[int] = []
        for place in found:
            if self.rivals.get(place, frozenset()).isdisjoint(kept):
                kept.append(place)
        return kept


def lineup(rules: Sequence[Rule]) -> Lineup:
    """Of rules in the order of the contest (`granting.turn`)."""
    groups = defaultdict(list)
    for place, rule in enumerate(rules):
        groups[rule.stacking.group if rule.stacking else place].append(place)
    rivals = {
        place: frozenset(
            before
            for before, other in enumerate(rules[:place])
            if other.id in rule.excludes or rule.id in other.excludes
        )
        for place, rule in enumerate(rules)
    }
    return Lineup(
        tuple(places[0] for places in groups.values() if len(places) == 1),
        tuple(
            Group(
                tuple(places),
                itemgetter(*places),
                # Publishing lets no two rules of a group differ in its mode.
                (stacking := rules[places[0]].stacking) is not None and stacking.mode == "highest",
            )
            for places in groups.values()
            if len(places) > 1
        ),
        {place: some for place, some in rivals.items() if some},
    )

"""What a rule may say and yet hardly means: parts that never hold, always do or repeat another, cases
that never win, caps and limits that change nothing. It is told before a rule is proposed, and forbids
nothing.

Exact about conditions (`diagrams.py`): whatever is called impossible is so for all facts, and what is
not called so can happen; only of very large rules nothing is said. About points the bounds are safe: a
cap that is called out of reach is.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from club.accrual.rules.diagrams import ALWAYS, NEVER, Diagram, Diagrams, TooLarge
from club.accrual.rules.model import (
    All,
    AnyOf,
    Boost,
    Case,
    Condition,
    Fixed,
    Limit,
    Milestone,
    Not,
    Nth,
    Percentage,
    PerUnit,
    Rate,
    Rule,
)
from club.documents.wrong import Place

WITHIN: Mapping[str, frozenset[str]] = {
    "hour": frozenset({"hour", "day", "week", "month", "ever"}),
    "day": frozenset({"day", "week", "month", "ever"}),
    "week": frozenset({"week", "ever"}),
    "month": frozenset({"month", "ever"}),
    "ever": frozenset({"ever"}),
}
"""The periods that hold the whole of one."""


class Doubt(NamedTuple):
    """Something that is allowed and is probably a mistake; `code` names its sentence."""

    place: Place
    code: str
    values: Mapping[str, object] = {}


def doubts(rule: Rule, among: Sequence[Rule] = ()) -> list[Doubt]:
    """Everything doubtful about a rule, in its own order; `among` are the rules in force beside it."""
    try:
        about_conditions = [*_Conditions(rule).doubts()]
    except TooLarge:
        about_conditions = []
    return [*about_conditions, *_occasion(rule), *_limits(rule), *_company(rule, among)]


def most_points(rule: Rule) -> int:
    """The most that one event may bring, as far as that can be said."""
    cap = rule.reward.cap_per_event
    if _may_count_several_times(rule):
        return cap
    try:
        return min(_Conditions(rule).extent()[1], cap)
    except TooLarge:
        return cap


def _may_count_several_times(rule: Rule) -> bool:
    """One event may reach a milestone more than once; then the cap says what it brings."""
    return isinstance(rule.occasion, Milestone) and rule.occasion.repeats


class _Conditions:
    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.diagrams = Diagrams([rule.condition, *rule.conditions()])
        self.met = self.diagrams.of(rule.condition)

    def doubts(self) -> Iterator[Doubt]:
        found: list[Doubt] = []
        if self.rule.when is not None:
            trigger = self.diagrams.any_of("event_type", self.rule.trigger)
            found += self.parts(self.rule.when, ("when",), trigger)
        if self.met == NEVER:
            if found[0].place != ("when",):
                yield Doubt(("when",), "never")  # whatever part of it is to blame
            yield from found
            return
        yield from found
        reward = self.rule.reward
        if isinstance(reward, PerUnit):
            yield from self.cases(reward.rates, ("reward", "rates"))
        for nth, boost in enumerate(reward.boosts):
            yield from self.boost(boost, ("reward", "boosts", nth))
        if not _may_count_several_times(self.rule):
            yield from self.cap()

    # ---- parts of a condition --------------------------------------------------------------
    def parts(self, condition: Condition, place: Place, given: Diagram) -> Iterator[Doubt]:
        """Doubts about a condition that is asked where `given` holds; the innermost ones."""
        whole = self.diagrams.of(condition)
        here = self.diagrams.both(given, whole)
        if here == NEVER:
            why = _contradicting(self.diagrams, condition, given)
            yield from [*self._impossible(condition, place, given)] or [Doubt(place, "never", why)]
        elif self.diagrams.implies(given, whole):
            yield Doubt(place, "always" if whole == ALWAYS else "repeats")
        elif unless := self._unless(whole, given):
            yield Doubt(place, "always", {"unless": unless})
        else:
            yield from self._within(condition, place, given)

    def _within(self, condition: Condition, place: Place, given: Diagram) -> Iterator[Doubt]:
        match condition:
            case All(of=parts):
                known = [self.diagrams.of(part) for part in parts]
                # From the last to the first: of two that say the same the later one is told.
                kept = [*range(len(parts))]
                found: list[list[Doubt]] = []
                for nth in reversed(range(len(parts))):
                    others = self.diagrams.all(known[one] for one in kept if one != nth)
                    asked = self.diagrams.both(given, others)
                    found.append([*self.parts(parts[nth], (*place, "of", nth), asked)])
                    if self.diagrams.implies(asked, known[nth]):
                        kept.remove(nth)
                for some in reversed(found):
                    yield from some
            case AnyOf(of=parts):
                yield from self._alternatives(parts, place, given)
            case Not(of=inner):
                yield from self.parts(inner, (*place, "of"), given)
            case _:
                return

    def _alternatives(
        self, parts: Sequence[Condition], place: Place, given: Diagram
    ) -> Iterator[Doubt]:
        known = [self.diagrams.of(part) for part in parts]
        kept = [*range(len(parts))]
        repeated = set()
        for nth in reversed(range(len(parts))):
            others = self.diagrams.any(known[one] for one in kept if one != nth)
            mine = self.diagrams.both(given, known[nth])
            if mine != NEVER and self.diagrams.implies(mine, others):
                kept.remove(nth)
                repeated.add(nth)
        for nth, part in enumerate(parts):
            if nth in repeated:
                yield Doubt((*place, "of", nth), "repeats")
            else:
                yield from self.parts(part, (*place, "of", nth), given)

    def _impossible(self, condition: Condition, place: Place, given: Diagram) -> Iterator[Doubt]:
        """The parts that are impossible by themselves, of a condition that is."""
        if isinstance(condition, All | AnyOf):
            for nth, part in enumerate(condition.of):
                if self.diagrams.both(given, self.diagrams.of(part)) == NEVER:
                    yield from self.parts(part, (*place, "of", nth), given)

    def _unless(self, whole: Diagram, given: Diagram) -> tuple[str, ...]:
        """Facts that only have to be known for a condition to hold; none when that is not enough."""
        names = [axis.name for axis in self.diagrams.axes if axis.cells[0] is None]
        wrong = self.diagrams.both(given, self.diagrams.inverse(whole))
        needed = []
        for name in names:
            known = self.diagrams.both(wrong, self.diagrams.is_known(name))
            if known != wrong:
                wrong = known
                needed.append(name)
        return tuple(needed) if wrong == NEVER else ()

    # ---- rates, boosts and the cap ---------------------------------------------------------
    def cases(self, cases: Sequence[Rate | Case], place: Place) -> Iterator[Doubt]:
        """The first case that holds wins: which of them never can?"""
        left = self.met
        for nth, case in enumerate(cases):
            there = self.diagrams.of(case.when)
            here = (*place, nth)
            is_shadowed = self.diagrams.both(left, there) == NEVER
            if is_shadowed and self.diagrams.both(self.met, there) != NEVER:
                yield Doubt(here, "shadowed")
            else:
                yield from self.parts(case.when, (*here, "when"), self.met)
            left = self.diagrams.both(left, self.diagrams.inverse(there))

    def boost(self, boost: Boost, place: Place) -> Iterator[Doubt]:
        yield from self.cases(boost.cases, (*place, "cases"))
        percents = {percent for _, percent in self._percents(boost)}
        if percents == {100}:
            yield Doubt(place, "boost_does_nothing")

    def _percents(self, boost: Boost) -> Iterator[tuple[Diagram, int]]:
        """Where each percentage is reached."""
        left = self.met
        for case in boost.cases:
            there = self.diagrams.both(left, self.diagrams.of(case.when))
            if there != NEVER:
                yield there, case.percent
            left = self.diagrams.both(left, self.diagrams.inverse(self.diagrams.of(case.when)))
        if left != NEVER:
            yield left, boost.otherwise

    def cap(self) -> Iterator[Doubt]:
        least, most = self.extent()
        cap = self.rule.reward.cap_per_event
        place = ("reward", "cap_per_event")
        if most == 0:
            yield Doubt(("reward",), "worth_nothing")
        elif most < cap:
            yield Doubt(place, "cap_never_reached", {"most": most, "cap": cap})
        elif least >= cap and most > cap:
            yield Doubt(place, "cap_always_reached", {"least": least, "cap": cap})

    def extent(self) -> tuple[int, int]:
        """The fewest and the most points before the cap, of an event that meets the condition: no event
        brings fewer or more, some may never bring exactly so."""
        reward = self.rule.reward
        if self.met == NEVER:
            return 0, 0
        if isinstance(reward, Fixed):
            least = most = reward.points
        else:
            bounds = [*self._prices(reward)] or [(0, 0)]
            least, most = min(low for low, _ in bounds), max(high for _, high in bounds)
        for boost in reward.boosts:
            percents = [percent for _, percent in self._percents(boost)]
            least, most = least * min(percents), most * max(percents)
        return least // reward.divisor, most // reward.divisor

    def _prices(self, reward: PerUnit | Percentage) -> Iterator[tuple[int, int]]:
        """The least and the most before boosts, of each price that is ever asked."""
        left = self.met
        if isinstance(reward, Percentage):
            yield from self._price(left, 1, reward.basis_points)
            return
        for rate in reward.rates:
            there = self.diagrams.of(rate.when)
            yield from self._price(self.diagrams.both(left, there), rate.per, rate.points)
            left = self.diagrams.both(left, self.diagrams.inverse(there))
        yield from self._price(left, reward.per, reward.points)

    def _price(self, where: Diagram, per: int, points: int) -> Iterator[tuple[int, int]]:
        if (amounts := self.diagrams.numbers("amount", where)) is not None:
            yield amounts[0] // per * points, amounts[1] // per * points


def _contradicting(
    diagrams: Diagrams, condition: Condition, given: Diagram
) -> Mapping[str, object]:
    """The first two parts that exclude each other, counted from 0, where each could hold alone."""
    if not isinstance(condition, All):
        return {}
    known = [diagrams.both(given, diagrams.of(part)) for part in condition.of]
    if NEVER in known:
        return {}
    pairs = combinations(enumerate(known), 2)
    return next(
        ({"parts": (i, j)} for (i, one), (j, two) in pairs if diagrams.both(one, two) == NEVER), {}
    )


# ---- occasions, limits, and the rules beside it ---------------------------------------------------------
def _occasion(rule: Rule) -> Iterator[Doubt]:
    if isinstance(rule.occasion, Nth) and rule.occasion.n == 1 and rule.occasion.repeats:
        yield Doubt(("occasion",), "occasion_always")


def _limits(rule: Rule) -> Iterator[Doubt]:
    cap = rule.reward.cap_per_event
    for nth, limit in enumerate(rule.limits):
        if any(_makes_needless(other, limit, cap) for other in rule.limits if other is not limit):
            yield Doubt(("limits", nth), "limit_never_bites")
    points = [limit.most for limit in rule.limits if limit.unit == "points"]
    if points and min(points) < cap:
        values = {"cap": cap, "most": min(points)}
        yield Doubt(("reward", "cap_per_event"), "cap_above_limit", values)


def _makes_needless(other: Limit, limit: Limit, cap: int) -> bool:
    """Whether one limit of a rule leaves nothing for another to stop.

    Of a campaign's limit that is never sure: rules that have not the other one fill its counter, too.
    """
    if limit.of != "rule" or other.period not in WITHIN[limit.period]:
        return False
    if limit.each == "all" and other.each == "subscriber":
        return False
    if other.unit == limit.unit:
        return other.most <= limit.most
    return other.unit == "times" and other.most * cap <= limit.most


def _company(rule: Rule, among: Sequence[Rule]) -> Iterator[Doubt]:
    others = {one.id: one for one in among if one.id != rule.id}
    group = rule.stacking.group if rule.stacking else None
    if group and all(
        one.stacking is None or one.stacking.group != group for one in others.values()
    ):
        yield Doubt(("stacking", "group"), "group_of_one", {"group": group})
    for nth, excluded in enumerate(rule.excludes):
        if excluded not in others:
            yield Doubt(("excludes", nth), "excludes_nobody", {"rule": excluded})

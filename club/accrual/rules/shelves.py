"""Which rules an event can meet at all, by the one fact that most of them pin down.

Of fifty campaigns most name a channel, a partner or a tariff, and an event has one. So rules stand on
shelves by that fact's value, and an event is put only to those of its own shelf and to the rules that
pin nothing: the others would say 0.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

from club.accrual.rules.facts import FIELDS, Facts
from club.accrual.rules.lineup import Lineup, lineup
from club.accrual.rules.model import All, Compare, Condition, OneOf, Scalar
from club.accrual.rules.to_python import compiled, together

VALUES_MAX = 500


class Shelf(NamedTuple):
    """Some rules: their places among all, one function that tells their points in that order, and which of
    them count."""

    places: tuple[int, ...]
    points: Callable[..., tuple[int, ...]]
    lineup: Lineup


class Shelves(NamedTuple):
    fact: int
    """The place among the facts of the one that says which shelf."""
    by_value: dict[object, Shelf]
    others: Shelf
    """Rules that do not pin the fact: all that an event of any other value can meet."""

    def of(self, facts: Facts) -> Shelf:
        return self.by_value.get(facts[self.fact], self.others)


@lru_cache(maxsize=100)
def shelved(canonicals: tuple[str, ...]) -> Shelves:
    """Rules in the order of the contest, on their shelves. Raises as `compiled` does."""
    pins = [pinned(compiled(one).rule.condition) for one in canonicals]
    fields = Counter(field for one in pins for field in one)
    # The trigger is met already: it says nothing. Of equals the first of the facts.
    field = max(FIELDS, key=lambda name: (name != "event_type", fields[name]))
    shelves = defaultdict(list)
    for place, one in enumerate(pins):
        for value in one.get(field, ()):
            shelves[value].append(place)
    free = [place for place, one in enumerate(pins) if field not in one]
    if len(shelves) > VALUES_MAX:
        free, shelves = list(range(len(pins))), defaultdict(list)
    by_value: dict[object, Shelf] = {
        value: _shelf(canonicals, sorted({*mine, *free})) for value, mine in shelves.items()
    }
    return Shelves(list(FIELDS).index(field), by_value, _shelf(canonicals, free))


def pinned(condition: Condition) -> dict[str, frozenset[Scalar]]:
    """The facts of which the condition needs one of a few values, with these values.

    >>> gold = Compare(field="tier", op="eq", value="gold")
    >>> pinned(All(of=(gold, Compare(field="amount", op="ge", value=5))))
    {'tier': frozenset({'gold'})}
    """
    match condition:
        case Compare(field=field, op="eq", value=value):
            return {field: frozenset({value})}
        case OneOf(field=field, values=values):
            return {field: frozenset(values)}
        case All(of=parts):
            found: dict[str, frozenset[Scalar]] = {}
            for part in parts:
                for name, these in pinned(part).items():
                    found[name] = found.get(name, these) & these
            return found
    return {}


def _shelf(canonicals: Sequence[str], places: Sequence[int]) -> Shelf:
    mine = tuple(canonicals[place] for place in places)
    return Shelf(tuple(places), together(mine), lineup([compiled(one).rule for one in mine]))

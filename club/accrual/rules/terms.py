"""What a rule asks of an event as terms that can be told: each of one fact, with all the values that meet it.

And whom it asks: whether somebody of whom some facts are known can ever meet it.
"""

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from club.accrual.rules.explain import why
from club.accrual.rules.facts import FIELDS, Facts
from club.accrual.rules.model import TIYIN, All, AnyOf, Compare, Condition, Not
from club.accrual.rules.nearest import (
    EASIEST,
    UNKNOWN,
    Value,
    fields_of,
    leaves_of,
    parts_of,
    values_of,
)
from club.accrual.rules.to_python import compiled

AUDIENCE = frozenset({"tariff", "region", "tier", "segments"})
"""Facts of a subscriber that an event does not bring along and time alone does not change."""
CALENDAR = ("weekday", "hour")


class Term(NamedTuple):
    """What is asked of one fact: of a number that has an order the `least` and the `most`, None for any;
    of others the `accepted` values."""

    field: str
    accepted: tuple[Value, ...] = ()
    least: int | None = None
    most: int | None = None


class Terms(NamedTuple):
    """The terms of a rule's condition in the order of EASIEST. `has_more`: there are others, which are
    not about one fact alone or have no plain form."""

    terms: tuple[Term, ...]
    has_more: bool


@lru_cache(maxsize=1_000)
def terms_of(canonical: str, levels: tuple[str, ...]) -> Terms:
    """The terms of a stored version's rule, its trigger aside; `levels` are the codes of the programme's
    levels. Raises as `compiled` does."""
    when = compiled(canonical).rule.when
    by_field: dict[str, list[Condition]] = defaultdict(list)
    has_more = False
    for part in parts_of(when) if when else ():
        match [*fields_of(part)]:
            case [field]:
                by_field[field].append(part)
            case _:
                has_more = True
    told = {field: _term(field, parts, canonical, levels) for field, parts in by_field.items()}
    has_more |= None in told.values()
    return Terms(tuple(term for field in EASIEST if (term := told.get(field))), has_more)


def _term(
    field: str, parts: Sequence[Condition], canonical: str, levels: Sequence[str]
) -> Term | None:
    """None where the values that meet it are no span of numbers."""
    clauses = [clause for part in parts for clause in leaves_of(part)]
    tried = values_of(field, clauses, compiled(canonical).rule, levels)

    def meets(value: Value) -> bool:
        facts = UNKNOWN._replace(**{field: value})
        return all(why(part, facts).ok for part in parts)

    if FIELDS[field] is int and field not in CALENDAR:
        return _span(field, sorted({*tried}), [meets(value) for value in sorted({*tried})])
    return Term(field, tuple(value for value in tried if meets(value)))


def _span(field: str, values: Sequence[int], met: Sequence[bool]) -> Term | None:
    """The values that meet it, as from where to where; those at the ends of what was tried stand for all
    beyond."""
    if True not in met:
        return None
    first = met.index(True)
    last = len(met) - 1 - met[::-1].index(True)
    if not all(met[first : last + 1]):
        return None
    inside = values[first : last + 1]
    whole = [value for value in inside if value % TIYIN == 0] if field == "amount" else []
    inside = whole or inside
    return Term(
        field,
        least=inside[0] if first else None,
        most=inside[-1] if last < len(met) - 1 else None,
    )


# ---- whom it asks ----------------------------------------------------------------------------
def can_count(canonical: str, subscriber: Facts) -> bool:
    """Whether some event of the subscriber, now or later, can meet the rule as things stand: by their
    tariff, region, level and lists, and by how long they have been with us. True where that does not tell."""
    when = compiled(canonical).rule.when
    return when is None or _can_be(when, subscriber, wanted=True)


def _can_be(condition: Condition, facts: Facts, *, wanted: bool) -> bool:
    match condition:
        case Not(of=inner):
            return _can_be(inner, facts, wanted=not wanted)
        case All(of=parts) | AnyOf(of=parts):
            needs_all = isinstance(condition, All) == wanted
            return (all if needs_all else any)(_can_be(p, facts, wanted=wanted) for p in parts)
        case Compare(field="tenure_months", op=op) if op in (
            ("lt", "le") if wanted else ("ge", "gt")
        ):
            return why(condition, facts).ok == wanted  # it only grows
    if not fields_of(condition) <= AUDIENCE:
        return True
    return why(condition, facts).ok == wanted

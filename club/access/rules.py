"""What differs between two documents, told place by place. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

Json = dict[str, object]
Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Change:
    """One place of a document, such as `rules/everyday/reward/points`; None where it has nothing."""

    place: str
    before: Scalar
    after: Scalar


def changes(before: Json | None, after: Json) -> list[Change]:
    """Every place where `after` says something else, in the order of places."""
    was, will = dict(_places(before or {})), dict(_places(after))
    return [
        Change(place, was.get(place), will.get(place))
        for place in sorted(was.keys() | will.keys())
        # By type as well: to Python, true is 1.
        if (type(was.get(place)), was.get(place)) != (type(will.get(place)), will.get(place))
    ]


def _places(value: object, place: str = "") -> Iterator[tuple[str, Scalar]]:
    match value:
        case dict() | list() if not value:
            yield place, "{}" if isinstance(value, dict) else "[]"
            return
        case dict():
            parts = ((str(key), part) for key, part in value.items())
        case list() | tuple():
            # Counted from one, as people do; two digits, so that the tenth does not come second.
            parts = ((f"{nth:02}", part) for nth, part in enumerate(value, start=1))
        case str() | int() | float() | None:
            yield place, value
            return
        case _:
            raise TypeError(f"{type(value).__name__} at {place} is no JSON")
    for key, part in parts:
        yield from _places(part, f"{place}/{key}" if place else key)

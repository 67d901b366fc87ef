"""What is wrong with the fields of a request, without repeating what was sent."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from club.doors.problems import FIELD_REASONS

FAULTS_MAX = 20
CODES = {
    "missing": "missing",
    "extra_forbidden": "unknown",
    "greater_than": "too_small",
    "greater_than_equal": "too_small",
    "less_than": "too_large",
    "less_than_equal": "too_large",
    "string_too_long": "too_large",
    "string_too_short": "too_small",
}


@dataclass(frozen=True)
class Fault:
    place: str
    field: str
    code: str

    @property
    def is_missing_key(self) -> bool:
        return (self.place, self.field, self.code) == ("header", "Idempotency-Key", "missing")

    def told(self) -> dict[str, str]:
        return {
            "place": self.place,
            "field": self.field,
            "code": self.code,
            "detail": str(FIELD_REASONS[self.code]),
        }


def faulty_fields(errors: Iterable[Mapping[str, object]]) -> list[Fault]:
    """Pydantic's errors in our words. The place comes first in `loc`, then the name of our own
    function's argument when it is the body; neither is the caller's business."""
    faults = []
    for error in list(errors)[:FAULTS_MAX]:
        loc = error["loc"]
        assert isinstance(loc, tuple)
        place, *way = map(str, loc)
        field = ".".join(way[1:] if place == "body" else way)
        faults.append(Fault(place, field, CODES.get(str(error["type"]), "invalid")))
    return faults

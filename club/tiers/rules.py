from collections.abc import Sequence
from typing import Protocol, TypeVar


class Level(Protocol):
    """What a level must say to be compared."""

    rank: int
    earned_points_min: int


AnyLevel = TypeVar("AnyLevel", bound=Level)


def deserved(levels: Sequence[AnyLevel], *, earned_points: int) -> AnyLevel | None:
    """The highest level above the base (rank 0) that `earned_points` reach, or None."""
    reached = [
        level for level in levels if level.rank > 0 and earned_points >= level.earned_points_min
    ]
    return max(reached, key=lambda level: level.rank, default=None)


def next_level(levels: Sequence[AnyLevel], *, rank: int) -> AnyLevel | None:
    """The level one step above `rank`, or None at the top."""
    return min(
        (level for level in levels if level.rank > rank), key=lambda level: level.rank, default=None
    )

"""How fast we may speak: the contracted messages a second, kept without looking at any clock."""

from dataclasses import dataclass
from typing import Final

CATCH_UP_S: Final = 0.01
"""A timer fires late by milliseconds; so much of the lost time may be made good, and no more."""


@dataclass
class Pace:
    """A token bucket of almost no depth: in any second at most the rate, plus one percent."""

    rate_per_s: float
    next_at_s: float = float("-inf")

    def reserve(self, now_s: float) -> float:
        """Take the next place in the stream; how many seconds from `now_s` it is away."""
        at_s = max(self.next_at_s, now_s - CATCH_UP_S)
        self.next_at_s = at_s + 1 / self.rate_per_s
        return max(0.0, at_s - now_s)

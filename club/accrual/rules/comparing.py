"""Whether those in a campaign differ from those held out of it, or whether chance would do as much.

Statistics of whole arms, worked out from counts and sums; the one place of the club with floats, for
nothing is booked by them.
"""

from dataclasses import dataclass
from math import ceil, inf, nan, sqrt

CONFIDENCE = 0.95
WEEKS_MAX = 52
"""Farther ahead nobody should wait for an answer."""


@dataclass(frozen=True, slots=True)
class Arm:
    """Subscribers, those of them who paid at all, and what all paid: sum and sum of squares, in tiyin."""

    subscribers: int
    paying: int
    sum_tiyin: int
    squares_tiyin: int

    @property
    def mean_tiyin(self) -> float:
        return self.sum_tiyin / self.subscribers if self.subscribers else nan

    @property
    def paying_share(self) -> float:
        return self.paying / self.subscribers if self.subscribers else nan

    @property
    def variance(self) -> float:
        """Of a subscriber's sum. Exact integers until the one division: the squares of large sums would
        eat each other up as floats."""
        n = self.subscribers
        if n < 2:
            return nan
        return (n * self.squares_tiyin - self.sum_tiyin**2) / (n * (n - 1))


@dataclass(frozen=True, slots=True)
class Difference:
    """Treated less held out, with the interval that holds the truth in 95 of 100 such campaigns."""

    value: float
    low: float
    high: float

    @property
    def is_chance(self) -> bool:
        """No difference at all is as good an explanation."""
        return not (self.low > 0 or self.high < 0)


def of_means(treated: Arm, held_out: Arm) -> Difference:
    """Welch's interval: the arms differ in size and may differ in spread.

    >>> some = Arm(4, 4, 40, 500)
    >>> of_means(some, some).value
    0.0
    """
    from scipy.stats import t  # half a second, for those who ask

    value = treated.mean_tiyin - held_out.mean_tiyin
    if treated.subscribers < 2 or held_out.subscribers < 2:
        return Difference(value, -inf, inf)
    one, other = (arm.variance / arm.subscribers for arm in (treated, held_out))
    if one + other == 0:
        return Difference(value, value, value)
    freedom = (one + other) ** 2 / (
        one**2 / (treated.subscribers - 1) + other**2 / (held_out.subscribers - 1)
    )
    half = float(t.ppf((1 + CONFIDENCE) / 2, freedom)) * sqrt(one + other)
    return Difference(value, value - half, value + half)


def of_shares(treated: Arm, held_out: Arm) -> Difference:
    """Newcombe's interval, of Wilson's for each arm: sound for small arms and for shares near 0 and 1."""
    from scipy.stats import binomtest

    if not treated.subscribers or not held_out.subscribers:
        return Difference(nan, -1.0, 1.0)
    one, other = (
        binomtest(arm.paying, arm.subscribers).proportion_ci(CONFIDENCE, method="wilson")
        for arm in (treated, held_out)
    )
    p, q = treated.paying_share, held_out.paying_share
    return Difference(
        p - q,
        p - q - sqrt((p - one.low) ** 2 + (other.high - q) ** 2),
        p - q + sqrt((one.high - p) ** 2 + (q - other.low) ** 2),
    )


def weeks_more(difference: Difference, *, weeks: float) -> int | None:
    """In how many weeks more a difference that stays as it is would stand out from chance; 0: it does.
    None: not within a year.

    A span k times as long makes the difference k times, and chance √k times as large.

    >>> weeks_more(Difference(10.0, -10.0, 30.0), weeks=2.0)
    6
    >>> weeks_more(Difference(10.0, 1.0, 19.0), weeks=2.0)
    0
    >>> weeks_more(Difference(0.1, -10.0, 10.2), weeks=2.0) is None
    True
    """
    if not difference.is_chance:
        return 0
    half = difference.high - difference.value
    if difference.value == 0 or not half < inf:
        return None
    more = weeks * ((half / difference.value) ** 2 - 1)
    return None if more > WEEKS_MAX else max(ceil(more), 1)

"""The statistics of a holdout: the same as a library's on raw data, and right 95 times of 100."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import ttest_ind

from club.accrual.rules.comparing import Arm, Difference, of_means, of_shares, weeks_more

SIMULATIONS = 2_000


def arm(tiyin: list[int]) -> Arm:
    return Arm(
        len(tiyin), sum(one > 0 for one in tiyin), sum(tiyin), sum(one * one for one in tiyin)
    )


sums = st.lists(st.integers(0, 10**9), min_size=2, max_size=40)


@pytest.mark.filterwarnings("ignore:Precision loss")  # theirs, where all of the data are alike
@given(sums, sums)
@settings(max_examples=200, deadline=None)
def test_from_sums_alone_it_is_welchs_interval_of_the_raw_data(one: list[int], other: list[int]):
    assume(len(set(one)) > 1 or len(set(other)) > 1)
    theirs = ttest_ind(one, other, equal_var=False)
    interval = theirs.confidence_interval(0.95)
    assume(np.isfinite(theirs.df))

    ours = of_means(arm(one), arm(other))

    assert ours.value == pytest.approx(np.mean(one) - np.mean(other), rel=1e-9, abs=1e-6)
    assert (ours.low, ours.high) == pytest.approx((interval.low, interval.high), rel=1e-6, abs=1e-3)


def test_sums_of_billions_do_not_eat_each_other_up():
    """The variance of [n, n + 1, n + 2] is 1, however large n is: floats of squares would say 0."""
    large = 10**12

    ours = of_means(arm([large, large + 1, large + 2]), arm([large - 5, large - 4, large - 3]))

    assert ours.value == 5
    assert ours.high - ours.value == pytest.approx(2.776445 * (2 / 3) ** 0.5, rel=1e-5)


def test_ninety_five_of_a_hundred_intervals_of_means_hold_the_truth():
    """Few payers, large sums, arms of different sizes: as payments are."""
    chance = np.random.default_rng(7)
    held = 0
    for _ in range(SIMULATIONS):
        treated, other = (
            (chance.random(n) < 0.6) * chance.gamma(2, mean / 2, n)
            for n, mean in ((800, 60_000), (200, 50_000))
        )
        found = of_means(arm([int(one) for one in treated]), arm([int(one) for one in other]))
        held += found.low <= 0.6 * (60_000 - 50_000) <= found.high
    assert 0.94 <= held / SIMULATIONS <= 0.96


def test_ninety_five_of_a_hundred_intervals_of_shares_hold_the_truth():
    chance = np.random.default_rng(7)
    held = 0
    for _ in range(SIMULATIONS):
        paying, others = chance.binomial(400, 0.3), chance.binomial(60, 0.2)
        found = of_shares(Arm(400, int(paying), 0, 0), Arm(60, int(others), 0, 0))
        held += found.low <= 0.1 <= found.high
    assert 0.94 <= held / SIMULATIONS <= 0.97


def test_shares_are_compared_as_in_newcombes_own_example():
    """Statistics in Medicine 17 (1998), p. 875, 56 of 70 and 48 of 80, method 10."""
    found = of_shares(Arm(70, 56, 0, 0), Arm(80, 48, 0, 0))

    assert found.value == pytest.approx(0.2)
    assert (round(found.low, 4), round(found.high, 4)) == (0.0524, 0.3339)


def test_an_arm_without_anybody_says_nothing_and_breaks_nothing():
    for nobody in (Arm(0, 0, 0, 0), Arm(1, 1, 5, 25)):
        assert of_means(arm([1, 2, 3]), nobody).is_chance
    assert of_shares(arm([1, 2, 3]), Arm(0, 0, 0, 0)).is_chance
    same = of_means(arm([7, 7]), arm([7, 7, 7]))
    assert (same.value, same.is_chance) == (0, True)


@given(st.floats(0.5, 100), st.floats(0.1, 1_000), st.floats(0.1, 50))
def test_after_so_many_weeks_the_same_difference_stands_out(
    value: float, half: float, weeks: float
):
    more = weeks_more(Difference(value, value - half, value + half), weeks=weeks)

    if more is None:
        assert half > value
    elif more == 0:
        assert half < value
    else:
        k = (weeks + more) / weeks
        assert value * k >= half * k**0.5 * (1 - 1e-9)
        k = (weeks + more - 1) / weeks
        assert more == 1 or value * k < half * k**0.5 * (1 + 1e-9)

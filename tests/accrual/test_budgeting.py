"""The hour in which a budget runs out: worked out at once, and the same as by counting hour after hour."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

from hypothesis import example, given, settings
from hypothesis import strategies as st

from club.accrual.rules.budgeting import BUSY_HOURS_MIN, HORIZON, HOUR, HOURS_A_WEEK, runs_out_at

MIDNIGHT = datetime(2026, 11, 18, 19, tzinfo=UTC)  # in Tashkent


def counted(left: int, by_hour: list[int], now: datetime) -> datetime | None:
    """The plain way: one hour after the other, in fractions."""
    busy = sum(used > 0 for used in by_hour)
    is_pattern = len(by_hour) == HOURS_A_WEEK and busy >= BUSY_HOURS_MIN
    mean = Fraction(sum(max(used, 0) for used in by_hour), len(by_hour))
    rest, at, nth = Fraction(left), MIDNIGHT, 0
    part = 1 - Fraction(int((now - MIDNIGHT).total_seconds()), 3_600)
    while at < now + HORIZON:
        rest -= part * (max(by_hour[nth % HOURS_A_WEEK], 0) if is_pattern else mean)
        if rest <= 0:
            return at
        at, nth, part = at + HOUR, nth + 1, Fraction(1)
    return None


weeks = st.lists(st.integers(-3, 40), min_size=1, max_size=HOURS_A_WEEK) | st.lists(
    st.integers(-3, 40), min_size=HOURS_A_WEEK, max_size=HOURS_A_WEEK
)


@given(st.integers(1, 20_000), weeks, st.integers(0, 3_599))
@example(168, [1] * 168, 0)
@example(1, [0] * 167 + [1], 3_599)
@settings(max_examples=60, deadline=None)
def test_it_is_the_hour_that_counting_hour_by_hour_finds(
    left: int, by_hour: list[int], second: int
):
    now = MIDNIGHT + timedelta(seconds=second)

    found = runs_out_at(left, by_hour, hour=MIDNIGHT, now=now)

    assert found == counted(left, by_hour, now)


@given(st.integers(1, 5_000), weeks, st.integers(1, 2_000))
@settings(max_examples=100, deadline=None)
def test_what_lasts_longer_than_its_period_does_not_run_out(
    left: int, by_hour: list[int], hours: int
):
    until = MIDNIGHT + hours * HOUR

    found = runs_out_at(left, by_hour, hour=MIDNIGHT, now=MIDNIGHT, until=until)

    plain = counted(left, by_hour, MIDNIGHT)
    assert found == (plain if plain is not None and plain < until else None)


def test_a_budget_that_is_used_by_day_runs_out_by_day():
    """A hundred points in each hour from nine to eighteen: 250 are gone in the third of them."""
    day = [100 if 9 <= hour < 18 else 0 for hour in range(24)]

    found = runs_out_at(250, day * 7, hour=MIDNIGHT, now=MIDNIGHT)

    assert found == MIDNIGHT + 11 * HOUR


def test_a_few_grants_are_no_pattern():
    """Three busy hours of a week: their mean, not a repetition of exactly these."""
    week = [0] * 165 + [56] * 3

    assert runs_out_at(10, week, hour=MIDNIGHT, now=MIDNIGHT) == MIDNIGHT + 9 * HOUR

"""The rules against the same told day by day: the level is a function of the amounts and of the day."""

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from club.tiers import rules
from club.tiers.rules import Measure, Terms
from tests.tiers.months import Ladder

JOINED = date(2025, 6, 17)
days = st.integers(0, 560).map(lambda number: JOINED + timedelta(days=number))
histories = st.dictionaries(days, st.integers(1, 60), max_size=12)


@st.composite
def ladders(draw: st.DrawFn) -> Ladder:
    period = draw(st.sampled_from(rules.PERIODS))
    periods = draw(st.integers(1, 3))
    return Ladder(
        period_months=period,
        window_months=draw(st.sampled_from([period, periods * period, None])),
        grace_days=draw(st.sampled_from([0, 0, 1, 9, rules.GRACE_DAYS_MAX])),
        landing_steps=draw(st.sampled_from([1, 1, 2, None])),
        thresholds=tuple(sorted(draw(st.sets(st.integers(1, 120), min_size=1, max_size=4)))),
    )


def terms(ladder: Ladder) -> Terms:
    return Terms(
        Measure.POINTS,
        ladder.period_months,
        ladder.window_months,
        ladder.grace_days,
        ladder.landing_steps,
        ladder.thresholds,
    )


@settings(deadline=None)
@given(ladders(), histories, days)
def test_the_level_is_the_one_of_the_story_told_day_by_day(ladder, amounts, day):
    told = ladder.rank_on(day, amounts, joined_on=JOINED)

    assert rules.rank_on(day, amounts, terms=terms(ladder)) == told


@settings(deadline=None)
@given(ladders(), histories, days)
def test_a_month_s_sum_says_as_much_as_its_days_at_the_month_s_end(ladder, amounts, day):
    end = rules.first_day(day.year * 12 + day.month) - timedelta(days=1)
    months: dict[date, int] = {}
    for on, amount in amounts.items():
        months[on.replace(day=1)] = months.get(on.replace(day=1), 0) + amount

    one, other = (rules.rank_on(end, each, terms=terms(ladder)) for each in (amounts, months))
    assert one == other


@settings(deadline=None)
@given(ladders(), histories, days)
def test_between_two_reviews_nobody_falls(ladder, amounts, day):
    review = rules.next_review(day, terms=terms(ladder))
    ranks = [
        rules.rank_on(on, amounts, terms=terms(ladder))
        for on in (day + timedelta(days=n) for n in range((review - day).days))
    ]

    assert ranks == sorted(ranks)


@settings(deadline=None)
@given(ladders(), histories, days)
def test_a_review_takes_no_more_steps_than_the_landing_allows(ladder, amounts, day):
    review = rules.next_review(day, terms=terms(ladder))
    before = rules.rank_on(review - timedelta(days=1), amounts, terms=terms(ladder))
    after = rules.rank_on(review, amounts, terms=terms(ladder))

    assert after >= before - (ladder.landing_steps or len(ladder.thresholds))


@settings(deadline=None)
@given(ladders(), histories, days, st.integers(1, 200))
def test_at_a_steady_pace_the_level_comes_on_the_day_that_was_forecast(ladder, amounts, day, pace):
    """A pace of a whole number a day, lived through: never before that day, and on it."""
    known = {on: amount for on, amount in amounts.items() if on <= day}
    rank = rules.rank_on(day, known, terms=terms(ladder))
    if rank == len(ladder.thresholds):
        return
    reached = rules.reached_on(
        ladder.thresholds[rank], day, known, pace=pace * rules.PACE_DAYS, terms=terms(ladder)
    )
    lived = dict(known)
    for number in range(1, 200):
        on = day + timedelta(days=number)
        lived[on] = pace
        present = rules.spans(on, terms=terms(ladder))[0]
        if rules.deserved(rules.counted(present, lived), terms=terms(ladder)) > rank:
            assert reached == on
            return
    assert reached is None or reached > on


@settings(deadline=None)
@given(days, days)
def test_tenure_is_the_number_of_monthly_anniversaries_that_have_come(joined_on, day):
    anniversaries = (rules.months_later(joined_on, number) for number in range(1, 30))

    assert rules.tenure_months(joined_on, day) == sum(on <= day for on in anniversaries)


@settings(deadline=None)
@given(days, days, st.integers(0, 30))
def test_whoever_joined_before_the_cut_has_the_months_and_nobody_else(joined_on, day, months):
    is_there = rules.months_later(joined_on, months) <= day

    assert (joined_on < rules.joined_before(months, day)) == is_there

"""What is drawn for the arguments of a step: little of each, so that deeds meet each other."""

from datetime import date, timedelta
from uuid import UUID

import hypothesis.strategies as st

from club.ledger.rules import Source, TransferPolicy, fingerprint_of
from tests.ledger.books.stepping import PEOPLE, START
from tests.ledger.model.together import Terms

NTH = st.integers(0, PEOPLE - 1)
SOURCE = st.sampled_from([Source.ACCRUAL, Source.ORDER])
REF = st.sampled_from(["a", "b", "c", "d"])
HOLD = st.sampled_from([UUID(int=1), UUID(int=2), UUID(int=3)])
POT = st.sampled_from([UUID(int=8), UUID(int=8), UUID(int=9)])
POINTS = st.integers(1, 60) | st.integers(1, 15)
PART = st.none() | st.integers(1, 40)
DAYS = [START + timedelta(days=days) for days in (1, 4, 9, 400)]
EXPIRY = st.sampled_from(DAYS)
FUND = st.integers(0, 1)
ONE_FUND = st.sampled_from([None, None, None, 0, 1, 7])  # There is no fund 7.
BACK = st.sampled_from([0, 0, 0, 1])  # Days an event comes late.
LONG_BACK = st.sampled_from([0, 1, 5, 200])
GRACE = st.none() | st.just(START + timedelta(days=12))
EARNED = st.sampled_from([7, 25, 60])  # Few, so that a key meets its own content again.
THIS, THAT = fingerprint_of("this"), fingerprint_of("that")
CONTENT = st.sampled_from([THIS, THIS, THAT])
POLICY = TransferPolicy(
    points_per_day_max=90, times_per_month_max=12, min_age_days=3, fee_fixed_points=1
)
TERMS = Terms(day_points_max=90, month_times_max=12, min_age_days=3, fee=1)


def event(ref: str, day: date) -> str:
    """An event happens on one day: its ref is never seen on another one."""
    return f"{ref}:{day}"

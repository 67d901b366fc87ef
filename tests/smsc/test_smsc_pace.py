from hypothesis import given
from hypothesis import strategies as st

from club.integrations.smsc.pace import CATCH_UP_S, Pace


@given(
    st.integers(1, 500),
    st.lists(st.floats(0, 0.5, allow_nan=False), min_size=1, max_size=300),
)
def test_no_second_carries_more_than_the_contract_says(rate: int, gaps_s: list[float]) -> None:
    pace, now_s, sent_at_s = Pace(rate), 1_000.0, []
    for gap_s in gaps_s:
        now_s += gap_s
        sent_at_s.append(now_s + pace.reserve(now_s))

    for at_s in sent_at_s:
        within = sum(1 for other_s in sent_at_s if at_s <= other_s < at_s + 1)
        assert within <= rate * (1 + CATCH_UP_S) + 1


def test_a_steady_stream_gets_its_whole_rate() -> None:
    pace = Pace(50)
    waits_s = [pace.reserve(10.0) for _ in range(51)]
    assert 0.98 <= waits_s[50] <= 1.0

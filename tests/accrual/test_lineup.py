"""The prepared contest says of every event what the contest itself says."""

from random import Random
from types import ModuleType

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from club.accrual.rules import lineup
from club.accrual.rules.granting import Bid, contest, turn
from club.accrual.rules.model import Rule
from tests.accrual.test_granting import rule
from tests.accrual.test_mutants import QUIET, STACKINGS, excluding, planted

_rules = st.builds(
    rule,
    st.sampled_from("abcdefg"),
    priority=st.integers(0, 2),
    stacking=STACKINGS,
    excludes=st.just([]) | st.just(["z"]),
)
_rulebooks = st.lists(_rules, max_size=7, unique_by=lambda one: one.id)


def search(module: ModuleType) -> None:
    @settings(QUIET, max_examples=400, derandomize=True, phases=[Phase.generate])
    @given(_rulebooks, st.integers(0, 2**32))
    def run(rulebook: list[Rule], seed: int) -> None:
        random = Random(seed)
        ordered = sorted(excluding(rulebook, random), key=turn)
        prepared = module.lineup(ordered)
        for _ in range(5):
            points = tuple(random.choice([0, 1, 7, 7, 25]) for _ in ordered)
            found = prepared.counting(points)
            bids = [Bid(*one) for one in zip(ordered, points, strict=True) if one[1]]
            kept, _ = contest(bids)
            assert [Bid(ordered[place], points[place]) for place in found] == kept

    run()


def test_the_rules_that_count_are_those_that_win_the_contest() -> None:
    search(lineup)


def test_a_group_of_one_and_no_rules_at_all_are_nothing_special() -> None:
    alone = rule("a", stacking={"group": "g", "mode": "highest"})
    assert lineup.lineup([alone]).counting((5,)) == [0]
    assert lineup.lineup([alone]).counting((0,)) == []
    assert lineup.lineup([]).counting(()) == []


@pytest.mark.parametrize(
    "fault",
    [
        ("max(mine) if is_highest else ", ""),
        ("next(filter(None, mine), 0)", "max(mine)"),
        ("places[mine.index(best)]", "places[-1 - mine[::-1].index(best)]"),
        ("            if best:\n", "            if True:\n"),
        ("        found.sort()\n", ""),
        ("self._without_the_excluded(found) if self.rivals else found", "found"),
        ("isdisjoint(kept)", "isdisjoint(found)"),
        (
            "if other.id in rule.excludes or rule.id in other.excludes",
            "if other.id in rule.excludes",
        ),
        ("for place in self.alone if points[place]", "for place in self.alone"),
    ],
    ids=lambda fault: fault[0].strip(),
)
def test_a_fault_in_the_preparation_is_noticed(fault: tuple[str, str]) -> None:
    with planted({"lineup": fault}, [lineup]) as (faulty,), pytest.raises(AssertionError):
        search(faulty)

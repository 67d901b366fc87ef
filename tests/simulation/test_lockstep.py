"""A simulation grants what the program would: the very points of each event and rule.

Beside it stands the plain loop: one event after the other through `award`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from club.accrual.rules import occasions
from club.accrual.rules.counting import Place, Used, period_of, places
from club.accrual.rules.explain import Reason
from club.accrual.rules.granting import Candidate, award, is_held_out
from club.accrual.rules.model import Rule, Streak
from club.accrual.rules.wanting import Want
from club.accrual.simulation.granting import Crowd, settled, settled_turned
from club.accrual.simulation.occasions import FIRST_NUMBER, Past, drawn
from club.accrual.simulation.worlds import PERIODS, Entrant, period_ids, world_of
from tests.missing import tries

START = datetime(
    2026, 10, 31, 16, 30, tzinfo=UTC
)  # two and a half hours before November in Tashkent
CAP = 30
IDS = (3, 77_001, 2**40 + 5, 12)
"""Of the subscribers."""


@dataclass(frozen=True)
class Happened:
    subscriber: int
    at: datetime
    wants: Sequence[int]
    """Of each entrant; 0 where it was not in force."""
    amount: int = 0


def limits() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "of": st.sampled_from(["rule", "campaign"]),
            "each": st.sampled_from(["subscriber", "subscriber", "all"]),
            "period": st.sampled_from(PERIODS),
            "unit": st.sampled_from(["points", "times"]),
            "most": st.integers(1, 25),
        }
    )


def different(limit: dict[str, Any]) -> tuple[str, ...]:
    return limit["of"], limit["each"], limit["period"], limit["unit"]


def some_occasions() -> st.SearchStrategy[dict[str, Any]]:
    def kind(name: str, periods: Sequence[str], **more: Any) -> st.SearchStrategy[dict[str, Any]]:
        fixed = {"kind": st.just(name), "period": st.sampled_from(periods)}
        return st.fixed_dictionaries(fixed | {"repeats": st.booleans()} | more)

    return st.one_of(
        kind("nth", PERIODS, n=st.integers(1, 4)),
        kind("streak", ["day", "week", "month"], length=st.integers(2, 3)),
        kind("milestone", PERIODS, amount=st.integers(1, 60)),
    )


@st.composite
def worlds(draw: st.DrawFn) -> list[Entrant]:
    """Up to five rules, one of them perhaps in two versions, of two campaigns."""
    ids = [f"r{number}" for number in range(draw(st.integers(1, 5)))]
    modes = {group: draw(st.sampled_from(["first", "highest"])) for group in ("g", "h")}
    of_campaign = {rule_id: draw(st.sampled_from(["spring", "autumn"])) for rule_id in ids}
    entrants = []
    for rule_id in [*ids, *draw(st.sampled_from([[], ids[:1]]))]:
        group = draw(st.sampled_from([None, None, "g", "h"]))
        rule = {
            "id": rule_id,
            "reward": {"kind": "fixed", "points": 1, "cap_per_event": CAP},
            "occasion": draw(st.none() | some_occasions()),
            "priority": draw(st.integers(0, 2)),
            "stacking": group and {"group": group, "mode": modes[group]},
            "excludes": tuple(
                draw(
                    st.lists(
                        st.sampled_from([one for one in [*ids, "x"] if one != rule_id]), max_size=1
                    )
                )
            ),
            "limits": tuple(draw(st.lists(limits(), max_size=3, unique_by=different))),
        }
        percent = draw(st.sampled_from([0, 0, 30, 60]))
        entrants.append(
            Entrant(Rule.model_validate(rule), of_campaign[rule_id], holdout_percent=percent)
        )
    return entrants


@st.composite
def histories(draw: st.DrawFn, gaps: Sequence[int]) -> tuple[list[Entrant], list[Happened]]:
    """`gaps` are minutes from one event to the next."""
    entrants = draw(worlds())
    steps = st.tuples(
        st.integers(0, 2),  # of which subscriber
        st.sampled_from(gaps),
        st.lists(st.integers(0, 9), min_size=len(entrants), max_size=len(entrants)),
        st.integers(0, 90),
    )
    at, happened = START, []
    has_versions = len({one.rule.id for one in entrants}) < len(entrants)
    second_since = draw(st.integers(0, 20))
    for subscriber, minutes, wants, amount in draw(st.lists(steps, min_size=1, max_size=25)):
        at += timedelta(minutes=minutes)
        if has_versions:  # the first rule stands last once more
            wants[0 if len(happened) >= second_since else -1] = 0
        happened.append(Happened(subscriber, at, wants, amount))
    return entrants, happened


def candidates(entrants: Sequence[Entrant], one: Happened) -> Iterator[Candidate]:
    who = IDS[one.subscriber]
    for entrant, points in zip(entrants, one.wants, strict=True):
        if points:
            rule, campaign = entrant.rule, entrant.campaign
            yield Candidate(
                rule,
                Want(points, points, Reason.GRANTED),
                [*places(rule, campaign, subscriber_id=who, at=one.at)],
                occasions.place_of(rule, subscriber_id=who, at=one.at),
                is_held_out(campaign, who, entrant.holdout_percent),
            )


LOST = {Reason.NOT_YET, Reason.HOLDOUT, Reason.OUTSTACKED, Reason.EXCLUDED}


def in_sequence(
    entrants: Sequence[Entrant], happened: Sequence[Happened]
) -> tuple[dict[Any, int], set[Reason]]:
    """Points by the number of the event and the rule, as the program grants them; and why fewer."""
    used: dict[Place, Used] = {}
    granted, reasons = {}, set()
    for number, one in enumerate(happened):
        some = [*candidates(entrants, one)]
        for place in (place for candidate in some for place in candidate.places):
            used.setdefault(place, Used())
        for candidate, grant in award(some, amount=one.amount, at=one.at, used=used):
            reasons.add(grant.reason)
            if grant.reason not in LOST:
                granted[number, candidate.rule.id] = grant.points
    return granted, reasons


def in_step(
    entrants: Sequence[Entrant],
    happened: Sequence[Happened],
    *,
    chunks: int,
    backwards: bool = False,
) -> dict[Any, int]:
    """The same, as a simulation grants them: subscribers dealt to several chunks."""
    world = world_of(entrants)
    crowds, numbers = [], []
    for chunk in range(chunks):
        mine = sorted(
            (number for number, one in enumerate(happened) if one.subscriber % chunks == chunk),
            key=lambda number: (happened[number].subscriber, number),
        )
        if not mine:
            continue
        owners, subscriber = np.unique([happened[n].subscriber for n in mine], return_inverse=True)
        occurred_us = np.array([int(happened[n].at.timestamp()) * 1_000_000 for n in mine])
        wants = [
            np.array([happened[n].wants[place] for n in mine])
            for one in world.entrants
            for place, other in enumerate(entrants)
            if other is one  # two versions may be alike
        ]
        past = Past(
            np.array(IDS)[owners], subscriber, occurred_us, np.array(mine), period_ids(occurred_us)
        )
        amount = np.array([happened[n].amount for n in mine])
        crowds.append(Crowd.of(wants, world, past, amount, is_forwards=not backwards))
        numbers.append(mine)
    granted = (settled_turned if backwards else settled)(crowds, world)
    return {
        (mine[event], world.entrants[rule].rule.id): int(points)
        for mine, crowd, chunk in zip(numbers, crowds, granted, strict=True)
        for event, rule, points in zip(crowd.wishes.event, crowd.wishes.rule, chunk, strict=True)
    }


@settings(max_examples=tries(600, quick=150), deadline=None)
@given(histories([0, 0, 1, 40, 300, 2_000, 9_000]), st.integers(1, 3))
def test_in_step_each_event_gets_what_it_gets_in_sequence(
    history: tuple[list[Entrant], list[Happened]], chunks: int
) -> None:
    entrants, happened = history

    plain, reasons = in_sequence(entrants, happened)

    assert in_step(entrants, happened, chunks=chunks) == plain
    for reason in reasons:
        event(reason)


@settings(max_examples=tries(200, quick=60), deadline=None)
@given(histories([1, 37, 600, 2_000]))
def test_backwards_is_the_plain_loop_over_the_events_turned_round(
    history: tuple[list[Entrant], list[Happened]],
) -> None:
    """Two events at one moment have no order that could be turned but that of their numbers: these gaps
    are none."""
    entrants, happened = history
    turned, _ = in_sequence(entrants, happened[::-1])
    plain = {
        (len(happened) - 1 - number, rule): points for (number, rule), points in turned.items()
    }

    assert in_step(entrants, happened, chunks=2, backwards=True) == plain


@given(
    st.sampled_from(["spring", "autumn", "fund-0"]),
    st.lists(st.integers(1, 2**62), min_size=1, unique=True),
    st.integers(0, 100),
)
def test_lots_are_drawn_as_the_program_draws_them(
    campaign: str, who: list[int], percent: int
) -> None:
    held_out = drawn(campaign, np.array(who)) < percent
    assert held_out.tolist() == [is_held_out(campaign, one, percent) for one in who]


@given(st.integers(0, 40 * 365 * 24 * 60), st.integers(0, 60 * 24 * 40))
def test_periods_have_the_borders_that_the_program_gives_them(minute: int, later: int) -> None:
    first = datetime(1995, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    second = first + timedelta(minutes=later)
    moments = np.array([int(at.timestamp()) * 10**6 for at in (first, second)])
    for period, ids in zip(PERIODS, period_ids(moments), strict=True):
        same = period_of(period, first) == period_of(period, second)
        assert (ids[0] == ids[1]) == same


@given(st.integers(0, 40 * 365 * 24 * 60), st.sampled_from(["day", "week", "month"]))
def test_periods_of_streaks_have_the_numbers_that_the_program_gives_them(
    minute: int, period: Any
) -> None:
    at = datetime(1995, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    ids = period_ids(np.array([int(at.timestamp()) * 10**6]))
    number = FIRST_NUMBER[period] + ids[PERIODS.index(period), 0]
    assert number == occasions.number_of(Streak(length=2, period=period), at)


def test_a_shared_budget_goes_to_whoever_comes_first_whichever_chunk_has_them() -> None:
    rule = Rule.model_validate_json(
        '{"id": "gift", "reward": {"kind": "fixed", "points": 5, "cap_per_event": 5}, "limits":'
        ' [{"of": "campaign", "each": "all", "period": "ever", "unit": "points", "most": 12}]}'
    )
    happened = [Happened(n, START + timedelta(minutes=n), [5]) for n in (2, 0, 1, 3)]
    happened.sort(key=lambda one: one.at)

    granted = in_step([Entrant(rule, "spring")], happened, chunks=2)

    assert granted == {(0, "gift"): 5, (1, "gift"): 5, (2, "gift"): 2, (3, "gift"): 0}


@pytest.mark.parametrize("chunks", [1, 3])
def test_without_any_rule_nothing_is_granted(chunks: int) -> None:
    assert in_step([], [Happened(0, START, [])], chunks=chunks) == {}

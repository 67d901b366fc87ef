"""A simulation grants what the program would: the very points of each event and rule.

Beside it stands the plain loop: one event after the other through `contest` and `grant`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from club.accrual.rules.explain import Reason
from club.accrual.rules.granting import Place, Used, Wish, contest, grant, period_of, places
from club.accrual.rules.model import Rule
from club.accrual.rules.wanting import Want
from club.accrual.simulation.granting import Crowd, settled, settled_turned
from club.accrual.simulation.worlds import PERIODS, Entrant, period_ids, world_of

START = datetime(
    2026, 10, 31, 16, 30, tzinfo=UTC
)  # two and a half hours before November in Tashkent
ANYTHING = {"kind": "compare", "field": "amount", "op": "ge", "value": 0}


@dataclass(frozen=True)
class Happened:
    subscriber: int
    at: datetime
    wants: Sequence[int]


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


@st.composite
def worlds(draw: st.DrawFn) -> list[Entrant]:
    ids = [f"r{number}" for number in range(draw(st.integers(1, 5)))]
    modes = {group: draw(st.sampled_from(["first", "highest"])) for group in ("g", "h")}
    entrants = []
    for rule_id in ids:
        group = draw(st.sampled_from([None, None, "g", "h"]))
        rule = {
            "id": rule_id,
            "when": ANYTHING,
            "reward": {"kind": "fixed", "points": 1, "cap_per_event": 1},
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
        campaign = draw(st.sampled_from(["spring", "autumn"]))
        entrants.append(Entrant(Rule.model_validate(rule), campaign))
    return entrants


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Entrant], list[Happened]]:
    entrants = draw(worlds())
    steps = st.tuples(
        st.integers(0, 2),  # of which subscriber
        st.sampled_from([0, 0, 1, 40, 300, 2_000]),  # minutes after the one before
        st.lists(st.integers(0, 9), min_size=len(entrants), max_size=len(entrants)),
    )
    at, happened = START, []
    for subscriber, minutes, wants in draw(st.lists(steps, min_size=1, max_size=25)):
        at += timedelta(minutes=minutes)
        happened.append(Happened(subscriber, at, wants))
    return entrants, happened


def in_sequence(entrants: Sequence[Entrant], happened: Sequence[Happened]) -> dict[Any, int]:
    """Points by the number of the event and the rule, as the program grants them."""
    used: dict[Place, Used] = {}
    granted = {}
    for number, one in enumerate(happened):
        wishes = [
            Wish(entrant.rule, Want(points, points, Reason.GRANTED))
            for entrant, points in zip(entrants, one.wants, strict=True)
            if points
        ]
        campaigns = {entrant.rule.id: entrant.campaign for entrant in entrants}
        for wish in contest(wishes)[0] if wishes else []:
            rule = wish.rule
            mine = [*places(rule, campaigns[rule.id], subscriber_id=one.subscriber + 1, at=one.at)]
            for place in mine:
                used.setdefault(place, Used())
            granted[number, rule.id] = grant(wish, mine, used=used).points
    return granted


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
        _, subscriber = np.unique([happened[n].subscriber for n in mine], return_inverse=True)
        occurred_us = np.array([int(happened[n].at.timestamp()) * 1_000_000 for n in mine])
        wants = [
            np.array([happened[n].wants[entrants.index(one)] for n in mine])
            for one in world.entrants
        ]
        crowds.append(
            Crowd.of(wants, world, subscriber, occurred_us, np.array(mine), period_ids(occurred_us))
        )
        numbers.append(mine)
    granted = (settled_turned if backwards else settled)(crowds, world)
    return {
        (mine[event], world.entrants[rule].rule.id): int(points)
        for mine, crowd, chunk in zip(numbers, crowds, granted, strict=True)
        for event, rule, points in zip(crowd.wishes.event, crowd.wishes.rule, chunk, strict=True)
    }


@settings(max_examples=400, deadline=None)
@given(histories(), st.integers(1, 3))
def test_in_step_each_event_gets_what_it_gets_in_sequence(
    history: tuple[list[Entrant], list[Happened]], chunks: int
) -> None:
    entrants, happened = history

    plain = in_sequence(entrants, happened)

    assert in_step(entrants, happened, chunks=chunks) == plain
    wanted = sum(len([w for w in one.wants if w]) for one in happened)
    event(f"limits bit: {sum(plain.values()) < sum(sum(one.wants) for one in happened)}")
    event(f"rules lost: {len(plain) < wanted}")


@settings(max_examples=100, deadline=None)
@given(worlds(), st.data())
def test_backwards_is_the_plain_loop_over_the_events_turned_round(
    entrants: list[Entrant], data: st.DataObject
) -> None:
    wants = data.draw(
        st.lists(
            st.lists(st.integers(0, 9), min_size=len(entrants), max_size=len(entrants)),
            min_size=1,
            max_size=20,
        )
    )
    happened = [
        Happened(n % 3, START + timedelta(minutes=37 * n), some) for n, some in enumerate(wants)
    ]
    turned = in_sequence(entrants, happened[::-1])
    plain = {
        (len(happened) - 1 - number, rule): points for (number, rule), points in turned.items()
    }

    assert in_step(entrants, happened, chunks=2, backwards=True) == plain


@given(st.integers(0, 40 * 365 * 24 * 60), st.integers(0, 60 * 24 * 40))
def test_periods_have_the_borders_that_the_program_gives_them(minute: int, later: int) -> None:
    first = datetime(1995, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    second = first + timedelta(minutes=later)
    moments = np.array([int(at.timestamp()) * 10**6 for at in (first, second)])
    for period, ids in zip(PERIODS, period_ids(moments), strict=True):
        same = period_of(period, first) == period_of(period, second)
        assert (ids[0] == ids[1]) == same


def test_a_shared_budget_goes_to_whoever_comes_first_whichever_chunk_has_them() -> None:
    rule = Rule.model_validate_json(
        '{"id": "gift", "when": {"kind": "compare", "field": "amount", "op": "ge", "value": 0},'
        ' "reward": {"kind": "fixed", "points": 5, "cap_per_event": 5}, "limits":'
        ' [{"of": "campaign", "each": "all", "period": "ever", "unit": "points", "most": 12}]}'
    )
    happened = [Happened(n, START + timedelta(minutes=n), [5]) for n in (2, 0, 1, 3)]
    happened.sort(key=lambda one: one.at)

    granted = in_step([Entrant(rule, "spring")], happened, chunks=2)

    assert granted == {(0, "gift"): 5, (1, "gift"): 5, (2, "gift"): 2, (3, "gift"): 0}


@pytest.mark.parametrize("chunks", [1, 3])
def test_without_any_rule_nothing_is_granted(chunks: int) -> None:
    assert in_step([], [Happened(0, START, [])], chunks=chunks) == {}

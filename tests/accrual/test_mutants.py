"""Faults planted in the rules, in memory only: each must be noticed by the search that guards them.

A test that cannot fail proves nothing. A fault counts as noticed when an assertion fails; a crash or a
time-out would notice nothing.
"""

import importlib
import inspect
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from random import Random
from types import ModuleType
from typing import Any, NamedTuple

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from club.accrual.rules import counting, explain, granting, occasions, to_python, to_sql, wanting
from club.accrual.rules.explain import Reason
from club.accrual.rules.model import Rule
from club.accrual.rules.wanting import Want
from tests.accrual.granting_on_paper import Answer, Paper
from tests.accrual.rule_readers import QUIET, Readers, search
from tests.accrual.test_granting import limit, rule
from tests.missing import tries

Fault = tuple[ModuleType, str, str]
"""Where, what stands there, and what would stand there by mistake."""

READING: dict[str, Fault] = {
    "sql: > for >=": (to_sql, '"ge": exp.GTE', '"ge": exp.GT'),
    "sql: <= for <": (to_sql, '"lt": exp.LT,', '"lt": exp.LTE,'),
    "sql: a leaf may be null": (
        to_sql,
        "return exp.Coalesce(this=_paren(test), expressions=[exp.false()])",
        "return _paren(test)",
    ),
    "sql: no cap": (
        to_sql,
        "return exp.Least(this=points, expressions=[cap], ignore_nulls=True)",
        "return points",
    ),
    "sql: the last case wins": (
        to_sql,
        "for when, then in cases]",
        "for when, then in reversed(cases)]",
    ),
    "sql: a floor after each boost": (
        to_sql,
        "expression=_paren(self._percent(boost)))\n        if reward.divisor > 1:\n"
        "            points = self._divide(points, reward.divisor)",
        "expression=_paren(self._percent(boost)))\n            points = self._divide(points, 100)",
    ),
    "python: != holds for a missing fact": (
        to_python,
        'if op == "eq":',
        'if op in ("eq", "ne"):',
    ),
    "python: `otherwise` ignored": (
        to_python,
        "ast.Constant(boost.otherwise)",
        "ast.Constant(100)",
    ),
    "python: rates ignored": (to_python, "for rate in reward.rates]", "for rate in ()]"),
    "explain: != holds for a missing fact": (
        explain,
        "got is not None and",
        '(got is not None or op == "ne") and',
    ),
    "python: a percentage is rounded down before the boosts": (
        to_python,
        "return ast.BinOp(_fact(reward.field), ast.Mult(), ast.Constant(reward.basis_points))",
        "return ast.BinOp(ast.BinOp(ast.BinOp(_fact(reward.field), ast.Mult(), "
        "ast.Constant(reward.basis_points)), ast.FloorDiv(), ast.Constant(10**6)), "
        "ast.Mult(), ast.Constant(10**6))",
    ),
    "explain: the trigger is not asked": (
        explain,
        "condition = why(rule.condition, facts)",
        "condition = why(rule.when or rule.condition, facts)",
    ),
    "explain: a floor after each boost": (
        explain,
        "wanted *= boost.percent",
        "wanted = wanted * boost.percent // 100 * 100",
    ),
    "sql: who is on unknown lists is on every list": (
        to_sql,
        "return _leaf(self._on(segment))",
        "return exp.Not(this=_paren(exp.Not(this=_paren(self._on(segment)))))",
    ),
    "sql: divided by floating point": (
        to_sql,
        "return exp.IntDiv(this=this, expression=by)",
        "return exp.Div(this=this, expression=by)",
    ),
    "sql: the trigger is not asked": (
        to_sql,
        "earns = self.condition(rule.condition)",
        "earns = self.condition(rule.when or rule.condition)",
    ),
    "python: > for >=": (to_python, '"ge": ast.GtE', '"ge": ast.Gt'),
    "python: the last case wins": (to_python, "reversed(cases),", "cases,"),
    "python: `not` is ignored": (
        to_python,
        "return ast.UnaryOp(ast.Not(), condition_node(inner))",
        "return condition_node(inner)",
    ),
    "python: no cap": (
        to_python,
        "[points, cap], [])",
        "[points, points], [])",
    ),
    "explain: `any` is `all`": (
        explain,
        "any(answer.ok for answer in answers)",
        "all(answer.ok for answer in answers)",
    ),
    "explain: who is on unknown lists is on every list": (
        explain,
        "ok=bool(on)",
        "ok=on is not False",
    ),
    "want: a rounded zero is called a condition": (
        wanting,
        "Reason.ROUNDS_TO_ZERO if",
        "Reason.CONDITION if",
    ),
    "want: the cap is not told": (wanting, "Want(wanted,", "Want(points,"),
}
GRANTING: dict[str, Fault] = {
    "a day ends at midnight in London": (
        counting,
        "local = at.astimezone(TASHKENT)\n    return",
        "local = at.astimezone(TASHKENT) - timedelta(hours=5)\n    return",
    ),
    "a week begins on Sunday": (
        counting,
        "timedelta(days=day.weekday())",
        "timedelta(days=day.isoweekday() % 7)",
    ),
    "a month is any November": (counting, "isoformat()[:7]", "isoformat()[5:7]"),
    "each rule has the whole budget": (counting, 'if limit.of == "rule" else', "if True else"),
    "everybody has the whole budget": (
        counting,
        "EVERYBODY if is_shared else subscriber_id",
        "subscriber_id",
    ),
    "the lowest priority goes first": (granting, "return -rule.priority", "return rule.priority"),
    "equal priorities go as they come": (granting, "-rule.priority, rule.id", '-rule.priority, ""'),
    "exclusions work in one direction": (
        granting,
        "if rule.id in one.rule.excludes or one.rule.id in rule.excludes",
        "if one.rule.id in rule.excludes",
    ),
    "exclusions are ignored": (
        granting,
        "elif stronger := _excluding(rule, kept)",
        "elif stronger := None",
    ),
    "of equals the last wins": (granting, "one.points > best.points", "one.points >= best.points"),
    "the highest is the first": (granting, 'stacking.mode == "highest" and', "False and"),
    "a group adds up": (granting, "if rule.stacking and (winner", "if False and (winner"),
    "a limit is one more": (
        granting,
        "max(limit.most - had_points, 0)",
        "max(limit.most - had_points + 1, 0)",
    ),
    "points are all or nothing": (
        granting,
        "before, allowed = had_points, max(limit.most - had_points, 0)",
        "before, allowed = had_points, want.points if limit.most - had_points >= want.points else 0",
    ),
    "times are never used up": (
        granting,
        "want.points if had_times < limit.most else 0",
        "want.points",
    ),
    "times are points": (
        granting,
        'if limit.unit == "points":',
        "if True:",
    ),
    "times are not counted": (
        granting,
        "(had_points + points, had_times + 1)",
        "(had_points + points, had_times)",
    ),
    "what was wanted is counted": (
        granting,
        "(had_points + points, had",
        "(had_points + want.points, had",
    ),
    "a counter of two limits is counted twice": (
        granting,
        "in {*counters}:  # a",
        "in counters:  # a",
    ),
    "the last limit decides": (granting, "if allowed < points:", "if allowed < want.points:"),
    "a limit that just suffices is blamed": (
        granting,
        "if allowed < points:",
        "if allowed <= points:",
    ),
    "nothing is given back": (
        granting,
        "used[place] = Used(max(before.points - points, 0), max(before.times - 1, 0))",
        "used[place] = before",
    ),
    "times are not given back": (granting, "max(before.times - 1, 0))", "before.times)"),
    "a counter of two limits is given back twice": (
        granting,
        "in {*counters}:\n        before = used",
        "in counters:\n        before = used",
    ),
    "nobody is held out": (granting, "waiting is None and one.is_held_out", "False"),
    "who is held out does not count": (
        granting,
        "        if one.seen:\n            one, w",
        "        if one.seen and not one.is_held_out:\n            one, w",
    ),
    "a milestone goes beyond the cap": (
        granting,
        "min(want.points * reached.times, rule.reward.cap_per_event)",
        "want.points * reached.times",
    ),
    "from the n-th on each counts": (
        occasions,
        "after.times == occasion.n",
        "after.times >= occasion.n",
    ),
    "the n-th counts once": (
        occasions,
        "is_it = after.times % occasion.n == 0 if",
        "is_it = after.times == occasion.n if",
    ),
    "a milestone has to be passed": (
        occasions,
        "< occasion.amount <= after",
        "< occasion.amount < after",
    ),
    "a streak counts events": (occasions, "number <= last:", "number < last:"),
    "a gap breaks no streak": (occasions, "number == last + 1 else", "number >= last + 1 else"),
    "an hour is as good as a month": (
        occasions,
        "period_of(period, at), f",
        'period_of("hour", at), f',
    ),
}


# ---- readers ---------------------------------------------------------------------------------
@pytest.mark.parametrize("fault", READING)
def test_a_fault_in_a_reader_is_noticed(fault: str, readers: Readers) -> None:
    module, old, new = READING[fault]
    name = module.__name__.rpartition(".")[2]
    # One database shows a fault of both, and what is no SQL needs none.
    readers.dialects = ("duckdb",) if name == "to_sql" else ()
    with planted({name: (old, new)}, [module]) as (faulty,):
        setattr(readers, name, faulty)
        with pytest.raises(AssertionError):
            search(readers, 3_000, derandomize=True, phases=[Phase.generate])


@pytest.mark.parametrize("module", [to_python, to_sql, explain, wanting])
def test_a_copy_of_a_reader_without_a_fault_is_not_accused(
    module: ModuleType, readers: Readers
) -> None:
    name = module.__name__.rpartition(".")[2]
    readers.dialects = ("duckdb",) if name == "to_sql" else ()
    with planted({}, [module]) as (copy,):
        setattr(readers, name, copy)
        search(readers, 60, derandomize=True, phases=[Phase.generate])


# ---- granting --------------------------------------------------------------------------------
class Room(NamedTuple):
    """The modules that decide what is granted."""

    counting: ModuleType
    occasions: ModuleType
    granting: ModuleType


ROOM = Room(counting, occasions, granting)

_limits = st.builds(
    limit,
    st.integers(1, 40),
    of=st.sampled_from(["rule", "campaign"]),
    each=st.sampled_from(["subscriber", "all"]),
    period=st.sampled_from(["hour", "day", "week", "month", "ever"]),
    unit=st.sampled_from(["points", "times"]),
)
_occasions = st.one_of(
    st.fixed_dictionaries({"kind": st.just("nth"), "n": st.integers(1, 3), "period": st.sampled_from(["day", "month", "ever"]), "repeats": st.booleans()}),
    st.fixed_dictionaries({"kind": st.just("streak"), "length": st.integers(2, 3), "period": st.sampled_from(["day", "week", "month"]), "repeats": st.booleans()}),
    st.fixed_dictionaries({"kind": st.just("milestone"), "amount": st.sampled_from([5, 8, 20]), "period": st.sampled_from(["day", "month"]), "repeats": st.booleans()}),
)  # fmt: skip
STACKINGS = st.none() | st.sampled_from(["first", "highest"]).map(
    lambda mode: {"group": mode, "mode": mode}
)
_rules = st.builds(
    rule,
    st.sampled_from("abcdef"),
    priority=st.integers(0, 1),
    stacking=STACKINGS,
    excludes=st.just([]) | st.sampled_from("uvwxyz").map(lambda one: [one]),
    limits=st.lists(
        _limits, max_size=2, unique_by=lambda x: (x["of"], x["each"], x["period"], x["unit"])
    )
    | st.builds(lambda a, n: [a, a | {"unit": "times", "most": n}], _limits.filter(lambda x: x["unit"] == "points"), st.integers(1, 3)),
    occasion=st.none() | _occasions,
    reward=st.sampled_from([30, 10**6]).map(lambda cap: {"kind": "fixed", "points": 1, "cap_per_event": cap}),
)  # fmt: skip
_rulebooks = st.lists(_rules, min_size=1, max_size=4, unique_by=lambda one: one.id)


def excluding(rulebook: list[Rule], random: Random) -> list[Rule]:
    """The rules, some of which exclude another one of them."""
    ids = [one.id for one in rulebook]
    return [
        one.model_copy(
            update={"excludes": tuple(random.sample([i for i in ids if i != one.id], 1))}
        )
        if one.excludes and len(ids) > 1
        else one.model_copy(update={"excludes": ()})
        for one in rulebook
    ]


def compare(room: Room, rulebook: list[Rule], seed: int) -> None:
    """A month of two subscribers, decided by the product and on paper. Raises AssertionError."""
    random = Random(seed)
    rulebook = excluding(rulebook, random)
    paper, used = Paper(), {}
    past: list[tuple[Rule, int, datetime, int]] = []
    at = datetime(2026, 10, 29, tzinfo=UTC)
    for nth in range(14):
        # Near midnight in Tashkent, where days, weeks and months change; sometimes a late one.
        at = at.replace(hour=random.choice([18, 19]), minute=0, second=nth) + timedelta(
            days=random.choice([-1, 0, 0, 1, 1, 1, 7, 365]), minutes=random.randint(0, 59)
        )
        who, amount = random.randint(1, 2), random.randint(1, 12)
        wants = [(one, random.choice([1, 7, 7, 25])) for one in rulebook if random.random() < 0.9]
        random.shuffle(wants)
        held_out = frozenset(one.id for one, _ in wants if random.random() < 0.05)
        found = decide(room, wants, used, who=who, at=at, amount=amount, held_out=held_out)
        assert found == paper.decide(wants, who=who, at=at, amount=amount, held_out=held_out)
        past += [(one, who, at, found[one.id][0]) for one, _ in wants if found[one.id][0]]
        if past and random.random() < 0.3:
            one, whose, when, points = past.pop(random.randrange(len(past)))
            assert paper.cancel(one.id, who=whose, at=when) == points
            counters = room.counting.places(one, "spring", subscriber_id=whose, at=when)
            room.granting.give_back([*counters], points=points, used=used)


def decide(
    room: Room,
    wants: list[tuple[Rule, int]],
    used: dict[Any, Any],
    *,
    who: int,
    at: datetime,
    amount: int,
    held_out: frozenset[str],
) -> dict[str, Answer]:
    candidates = [
        room.granting.Candidate(
            one,
            Want(points, points, Reason.GRANTED),
            [*room.counting.places(one, "spring", subscriber_id=who, at=at)],
            room.occasions.place_of(one, subscriber_id=who, at=at),
            one.id in held_out,
        )
        for one, points in wants
    ]
    for candidate in candidates:
        for place in candidate.places:
            used.setdefault(place, room.counting.Used())
    awarded = room.granting.award(candidates, amount=amount, at=at, used=used)
    return {one.rule.id: answer(grant) for one, grant in awarded}


def answer(grant: granting.Grant) -> Answer:
    because = grant.because
    if because is None or because.occasion:
        return grant.points, grant.reason.value, None
    blamed = because.rule_id or (because.limit, because.used)
    return grant.points, grant.reason.value, blamed


def search_granting(room: Room, count: int, **how: Any) -> None:
    @settings(QUIET, max_examples=count, **how)
    @given(_rulebooks, st.integers(0, 2**32))
    def run(rulebook: list[Rule], seed: int) -> None:
        compare(room, rulebook, seed)

    run()


def test_what_is_granted_is_what_somebody_works_out_on_paper() -> None:
    search_granting(ROOM, tries(3_000, quick=150))


@pytest.mark.parametrize("fault", GRANTING)
def test_a_fault_in_granting_is_noticed(fault: str) -> None:
    module, old, new = GRANTING[fault]
    name = module.__name__.rpartition(".")[2]
    with planted({name: (old, new)}, ROOM) as faulty, pytest.raises(AssertionError):
        search_granting(Room(*faulty), 3_000, derandomize=True, phases=[Phase.generate])


def test_a_copy_of_granting_without_a_fault_is_not_accused() -> None:
    with planted({}, ROOM) as copies:
        search_granting(Room(*copies), 60, derandomize=True, phases=[Phase.generate])


# ---- planting --------------------------------------------------------------------------------
@contextmanager
def planted(faults: dict[str, tuple[str, str]], modules: Any) -> Iterator[tuple[ModuleType, ...]]:
    """Copies of modules, one of them with a fault, that know each other instead of the true ones.
    The files are never touched."""
    package = importlib.import_module("club.accrual.rules")
    made = []
    with pytest.MonkeyPatch.context() as patched:
        for module in modules:
            name = module.__name__.rpartition(".")[2]
            source = inspect.getsource(module)
            if name in faults:
                old, new = faults[name]
                assert source.count(old) == 1, "the fault must still have its place"
                source = source.replace(old, new)
            copy = types.ModuleType(module.__name__)
            patched.setitem(sys.modules, module.__name__, copy)
            patched.setattr(package, name, copy)
            exec(compile(source, f"<a copy of {name}>", "exec"), copy.__dict__)
            made.append(copy)
        yield tuple(made)

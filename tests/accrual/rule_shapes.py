"""Random rules as JSON-shaped data, and events close to what each rule asks about.

A uniform amount is never exactly the 500,000 that tells `>` from `>=`. So the constants are taken
out of the rule, with their neighbours.
"""

from random import Random
from typing import Any

from hypothesis import strategies as st

from club.accrual.rules.facts import AMOUNT_TIYIN_MAX, COMMON, FIELDS, Facts

Data = dict[str, Any]

WORDS = {
    "event_type": ["payment", "cancellation", "o'neil \\ \"; drop table x --", "%_"],
    "channel": ["app", "bank", "%s"],
    "tariff": ["start", "vip", "iot"],
    "region": ["TAS", "SAM", "Қорақалпоқ", "O‘z"],
    "tier": ["bronze", "silver", "gold"],
}

SEGMENTS = ["vip-2026", "lottery"]
OTHER_WORDS = ["coffee", "o'clock", "Қ"]  # of the fields that some types of event declare
SMALL = {"weekday": (1, 7), "hour": (0, 23), "tenure_months": (0, 240), "score": (-1, 10)}
SIGNED = {"lowest_balance_tiyin": (-1_000_000, 1_000_000)}


def values(field: str) -> st.SearchStrategy[Any]:
    if FIELDS[field] is str:
        return st.sampled_from(WORDS.get(field, OTHER_WORDS))
    if FIELDS[field] is bool:
        return st.booleans()
    if field in SMALL | SIGNED:
        return st.integers(*(SMALL | SIGNED)[field])
    return st.integers(0, AMOUNT_TIYIN_MAX) | st.integers(0, 1_000_000)


@st.composite
def leaves(draw: st.DrawFn) -> Data:
    # Weighed towards ordered comparisons: there the boundaries are. A fact that one type of event alone
    # has is compared as any other.
    often = [*COMMON] * 2 + ["amount"] * 4 + ["weekday", "segments"]
    field = draw(st.sampled_from([*often, *FIELDS]))
    if field == "segments":
        return {"kind": "in_segment", "segment": draw(st.sampled_from(SEGMENTS))}
    if draw(st.integers(0, 3)) == 0:
        listed = draw(st.lists(values(field), min_size=1, max_size=3))
        return {"kind": "one_of", "field": field, "values": listed}
    ops = ["eq", "ne", "lt", "le", "gt", "ge"] if FIELDS[field] is int else ["eq", "ne"]
    op, value = draw(st.sampled_from(ops)), draw(values(field))
    return {"kind": "compare", "field": field, "op": op, "value": value}


def _groups(parts: st.SearchStrategy[Data]) -> st.SearchStrategy[Data]:
    several = st.lists(parts, min_size=1, max_size=3)
    return st.fixed_dictionaries({"kind": st.sampled_from(["all", "any"]), "of": several}) | (
        st.fixed_dictionaries({"kind": st.just("not"), "of": parts})
    )


conditions = st.recursive(leaves(), _groups, max_leaves=6)
_cases = st.fixed_dictionaries({"when": leaves(), "percent": st.integers(0, 400)})
_boosts = st.fixed_dictionaries(
    {"name": st.just("b"), "cases": st.lists(_cases, max_size=3), "otherwise": st.integers(0, 300)}
)
_pers = st.sampled_from([1_000, 100_000, 777])
_rates = st.fixed_dictionaries({"when": leaves(), "per": _pers, "points": st.integers(1, 50)})
_common = {
    "boosts": st.lists(_boosts, max_size=4),
    "cap_per_event": st.integers(1, 200) | st.integers(1, 10**9),
}
_rewards = st.fixed_dictionaries(
    _common
    | {
        "kind": st.just("per_unit"),
        "per": _pers,
        "points": st.integers(1, 50),
        "rates": st.lists(_rates, max_size=3),
    }
) | st.fixed_dictionaries(
    _common | {"kind": st.just("fixed"), "points": st.integers(1, 50) | st.integers(1, 10**6)}
)
_rewards |= st.fixed_dictionaries(
    _common
    | {"kind": st.just("percentage"), "basis_points": st.integers(1, 300)}
    | {"boosts": st.lists(_boosts, max_size=1)}
)
_triggers = st.sampled_from([["payment"], ["payment"], ["payment", "cancellation"], ["charge"]])
rules = st.fixed_dictionaries(
    {
        "id": st.just("r"),
        "trigger": _triggers,
        "when": st.none() | conditions | conditions,
        "reward": _rewards,
    }
)


def constants(node: Any, found: dict[str, set[Any]]) -> dict[str, set[Any]]:
    """Every constant of a rule, by the fact it is compared with."""
    if isinstance(node, dict):
        if "field" in node:
            found.setdefault(node["field"], set()).update(node.get("values", [node.get("value")]))
        if "trigger" in node:
            found.setdefault("event_type", set()).update(node["trigger"])
        if "basis_points" in node:
            found.setdefault("amount", set()).add(-(-1_000_000 // node["basis_points"]))
        if "per" in node:
            found.setdefault("amount", set()).update(node["per"] * times for times in (1, 2, 7))
        node = list(node.values())
    if isinstance(node, list):
        for part in node:
            constants(part, found)
    return found


def _near(random: Random, field: str, found: dict[str, set[Any]]) -> Any:
    if field == "segments":
        return random.choice([None, (), ("lottery",), ("lottery", "vip-2026"), ("else",)])
    known = sorted(found.get(field, set()))
    if known and random.random() < 0.6:
        value = random.choice(known)
        return value + random.choice([-1, 0, 0, 1]) if FIELDS[field] is int else value
    if FIELDS[field] is str:
        return random.choice([*WORDS.get(field, OTHER_WORDS), None])
    if FIELDS[field] is bool:
        return random.choice([True, False, None])
    if field in SMALL | SIGNED:
        return random.choice([random.randint(*(SMALL | SIGNED)[field]), None])
    return random.choice([None, random.randint(0, 1_000_000), random.randint(0, AMOUNT_TIYIN_MAX)])


@st.composite
def rules_with_events(draw: st.DrawFn) -> tuple[Data, list[Facts]]:
    rule = draw(rules)
    found = constants(rule, {})
    # The events come from one drawn number: hypothesis would spend most of its time on them.
    random = Random(draw(st.integers(0, 2**32)))
    events = [Facts(*(_near(random, field, found) for field in FIELDS)) for _ in range(12)]
    return rule, [
        event._replace(amount=min(event.amount, AMOUNT_TIYIN_MAX)) if event.amount else event
        for event in events
    ]

"""A compiled rule beside the same rule written by hand, one after the other over the same events."""

import json
import statistics
import time
from collections.abc import Callable, Sequence
from random import Random

from bench.pgbench import Figure
from club.accrual.rules.facts import Facts
from club.accrual.rules.to_python import compiled

EVENTS = 200_000
ROUNDS = 15
SEED = 4
RULE = {
    "id": "weekend-gold",
    "when": {"kind": "all", "of": [
        {"kind": "compare", "field": "event_type", "op": "eq", "value": "payment"},
        {"kind": "compare", "field": "amount", "op": "ge", "value": 2_000_000},
        {"kind": "any", "of": [
            {"kind": "one_of", "field": "channel", "values": ["app", "bank"]},
            {"kind": "compare", "field": "tariff", "op": "ne", "value": "iot"},
        ]},
    ]},
    "reward": {"kind": "per_unit", "per": 100_000, "points": 1, "cap_per_event": 500, "boosts": [
        {"name": "level", "otherwise": 100, "cases": [
            {"percent": 200, "when": {"kind": "compare", "field": "tier", "op": "eq", "value": "gold"}},
            {"percent": 150, "when": {"kind": "compare", "field": "tier", "op": "eq", "value": "silver"}},
        ]},
        {"name": "weekend", "otherwise": 100, "cases": [
            {"percent": 200, "when": {"kind": "compare", "field": "weekday", "op": "ge", "value": 6}},
        ]},
    ]},
}  # fmt: skip


def by_hand(  # the facts, in the order in which compiled rules take them
    event_type: str | None,
    amount: int | None,
    channel: str | None,
    tariff: str | None,
    region: str | None,
    tier: str | None,
    weekday: int | None,
    hour: int | None,
    tenure_months: int | None,
    is_holiday: bool | None,
    is_birthday: bool | None,
    *declared: object,  # what some types of event have besides
) -> int:
    if amount is None or amount < 2_000_000 or event_type != "payment":
        return 0
    if channel not in ("app", "bank") and (tariff is None or tariff == "iot"):
        return 0
    level = 200 if tier == "gold" else 150 if tier == "silver" else 100
    day = 200 if weekday is not None and weekday >= 6 else 100
    return min(amount // 100_000 * level * day // 10_000, 500)


def run(url: str) -> dict[str, Figure]:
    events, rule = some_events(), compiled(json.dumps(RULE))
    answers = [by_hand(*event) for event in events]
    assert answers == [rule.points(*event) for event in events], "the same rule"
    assert EVENTS / 10 < sum(points > 0 for points in answers) < EVENTS, "some earn"
    ratios = []
    for round_ in range(ROUNDS):
        first = (by_hand, rule.points) if round_ % 2 else (rule.points, by_hand)
        took_s = {function: cpu_s(function, events) for function in first}
        ratios.append(took_s[by_hand] / took_s[rule.points])
    return {
        "rule_vs_python": {
            "value": statistics.median(ratios), "unit": "x", "at_least": 0.8,
            "baseline": f"the same rule by hand: {cpu_s(by_hand, events) / EVENTS * 1e9:.0f} ns an event",
        }
    }  # fmt: skip


def some_events() -> list[Facts]:
    random = Random(SEED)
    return [
        Facts(
            event_type=random.choice(["payment", "payment", "charge"]),
            amount=random.choice([None, random.randint(0, 10_000_000), 2_000_000]),
            channel=random.choice(["app", "bank", "kiosk", None]),
            tariff=random.choice(["start", "vip", "iot", None]),
            region=random.choice(["TAS", "SAM"]),
            tier=random.choice(["bronze", "silver", "gold"]),
            weekday=random.randint(1, 7),
            hour=random.randint(0, 23),
            tenure_months=random.randint(0, 120),
            is_holiday=False,
            is_birthday=False,
        )
        for _ in range(EVENTS)
    ]


def cpu_s(function: Callable[..., int], events: Sequence[Facts]) -> float:
    began = time.process_time()
    for event in events:
        function(*event)
    return time.process_time() - began

"""Do the readers of a rule agree? Random rules meet random events.

Agreement is not correctness: readers can be wrong together. So there are golden cases, worked out
by hand (more of them in test_golden_rules.py). That this test can fail is shown in test_mutants.py.
"""

import pytest

from club.accrual.rules.facts import Facts
from tests.accrual.rule_readers import Readers, search
from tests.accrual.rule_shapes import Data
from tests.missing import tries


def test_python_postgresql_duckdb_and_the_explanation_give_the_same_points(
    readers: Readers,
) -> None:
    seen = search(readers, tries(200, quick=80))

    # A search in which hardly anything earns would agree about nothing.
    assert seen["conditions true"] > seen["events"] / 10
    assert seen["points above zero"] > seen["events"] / 20


# ---- golden cases, worked out by hand --------------------------------------------------------
def compare(field: str, op: str, value: object) -> Data:
    return {"kind": "compare", "field": field, "op": op, "value": value}


TOP_UP: Data = {
    "id": "top-up",
    "when": {
        "kind": "all",
        "of": [
            compare("event_type", "eq", "payment"),
            compare("amount", "ge", 500_000),
            compare("tariff", "ne", "iot"),
        ],
    },
    "reward": {
        "kind": "per_unit",
        "per": 100_000,
        "points": 1,
        "rates": [
            {"when": compare("channel", "eq", "app"), "per": 50_000, "points": 1},
            {"when": compare("tariff", "eq", "vip"), "per": 100_000, "points": 3},
        ],
        "boosts": [
            {
                "name": "tier",
                "cases": [
                    {"when": compare("tier", "eq", "silver"), "percent": 120},
                    {"when": compare("tier", "eq", "gold"), "percent": 150},
                ],
            },
            {
                "name": "day",
                "cases": [
                    {"when": compare("is_birthday", "eq", True), "percent": 300},
                    {"when": compare("weekday", "ge", 6), "percent": 200},
                ],
            },
        ],
        "cap_per_event": 500,
    },
}
USUAL = Facts("payment", 1_234_567, "bank", "start", "TAS", "bronze", 3, 12, 7, False, False)


@pytest.mark.parametrize(
    ("changed", "points"),
    [
        ({}, 12),  # 12,345.67 so'm are 12 full thousands
        ({"channel": "app"}, 24),  # 24 full halves
        ({"tariff": "vip"}, 36),
        ({"tariff": "vip", "channel": "app"}, 24),  # the first rate wins, not the best
        ({"tier": "silver"}, 14),  # 14.4
        ({"tier": "silver", "is_birthday": True}, 43),  # 43.2; a floor after each boost gives 42
        ({"tier": "gold", "weekday": 6}, 36),
        ({"weekday": 7, "is_birthday": True}, 36),  # the birthday first, not both
        ({"tier": None}, 12),
        ({"amount": 500_000}, 5),
        ({"amount": 499_999}, 0),
        ({"amount": 10**12}, 500),  # ten million wanted
        ({"amount": 50_000_000}, 500),  # exactly the cap
        ({"amount": -500_000}, 0),
        ({"amount": None}, 0),
        ({"tariff": "iot"}, 0),
        ({"tariff": None}, 0),  # "is not iot" needs a tariff to look at
        ({"event_type": "cancellation"}, 0),
    ],
)
def test_the_top_up_rule_gives(changed: Data, points: int, readers: Readers) -> None:
    ((_, given_points),) = readers.points(TOP_UP, [USUAL._replace(**changed)])

    assert given_points == points


def test_a_fixed_reward_needs_no_amount(readers: Readers) -> None:
    gift = {
        "id": "birthday",
        "when": compare("is_birthday", "eq", True),
        "reward": {
            "kind": "fixed",
            "points": 15,
            "boosts": [
                {"name": "tier", "cases": [{"when": compare("tier", "eq", "gold"), "percent": 150}]}
            ],
            "cap_per_event": 100,
        },
    }
    today = USUAL._replace(is_birthday=True, amount=None)

    answers = readers.points(gift, [today, today._replace(tier="gold"), USUAL])

    assert answers == [(True, 15), (True, 22), (False, 0)]


def test_a_percentage_is_rounded_down_once_after_its_boosts(readers: Readers) -> None:
    boosts = [{"name": "weekend", "cases": [{"when": compare("weekday", "ge", 6), "percent": 150}]}]
    rule = {
        "id": "cashback",
        "reward": {
            "kind": "percentage",
            "basis_points": 250,
            "boosts": boosts,
            "cap_per_event": 5_000,
        },
    }
    wednesday = USUAL._replace(amount=2_359_900)  # 23,599 so'm: 589.975
    saturday = wednesday._replace(weekday=6)  # 884.96; rounded down before, it would be 883

    answers = readers.points(
        rule,
        [
            wednesday,
            saturday,
            USUAL._replace(amount=10**12),
            USUAL._replace(amount=39),
            USUAL._replace(amount=None),
            USUAL._replace(event_type="charge"),
        ],
    )

    assert answers == [
        (True, 589), (True, 884), (True, 5_000), (True, 0), (True, 0), (False, 0),
    ]  # fmt: skip


def test_a_fixed_reward_with_large_boosts_is_multiplied_in_64_bits(readers: Readers) -> None:
    # A bare constant would be a 32-bit integer in both databases.
    boosts = [{"name": "b", "otherwise": 10_000}] * 3
    reward = {"kind": "fixed", "points": 999_999, "boosts": boosts, "cap_per_event": 10**9}
    rule = {"id": "r", "when": compare("amount", "gt", 0), "reward": reward}

    assert readers.points(rule, [USUAL]) == [(True, 10**9)]


def test_division_stays_exact_above_2_to_53(readers: Readers) -> None:
    # The random search does not find this one: it needs four boosts and the right amount.
    boosts = [{"name": "b", "otherwise": percent} for percent in (111, 107, 99, 107)]
    reward = {"kind": "per_unit", "per": 1_000, "points": 1, "boosts": boosts}
    rule = {
        "id": "r",
        "when": compare("amount", "gt", 0),
        "reward": reward | {"cap_per_event": 10**9},
    }

    answers = readers.points(rule, [USUAL._replace(amount=496_505_459_000)])

    assert answers == [(True, 624_668_715)]  # …716 through floating point

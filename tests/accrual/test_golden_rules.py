"""The demo's own rules, worked out on paper: what a subscriber is told in the demo is what these figures
say, whichever reader is asked.

`top-up`, from 5,000 so'm on (500,000 tiyin): a point for each full 1,000 so'm; in the app on the tariff
premium two; in the app three for each full 2,000; on premium five for each full 4,000, the first of these
that holds. Then the level: silver 110 %, gold 125 %, platinum 150 %; then the day: birthday 200 %, else on
Saturdays and Sundays 120 %. Rounded down once, at most 5,000.

`app-gift`: 25 points for a payment in the app of 50,000 so'm or more.
"""

import json
from importlib import resources
from typing import Any

import pytest

from club.accrual.rules.facts import Facts
from club.accrual.rules.model import Rule
from club.accrual.rules.warnings import doubts
from tests.accrual.rule_readers import Readers

PROGRAMME = resources.files("club.demo").joinpath("programme.json")
RULES: dict[str, dict[str, Any]] = {
    named["rule"]["id"]: named["rule"]
    for campaign in json.loads(PROGRAMME.read_text("utf-8"))["campaigns"]
    for named in campaign["rules"]
}
BANK = Facts("payment", 2_345_600, "bank", "start", "TAS", "bronze", 3, 12, 7, False, False, ())
"""23,456 so'm on a Wednesday at noon."""
APP = {"channel": "app"}
PREMIUM = {"tariff": "premium"}


@pytest.mark.parametrize(
    ("changed", "points"),
    [
        ({}, 23),  # 23 full thousands
        (APP, 33),  # 11 full two-thousands, three each
        (PREMIUM, 25),  # 5 full four-thousands, five each
        (
            APP | PREMIUM,
            46,
        ),  # 23 thousands, two each: the first rate, although the second brings less
        ({"tier": "silver"}, 25),  # 23 × 1.10 = 25.3
        ({"tier": "gold"}, 28),  # 23 × 1.25 = 28.75
        ({"tier": "platinum"}, 34),  # 23 × 1.50 = 34.5
        ({"weekday": 6}, 27),  # 23 × 1.20 = 27.6
        ({"weekday": 5}, 23),
        ({"is_birthday": True}, 46),
        ({"is_birthday": True, "weekday": 7}, 46),  # the birthday alone, not both
        (
            {"tier": "silver", "weekday": 7},
            30,
        ),  # 23 × 1.10 × 1.20 = 30.36; rounded between, 25 × 1.2 = 30
        (APP | {"tier": "gold", "weekday": 6}, 49),  # 33 × 1.25 × 1.20 = 49.5
        (
            APP | {"tier": "silver", "is_birthday": True},
            72,
        ),  # 33 × 1.1 × 2 = 72.6; between: 36 × 2 = 72
        ({"tier": "silver", "is_birthday": True}, 50),  # 23 × 1.1 × 2 = 50.6
        ({"tier": None, "tariff": None, "is_birthday": None}, 23),
        ({"amount": 500_000}, 5),  # exactly enough
        ({"amount": 499_999}, 0),  # a tiyin short
        (PREMIUM | {"amount": 799_900}, 5),  # one full four-thousand
        (APP | {"amount": 599_900}, 6),  # two full two-thousands
        ({"amount": 500_000_000}, 5_000),  # exactly the cap
        ({"amount": 500_100_000}, 5_000),  # 5,001 wanted
        (APP | PREMIUM | {"amount": 10**12, "tier": "platinum", "is_birthday": True}, 5_000),
        ({"amount": None}, 0),
        ({"event_type": "charge"}, 0),
    ],
    ids=str,
)
def test_topping_up_brings(changed: dict[str, Any], points: int, readers: Readers) -> None:
    ((_, found),) = readers.points(RULES["top-up"], [BANK._replace(**changed)])

    assert found == points


@pytest.mark.parametrize(
    ("changed", "points"),
    [
        (APP | {"amount": 5_000_000}, 25),
        (APP | {"amount": 4_999_999}, 0),
        (
            APP | {"amount": 10**12, "tier": "platinum", "is_birthday": True},
            25,
        ),  # no boost of its own
        ({"amount": 5_000_000}, 0),  # at the bank
        ({"channel": None, "amount": 5_000_000}, 0),
        (APP | {"event_type": "charge", "amount": 5_000_000}, 0),
    ],
    ids=str,
)
def test_paying_in_the_app_brings(changed: dict[str, Any], points: int, readers: Readers) -> None:
    ((_, found),) = readers.points(RULES["app-gift"], [BANK._replace(**changed)])

    assert found == points


def test_every_rule_of_the_demo_is_worked_out_here_and_none_of_them_is_doubtful() -> None:
    assert RULES.keys() == {"top-up", "app-gift"}
    for data in RULES.values():
        assert doubts(Rule.model_validate_json(json.dumps(data))) == []

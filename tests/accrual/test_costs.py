"""What a campaign would cost an hour, told while it is written."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from club.access import groups
from club.accrual import campaigns, costs
from club.accrual.errors import BadCampaign
from club.accrual.models import InForce, RuleVersion
from club.accrual.rules.model import Rule
from club.cli import club as command
from tests.accrual.conftest import PAYMENT, TEXTS, Office
from tests.builders import member, simulated

pytestmark = pytest.mark.usefixtures("in_english")
TEN = {"kind": "fixed", "points": 10, "cap_per_event": 10}


def rule(**more: Any) -> dict[str, Any]:
    return {"id": "gift", "reward": TEN} | more


def budget(most: int) -> dict[str, Any]:
    return {"unit": "points", "each": "all", "of": "campaign", "period": "ever", "most": most}


def file(*rules: dict[str, Any]) -> str:
    named = {one["id"]: {"names": TEXTS, "rule": one} for one in rules}
    return json.dumps({"code": "spring", "names": TEXTS, "rules": named})


def told(club: Office, **more: Any) -> list[tuple[str, str]]:
    found = campaigns.check(text=file(rule(**more)), now=club.now)
    return [(one["where"].removeprefix("rules/gift/rule/"), one["what"]) for one in found]


@pytest.fixture
def busy(club: Office) -> Office:
    """Two payments five hours ago, and five in the hour before last."""
    who = club.subscriber()
    for hours, count in ((5, 2), (1, 5)):
        for _ in range(count):
            club.pays(who, 2_000, at=club.now - timedelta(hours=hours))
    club.decide()
    return club


def test_the_cost_of_an_hour_is_what_the_rule_would_have_wanted(busy: Office) -> None:
    before = costs.past(busy.now)
    read = Rule.model_validate_json(json.dumps(rule()))

    assert (before.step, len(before.events)) == (1, 7)
    assert costs.cost(read, before) == costs.Cost(usual=70 // 6, peak=50)


def test_a_rule_that_nothing_limits_is_told_with_its_cost(busy: Office) -> None:
    assert told(busy) == [
        ("limits", "Nothing limits what this costs: in a usual hour about 11 points, in the busiest 50."
         " Add a budget for all, or a limit for each subscriber."),
    ]  # fmt: skip
    assert told(busy, limits=[budget(50)]) == []
    assert told(busy, limits=[budget(50) | {"each": "subscriber"}]) == []


def test_a_budget_that_an_hour_would_use_up_is_told_at_its_place(busy: Office) -> None:
    ((where, what),) = told(busy, limits=[budget(49)])

    assert where == "limits/0/most"
    assert what.startswith("The budget of 49 points may be gone within an hour")
    ((where, what),) = told(busy, limits=[budget(100)], reward=TEN | {"cap_per_event": 100, "boosts": [
        {"name": "b", "cases": [{"when": PAYMENT | {"field": "tier", "value": "gold"}, "percent": 1000}]}
    ]})  # fmt: skip
    assert "A single event of the largest amount may bring 100 points" in what


def test_without_a_past_no_figure_is_made_up(club: Office) -> None:
    assert told(club) == [
        ("limits", "Nothing limits what this costs. Add a budget for all, or a limit for each subscriber."),
    ]  # fmt: skip


def test_only_a_sample_of_a_long_past_is_read(
    busy: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(costs, "SAMPLE", 3)
    sampled = costs.past(busy.now)

    assert sampled.step == 2
    assert len(sampled.events) == 4
    busy.later(days=29)
    assert costs.past(busy.now).events == []


def test_checking_leaves_nothing_behind_and_says_what_would_stop_it(busy: Office) -> None:
    before = RuleVersion.objects.count(), InForce.objects.count()
    told(busy)
    with pytest.raises(BadCampaign):
        told(busy, when={"kind": "in_segment", "segment": "gone"})

    assert (RuleVersion.objects.count(), InForce.objects.count()) == before


def test_rules_of_one_file_are_company_for_each_other(busy: Office) -> None:
    group = {"stacking": {"group": "g", "mode": "first"}, "limits": [budget(500)]}
    assert [what for _, what in told(busy, **group)] == [
        "No other rule in force is in the group “g”."
    ]
    two = file(rule(**group), rule(id="other", excludes=["everyday"], **group))
    assert campaigns.check(text=two, now=busy.now) == []


def test_staff_check_a_file_from_the_command_line(busy: Office, tmp_path: Path) -> None:
    malika = member("malika", groups.MARKETING)
    path = tmp_path / "spring.json"

    def club(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(command, ["campaign", words[0], str(path), *words[1:]])
        return result.exit_code, result.output

    path.write_text(file(rule()))
    assert "doubtful: Rule gift › limits: Nothing limits what this costs" in club("check")[1]
    simulated(file(rule()), by=malika, now=busy.now)
    asked = club("propose", "--why", "x", "--by", "malika")[1]
    assert "doubtful:" in asked
    assert "waits for somebody else's approval" in asked
    path.write_text(file(rule(limits=[budget(5_000)])))
    assert club("check") == (0, "nothing is wrong with it\n")
    path.write_text(file(rule(priority=-1, reward=TEN | {"points": 0})))
    code, output = club("check")
    assert code == 1
    assert output == (
        "Error: this is not a campaign:\n"
        "    Rule gift › reward › points of it: This is too small: at least 1.\n"
        "    Rule gift › priority: This is too small: at least 0.\n"
    )

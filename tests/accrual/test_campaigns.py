"""A rule is published as a version that never changes."""

import json
from datetime import timedelta

import pytest
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from club.accrual import campaigns
from club.accrual.errors import BadRule, IncompleteNames, RuleOverlaps, RulePublished
from club.accrual.models import Campaign, RuleVersion
from club.accrual.rules.model import digest
from tests.accrual.conftest import PAYMENT, PER_THOUSAND, TEXTS, Office
from tests.builders import NOW

ALWAYS = DateTimeTZRange(None, None)


def test_a_version_is_named_by_the_hash_of_the_text_that_is_kept(club: Office) -> None:
    version = RuleVersion.objects.get()

    assert version.hash == digest(version.canonical)
    assert json.loads(version.canonical)["id"] == version.rule_id == "everyday"


def test_two_versions_of_a_rule_are_never_in_force_together(club: Office) -> None:
    with pytest.raises(RuleOverlaps):
        club.publish("everyday", reward=PER_THOUSAND | {"points": 2})

    assert RuleVersion.objects.count() == 1


def test_a_version_follows_another_without_a_gap(club: Office) -> None:
    first = {"kind": "fixed", "points": 1, "cap_per_event": 1}
    change = NOW - timedelta(days=1)

    club.publish("gift", reward=first, in_force=DateTimeTZRange(None, change))
    club.publish("gift", reward=first | {"points": 2}, in_force=DateTimeTZRange(change, None))

    assert RuleVersion.objects.filter(rule_id="gift").count() == 2


def test_the_same_text_is_published_once(club: Office) -> None:
    with pytest.raises(RulePublished):
        club.publish("everyday")

    again = campaigns.publish_once(
        rule=json.dumps({"id": "everyday", "when": PAYMENT, "reward": PER_THOUSAND}),
        campaign=Campaign.objects.get(),
        names=TEXTS,
        in_force=ALWAYS,
        now=NOW,
    )

    assert again == RuleVersion.objects.get()


def test_a_bad_rule_is_refused_with_the_place_of_each_problem(club: Office) -> None:
    with pytest.raises(BadRule) as refused:
        club.publish("bad", when=PAYMENT | {"field": "shoe_size"}, reward=PER_THOUSAND | {"per": 0})

    problems = refused.value.values["problems"]
    assert isinstance(problems, list)
    assert {problem["where"] for problem in problems} == {"when", "reward/per"}
    assert RuleVersion.objects.count() == 1


def test_a_rule_without_a_name_in_some_language_is_refused(club: Office) -> None:
    with pytest.raises(IncompleteNames) as refused:
        campaigns.publish(
            rule=json.dumps({"id": "new", "when": PAYMENT, "reward": PER_THOUSAND}),
            campaign=Campaign.objects.get(),
            names=TEXTS | {"kaa": " "},
            in_force=ALWAYS,
            now=NOW,
        )

    assert refused.value.values["languages"] == ["kaa"]
    assert RuleVersion.objects.count() == 1

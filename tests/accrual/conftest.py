"""A small programme of our own for these stories: one point for each thousand so'm."""

import json
from collections.abc import Iterator
from typing import Any

import duckdb
import psycopg
import pytest
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils import translation

from club.accrual import campaigns
from club.accrual.models import Campaign, RuleVersion
from club.languages import CODES
from club.messages.models import Template
from club.programme.models import Programme
from club.tiers.models import Scheme, Tier
from tests.accrual.rule_readers import Readers
from tests.builders import Club

TEXTS = dict.fromkeys(CODES, "+{points} = {balance}")
PAYMENT: dict[str, Any] = {
    "kind": "compare",
    "field": "event_type",
    "op": "eq",
    "value": "payment",
}
PER_THOUSAND: dict[str, Any] = {
    "kind": "per_unit",
    "per": 100_000,
    "points": 1,
    "cap_per_event": 500,
}


class Office(Club):
    """The club with a way to publish rules."""

    def open(self) -> "Office":
        Programme.objects.create(
            id=1,
            names=TEXTS,
            point_worth_tiyin=200,
            points_life_months=12,
            late_days_max=90,
            base_tier="bronze",
        )
        scheme = Scheme.objects.create(
            code="club", names=TEXTS, measure="points", period_months=1, window_months=12
        )
        for rank, code in enumerate(("bronze", "gold")):
            Tier.objects.create(
                scheme=scheme, code=code, rank=rank, names=TEXTS, threshold=rank * 1_000_000
            )
        Template.objects.create(code="points_earned", texts=TEXTS)
        return self

    def publish(
        self,
        rule_id: str,
        *,
        when: dict[str, Any] | None = None,
        reward: dict[str, Any] | None = None,
        in_force: DateTimeTZRange | None = None,
        fund: int = 0,
        **terms: Any,
    ) -> RuleVersion:
        """`terms` are the rule's limits, its group, what it excludes."""
        campaign, _ = Campaign.objects.get_or_create(
            code=f"fund-{fund}", defaults={"names": TEXTS, "fund": fund}
        )
        rule = {"id": rule_id, "when": when or PAYMENT, "reward": reward or PER_THOUSAND} | terms
        return campaigns.publish(
            rule=json.dumps(rule),
            campaign=campaign,
            names=TEXTS,
            in_force=in_force or DateTimeTZRange(None, None),
            now=self.now,
        )


@pytest.fixture
def readers(database_url: str) -> Iterator[Readers]:
    with (
        psycopg.connect(database_url, autocommit=True) as postgres,
        duckdb.connect(config={"threads": 1}) as duck,
    ):
        yield Readers(postgres, duck)


@pytest.fixture
def in_english() -> Iterator[None]:
    """What staff read, as a test can compare it."""
    with translation.override("en"):
        yield


@pytest.fixture
def club(db: None) -> Office:
    """The programme open, with its one everyday rule."""
    office = Office().open()
    office.publish("everyday")
    return office

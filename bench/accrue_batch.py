"""From the inbox to posted points with fifty rules in force, beside posting those points alone.

Ten campaigns of five rules, beside the demo's own. Each event meets one of the campaigns; every rule
has a limit for each subscriber, every campaign a budget that all share, and of a campaign's rules the
highest counts. One process decides, in batches as the job does, and posts what each batch granted once more
alone, right after it: so a neighbour is as loud for the one as for the other.
"""

import json
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import Max

from bench.intake_to_posted import EVENTS_PER_ROUND, granted_after, open_subscribers, post, timed
from bench.pgbench import Figure
from club.accrual import actions, campaigns, inbox
from club.accrual import queries as accrued
from club.accrual.models import Campaign, Decision, Used
from club.accrual.tasks import BATCH_EVENTS
from club.demo import programme
from club.languages import CODES
from club.ledger import queries as books

CAMPAIGNS, RULES_EACH = 10, 5
ROUNDS = 7
SEED = 4
CHANNELS = tuple(f"channel-{number}" for number in range(CAMPAIGNS))


def run(url: str) -> dict[str, Figure]:
    now = datetime.now(UTC)
    programme.load(now=now)
    publish_all(now)
    numbers = open_subscribers(now)
    decided_s = alone_s = 0.0
    postings = last = 0
    for round_ in range(ROUNDS + 1):
        receive(numbers, round_, now)
        for _ in range(EVENTS_PER_ROUND // BATCH_EVENTS):
            took_s = timed(lambda: actions.decide_batch(now=now, limit=BATCH_EVENTS))
            granted = granted_after(last, round_, now)
            took_alone_s = timed(lambda granted=granted: post(granted))
            last = Decision.objects.aggregate(last=Max("event_id"))["last"]
            if round_:  # the first round warms up and is not counted
                decided_s, alone_s = decided_s + took_s, alone_s + took_alone_s
                postings += sum(map(len, granted))
    counts = accrued.counts_by_state()
    assert counts["decided"] == (ROUNDS + 1) * EVENTS_PER_ROUND, counts
    assert Used.objects.filter(subscriber_id=0, points__gt=0).count() == CAMPAIGNS, "budgets are on"
    assert Decision.objects.filter(reason="limit").exists(), "limits are on"
    assert books.prove() == []

    events = ROUNDS * EVENTS_PER_ROUND
    return {
        "accrue_batch": {
            "value": events / decided_s, "unit": "events/s", "at_least": 5_000,
            "baseline": f"{CAMPAIGNS * RULES_EACH} rules, limits and budgets, one process;"
            f" {postings / events:.1f} postings an event",
        },
        "accrue_batch_vs_post_many": {
            "value": alone_s / decided_s, "unit": "x", "at_least": 0.3,
            "baseline": f"the same postings; post_many alone {postings / alone_s:,.0f}/s",
        },
    }  # fmt: skip


def publish_all(now: datetime) -> None:
    names = dict.fromkeys(CODES, "Bench")
    for number in range(CAMPAIGNS):
        campaign = Campaign.objects.create(code=f"bench-{number}", names=names, fund=0)
        for place in range(RULES_EACH):
            campaigns.publish(
                rule=json.dumps(rule_of(number, place)),
                campaign=campaign,
                names=names,
                in_force=DateTimeTZRange(None, None),
                now=now,
            )


def rule_of(number: int, place: int) -> dict[str, Any]:
    def leaf(field: str, op: str, value: object) -> dict[str, object]:
        return {"kind": "compare", "field": field, "op": op, "value": value}

    return {
        "id": f"bench-{number}-{place}",
        "when": {"kind": "all", "of": [
            leaf("event_type", "eq", "payment"),
            leaf("channel", "eq", CHANNELS[number]),
            leaf("amount", "ge", place * 2_000_000),
            {"kind": "any", "of": [leaf("tier", "ne", "gold"), leaf("weekday", "le", 1 + place)]},
        ]},
        "reward": {
            "kind": "per_unit", "per": 100_000, "points": 1 + place, "cap_per_event": 500,
            "boosts": [{"name": "vip", "cases": [
                {"when": leaf("tariff", "eq", "vip"), "percent": 200}
            ]}],
        },
        "priority": place,
        "stacking": {"group": f"bench-{number}", "mode": "highest"},
        "limits": [
            {"period": "month", "unit": "points", "most": 150},
            {"of": "campaign", "each": "all", "period": "ever", "unit": "points", "most": 10**9},
        ],
    }  # fmt: skip


def receive(numbers: list[str], round_: int, now: datetime) -> None:
    """A register of payments of three days ago, so that nobody is told."""
    random = Random(SEED + round_)
    events = [
        inbox.Incoming(
            source="bench",
            kind="payment",
            external_id=f"{round_}-{place}",
            msisdn=numbers[random.randrange(len(numbers))],
            occurred_at=now - timedelta(days=3, seconds=place),
            amount_tiyin=random.randrange(500_000, 12_000_000),
            channel=random.choice(CHANNELS),
            details={},
        )
        for place in range(EVENTS_PER_ROUND)
    ]
    for first in range(0, len(events), BATCH_EVENTS):
        inbox.receive(events[first : first + BATCH_EVENTS], now=now)

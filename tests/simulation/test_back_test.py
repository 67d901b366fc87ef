"""What is in force, simulated over the days on which it was, is what stands in the books."""

import json
from collections import Counter
from datetime import timedelta
from random import Random
from typing import Any

from django.db.models import Count, Q, Sum

from club.access.models import Staff
from club.accrual import campaign_files, campaigns, inbox
from club.accrual.models import Decision, Simulation
from club.accrual.simulation import actions
from club.accrual.simulation.wants import Span
from club.clock import day_of
from club.subscribers.models import Subscriber
from tests.accrual.conftest import Office
from tests.accrual.test_event_stories import event
from tests.simulation.conftest import draft

PEOPLE, EVENTS = 16, 220
BUDGET = {"of": "campaign", "each": "all", "period": "ever", "unit": "points", "most": 700}


def fixed(points: int) -> dict[str, Any]:
    return {"kind": "fixed", "points": points, "cap_per_event": 100}


def rules() -> list[dict[str, Any]]:
    group = {"stacking": {"group": "gifts", "mode": "first"}}
    weekly = {"kind": "nth", "n": 3, "period": "week", "repeats": True}
    per_thousand = {"kind": "per_unit", "per": 100_000, "points": 1, "cap_per_event": 20}
    daily = {"period": "day", "unit": "points", "most": 15}
    twice = {"period": "month", "unit": "times", "most": 2}
    return [
        {"id": "welcome", "reward": fixed(9), "occasion": {"kind": "nth", "n": 1, "period": "ever"}},
        {"id": "third", "reward": fixed(12), "priority": 5, "occasion": weekly, **group},
        {"id": "usual", "reward": per_thousand, "limits": [daily, BUDGET], **group},
        {"id": "on-end", "reward": fixed(7), "limits": [BUDGET],
         "occasion": {"kind": "streak", "length": 2, "period": "day", "repeats": True}},
        {"id": "spender", "reward": fixed(10), "limits": [BUDGET], "excludes": ["on-end"], **group,
         "occasion": {"kind": "milestone", "amount": 5_000_000, "period": "month", "repeats": True}},
        {"id": "service", "reward": fixed(3), "trigger": ["charge"], "limits": [twice]},
    ]  # fmt: skip


def things_happen(club: Office, people: list[Subscriber]) -> None:
    """Payments and charges of six weeks, decided some at a time; a few are cancelled before."""
    random = Random(4)
    for number in range(EVENTS):
        club.later(minutes=random.randint(1, 540))
        who, amount_uzs = random.choice(people), random.randint(500, 30_000)
        if random.random() < 0.2:
            charge = event(
                who, "charge", f"charge-{number}", occurred_at=club.now,
                amount_tiyin=amount_uzs * 100, details={"service": "tv"},
            )  # fmt: skip
            inbox.receive([charge], now=club.now)
        else:
            club.pays(who, amount_uzs, external_id=f"payment-{number}")
            if random.random() < 0.1:
                club.cancels(f"payment-{number}")
        if random.random() < 0.2:
            club.decide()
    club.decide()


def test_what_is_in_force_simulated_is_what_stands_in_the_books(
    club: Office, marketer: Staff
) -> None:
    first = day_of(club.now)
    campaigns.put_in_force(json.loads(draft(*rules(), holdout_percent=30)), club.now)
    people = [club.subscriber() for _ in range(PEOPLE)]
    things_happen(club, people)

    found = simulated(club, marketer, Span(first, day_of(club.now)))

    balances = {one.id: club.balance(one).spendable_points for one in people}
    totals = found["totals"]
    assert totals["before"]["points_of_all_campaigns"] == sum(balances.values()) > 700
    assert totals["draft"] == totals["before"]
    assert found["winners"]["subscribers"] == found["losers"]["subscribers"] == 0
    spring = Decision.objects.filter(rule_id__in=[one["id"] for one in rules()])
    by_subscriber = spring.values_list("subscriber_id").annotate(points=Sum("granted"))
    assert {line["subscriber_id"]: line["draft"] for line in found["most"]} == {
        who: points for who, points in by_subscriber if points
    }
    by_rule = spring.values_list("rule_id").annotate(
        points=Sum("granted"), times=Count("event_id", filter=Q(granted__gt=0))
    )
    assert {(one["rule"], one["points"], one["times"]) for one in found["by_rule"]} == {*by_rule}
    held_out = spring.filter(reason="holdout").values("subscriber_id").distinct().count()
    assert totals["draft"]["held_out"] == held_out > 0
    came = Counter(spring.exclude(reason__in=["not_yet", "holdout", "cancelled"]).values_list(
        "rule_id", flat=True
    ))  # fmt: skip
    for line in found["by_rule"]:
        if line["rule"] in ("welcome", "third", "on-end"):
            assert line["occasions"] == came[line["rule"]] > 0
    reasons = {*spring.values_list("reason", flat=True)}
    assert {"not_yet", "holdout", "cut", "limit", "outstacked", "excluded"} <= reasons
    (budget,) = found["budgets"]
    assert budget["used_by_day"][-1] == 700


def simulated(club: Office, by: Staff, span: Span) -> dict[str, Any]:
    text = campaign_files.as_text(campaign_files.exported(code="spring", at=club.now))
    asked = actions.ask(text=text, span=span, by=by, now=club.now)
    done = actions.run(simulation_id=asked.pk, clock=lambda: club.now + timedelta(minutes=1))
    assert done.state == Simulation.State.DONE, done.note
    assert done.results is not None
    return done.results

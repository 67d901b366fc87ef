"""The staff API: why, why not and what if, as data; who may ask, and that asking writes nothing."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from club.access.models import AuditLine
from club.accrual.models import Event, RuleVersion
from club.accrual.rules.facts import kept
from club.clock import TASHKENT
from club.languages import CODES
from club.reports import decisions
from club.reports.why import supposing
from tests.app.test_why import at_least, offer
from tests.builders import Club
from tests.office.conftest import Desk

API = "/office/api/v1"
LEVELS = ["bronze", "silver", "gold", "platinum"]


@pytest.fixture(autouse=True)
def the_club_s_clock(club, monkeypatch):
    """The door asks the clock; the story is told at the club's own time."""
    monkeypatch.setattr("django.utils.timezone.now", lambda: club.now)


def gets(desk: Desk, path: str):
    return desk.client.get(API + path)


def posts(desk: Desk, path: str, body):
    return desk.client.post(API + path, json.dumps(body), content_type="application/json")


def why(desk: Desk, who, event_id):
    answer = gets(desk, f"/subscribers/{who.id}/events/{event_id}/why")
    assert answer.status_code == 200, answer.content
    return answer.json()


def supposes(desk: Desk, who, at=None, **facts):
    body = {"facts": facts} | ({"at": at.isoformat()} if at else {})
    return posts(desk, f"/subscribers/{who.id}/what-if", body)


def by_rule(answer):
    return {one["rule_id"]: one for one in answer["decisions"]}


# ---- why -------------------------------------------------------------------------------------
def test_an_agent_sees_the_rule_the_facts_the_clause_and_what_would_do(club, agent):
    aziza = club.subscriber()
    receipt = club.pays(aziza, 3_000, channel="bank")
    club.decide()

    told = why(agent, aziza, receipt.event_id)

    assert told["event"]["points"] == 0
    assert told["facts"]["amount"] == 300_000
    top_up = by_rule(told)["top-up"]
    assert len(top_up["version"]) == 64
    assert top_up["reason"] == "condition"
    assert top_up["first_failed"] | {"parts": []} == {
        "is_met": False, "field": "amount", "op": "ge", "wanted": 500_000, "got": 300_000,
        "word": None, "parts": [],
    }  # fmt: skip
    assert top_up["condition"]["word"] == "all"
    assert top_up["would_count"] == [
        {"field": "amount", "value": 500_000, "accepted": top_up["would_count"][0]["accepted"]}
    ]
    assert set(top_up["sentences"]) == set(told["sentences"]) == set(CODES)
    assert "2\u202f000" in top_up["sentences"]["en"]
    assert told["sentences"] == top_up["sentences"]


def test_a_limit_is_told_with_what_was_used_and_when_it_begins_anew(club, agent):
    offer(club, "monthly", at_least(1), limits=[{"period": "month", "unit": "points", "most": 15}])
    aziza = club.subscriber()
    club.earns(aziza, 1_000)
    receipt = club.pays(aziza, 1_000)
    club.decide()

    monthly = by_rule(why(agent, aziza, receipt.event_id))["monthly"]

    assert (monthly["wanted"], monthly["granted"], monthly["reason"]) == (10, 5, "cut")
    assert monthly["limit"]["used"] == 10
    assert monthly["limit"]["limit"]["most"] == 15
    assert monthly["limit"]["resets_at"].startswith("2026-12-01T00:00:00+05:00")


def test_an_occasion_that_has_not_come_is_told_with_how_far_it_is(club, agent):
    offer(club, "third", at_least(1), occasion={"kind": "nth", "n": 3, "period": "month"})
    aziza = club.subscriber()
    receipt = club.pays(aziza, 1_000)
    club.decide()

    third = by_rule(why(agent, aziza, receipt.event_id))["third"]

    assert third["reason"] == "not_yet"
    assert (third["occasion"]["have"], third["occasion"]["occasion"]["n"]) == (1, 3)
    assert third["sentences"]["en"] == "2 more times to your next bonus, by 30.11.2026"
    assert by_rule(supposes(agent, aziza, amount=100_000).json())["third"]["occasion"]["have"] == 2


def test_the_newest_events_are_listed_with_their_sentence(club, agent):
    aziza = club.subscriber(language="en")
    club.pays(aziza, 3_000, at=club.now - timedelta(hours=1))
    club.earns(aziza, 20_000, channel="bank")

    items = gets(agent, f"/subscribers/{aziza.id}/events").json()["items"]

    assert [one["points"] for one in items] == [20, 0]
    assert items[0]["reason"] == "This offer counts in full: 20 points"


def test_a_number_is_asked_for_by_posting_it(club, agent):
    aziza = club.subscriber()

    assert posts(agent, "/subscribers/find", {"msisdn": aziza.msisdn}).json() == {"id": aziza.id}
    assert posts(agent, "/subscribers/find", {"msisdn": "998000000000"}).status_code == 404
    assert posts(agent, "/subscribers/find", {"msisdn": "12"}).json()["code"] == "bad_msisdn"


def test_an_event_of_somebody_else_is_not_found(club, agent):
    aziza, bobur = club.subscriber(), club.subscriber()
    receipt = club.pays(aziza, 3_000)
    club.decide()

    answer = gets(agent, f"/subscribers/{bobur.id}/events/{receipt.event_id}/why")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


# ---- what if ---------------------------------------------------------------------------------
def test_another_amount_tariff_or_day_is_answered(club, agent):
    aziza = club.subscriber()
    saturday = club.now.astimezone(TASHKENT) + timedelta(days=3)

    def points(at=None, **facts):
        return supposes(agent, aziza, at, channel="bank", **facts).json()["points"]

    assert points(amount=3_000_00) == 0
    assert points(amount=100_000_00) == 100
    assert points(amount=100_000_00, tariff="premium") == 125
    assert points(amount=100_000_00, at=saturday) == 120
    assert points(amount=100_000_00, tier="gold") == 125
    assert points(amount=100_000_00, is_birthday=True) == 200


def test_limits_count_what_was_granted_before(club, agent):
    offer(club, "monthly", at_least(1), limits=[{"period": "month", "unit": "points", "most": 15}])
    aziza = club.subscriber()
    club.earns(aziza, 1_000)

    now = by_rule(supposes(agent, aziza, amount=100_000).json())["monthly"]
    next_month = by_rule(
        supposes(agent, aziza, club.now + timedelta(days=30), amount=100_000).json()
    )

    assert (now["granted"], now["reason"], now["limit"]["used"]) == (5, "cut", 10)
    assert next_month["monthly"]["granted"] == 10


def rows_of_every_table() -> dict[str, tuple[int, str]]:
    """How many rows each table has, and a digest of all of them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select format('%I.%I', schemaname, tablename) from pg_tables"
            " where schemaname not in ('pg_catalog', 'information_schema')"
        )
        found = {}
        for (table,) in cursor.fetchall():
            cursor.execute(
                f"select count(*), coalesce(md5(string_agg(t::text, '' order by t::text)), '') from {table} t"
            )
            found[table] = cursor.fetchone()
        return found


def test_asking_what_if_changes_no_table(club, agent):
    shared = {"of": "campaign", "each": "all", "period": "ever", "unit": "points", "most": 1_000}
    offer(club, "shared", at_least(1), limits=[shared])
    aziza = club.subscriber()
    club.earns(aziza, 20_000)
    supposes(agent, aziza, amount=1)  # the audit line of the day is written
    before = rows_of_every_table()

    assert supposes(agent, aziza, amount=50_000_00).json()["points"] > 0

    assert len(before) > 40
    assert rows_of_every_table() == before


amounts = st.sampled_from([1, 999, 5_000, 49_999, 50_000, 1_000_000])


@pytest.mark.parametrize("with_occasions", [False, True])
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_what_would_come_is_what_then_comes(club, with_occasions, data):
    """A real payment brings exactly what was told, rule by rule, whatever came before."""
    prepare(club, with_occasions=with_occasions)
    aziza = club.subscriber(
        tariff=data.draw(st.sampled_from(["start", "premium", ""])),
        birth_date=data.draw(
            st.sampled_from([None, club.now.date(), club.now.date().replace(day=1)])
        ),
    )
    for amount_uzs in data.draw(st.lists(amounts, max_size=3)):
        club.earns(aziza, amount_uzs)
    amount_uzs, channel = data.draw(amounts), data.draw(st.sampled_from(["app", "bank", "ussd"]))
    at = club.now - data.draw(
        st.sampled_from([timedelta(), timedelta(hours=9), timedelta(days=20)])
    )

    supposed = supposing.suppose(
        subscriber=aziza, at=at, levels=LEVELS,
        facts={"amount": amount_uzs * 100, "channel": channel},
    )  # fmt: skip
    receipt = club.pays(aziza, amount_uzs, channel=channel, at=at)
    club.decide()

    told = decisions.explained(
        subscriber_id=aziza.id, event_ids=[receipt.event_id], fruitless_max=0
    )[receipt.event_id]
    assert len(supposed.decisions) >= 6
    assert {one.rule_id: outcome(one) for one in told.decisions} == {
        one.rule_id: outcome(one) for one in supposed.decisions
    }
    assert Event.objects.get(id=receipt.event_id).facts == kept(supposed.facts)


def outcome(decision):
    because = decision.because
    return decision.granted, decision.reason, because, decision.resets_at, decision.steps


def prepare(club: Club, *, with_occasions: bool) -> None:
    """Offers with limits, a group and an exclusion; at the first example."""
    if RuleVersion.objects.filter(rule_id="monthly").exists():
        return
    group = {"group": "g", "mode": "highest"}
    monthly = {"period": "month", "unit": "points", "most": 25}
    daily = {"period": "day", "unit": "times", "most": 1}
    offer(club, "monthly", at_least(1), limits=[monthly])
    offer(club, "grouped", at_least(5_000), stacking=group)
    offer(club, "daily", at_least(5_000), stacking=group, priority=3, limits=[daily])
    offer(club, "lonely", at_least(50_000), excludes=["monthly"], priority=5)
    if with_occasions:
        third = {"kind": "nth", "n": 3, "period": "month", "repeats": True}
        milestone = {"kind": "milestone", "amount": 5_000_000, "period": "month", "repeats": True}
        offer(club, "third", at_least(1), occasion=third)
        offer(club, "milestone", at_least(1), occasion=milestone, stacking=group, priority=9)


def test_bad_suppositions_are_told_by_their_field(club, agent):
    aziza = club.subscriber()

    for facts, field, code in [
        ({"amount": -1}, "facts.amount", "too_small"),
        ({"amount": 10**13}, "facts.amount", "too_large"),
        ({"amount": 1.5}, "facts.amount", "invalid"),
        ({"weekday": 8}, "facts.weekday", "too_large"),
        ({"colour": "red"}, "facts.colour", "unknown"),
        ({"tariff": "\0"}, "facts.tariff", "invalid"),
    ]:
        answer = supposes(agent, aziza, **facts)
        assert answer.status_code == 422, facts
        faults = [(one["field"], one["code"]) for one in answer.json()["errors"]]
        assert (field, code) in faults, faults
    unknown = supposes(agent, aziza, tier="copper").json()
    assert (unknown["code"], unknown["levels"]) == ("unknown_level", ", ".join(LEVELS))
    no_zone = posts(agent, f"/subscribers/{aziza.id}/what-if", {"at": "2026-11-18T12:00:00"})
    assert [one["field"] for one in no_zone.json()["errors"]] == ["at"]


# ---- who may ask -----------------------------------------------------------------------------
def test_reading_is_recorded_once_a_day(club, agent):
    aziza = club.subscriber()

    supposes(agent, aziza, amount=1)
    gets(agent, f"/subscribers/{aziza.id}/events")

    (line,) = AuditLine.objects.filter(subject_kind="subscriber", subject_id=str(aziza.id))
    assert (line.action, line.by) == ("personal_data.read", agent.staff)


def test_whoever_has_not_the_right_is_refused_and_a_stranger_signs_in(club, editor):
    path = f"/subscribers/{club.subscriber().id}/events"

    refused, unknown = gets(editor, path), Client().get(API + path)

    assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")
    assert refused.json()["permission"] == "subscribers.view_subscriber"
    assert (unknown.status_code, unknown.json()["code"]) == (401, "not_signed_in")
    assert AuditLine.objects.count() == 0


def test_another_site_cannot_ask_with_somebody_s_session(club, agent):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(agent.staff)

    answer = strict.post(
        f"{API}/subscribers/find", json.dumps({"msisdn": "1"}), content_type="application/json"
    )

    assert (answer.status_code, answer.json()["code"]) == (403, "csrf_failed")


def test_an_address_that_is_none_is_a_problem_too(club, agent):
    assert gets(agent, "/nothing").json()["code"] == "not_found"
    assert gets(agent, "/subscribers/404404/events").json()["code"] == "not_found"

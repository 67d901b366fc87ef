"""A subscriber asks why points came, and why they did not: in one sentence, and only about their own."""

import json
from datetime import timedelta

import pytest
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils.http import urlencode

from club.accrual import campaigns, inbox
from club.accrual.models import Campaign, InForce, Kind
from club.languages import CODES
from club.ledger import actions as ledger
from club.reports.why import telling

LANGUAGES = ["uz", "uz-Cyrl", "ru", "kaa", "en"]


def offer(club, rule_id, when, **terms):
    """One more offer of ten points, named by its id."""
    rule = {
        "id": rule_id,
        "when": when,
        "reward": {"kind": "fixed", "points": 10, "cap_per_event": 10},
    }
    campaigns.publish(
        rule=json.dumps(rule | terms),
        campaign=Campaign.objects.get(code="everyday"),
        names=dict.fromkeys(CODES, rule_id),
        in_force=DateTimeTZRange(None, None),
        now=club.now,
    )


def at_least(amount_uzs):
    return {"kind": "compare", "field": "amount", "op": "ge", "value": amount_uzs * 100}


def pays(club, who, amount_uzs, **payment):
    club.pays(who, amount_uzs, **payment)
    club.decide()


def missed(app, **headers):
    answer = app.get("/history/missed", **{"accept_language": "en"} | headers)
    assert answer.status_code == 200
    return answer.data["items"]


def plain(text):
    return text.replace("\u202f", " ")


def test_a_payment_that_was_too_small_tells_how_much_more_would_do(bobur, club):
    pays(club, bobur.who, 3_000)

    (event,) = missed(bobur)

    assert plain(event["title"]).startswith("You paid 3 000 UZS: in the app")
    assert (event["points"], event["offer"]) == (0, "For topping up")
    assert plain(event["reason"]) == "Pay 2 000 UZS more at once and it counts"
    assert [one["title"] for one in event["offers"]] == [
        "For topping up",
        "A gift for paying in the app",
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_its_sentence(bobur, club, language):
    pays(club, bobur.who, 3_000)

    (event,) = missed(bobur, accept_language=language)

    assert {event["title"], event["offer"], event["reason"]} & {None, ""} == set()
    assert ("more at once" in event["reason"]) == (language == "en")


def test_a_line_tells_what_its_offer_gave_and_what_the_others_lacked(bobur, club):
    offer(club, "million", at_least(1_000_000))
    pays(club, bobur.who, 20_000, channel="bank")
    (line,) = bobur.get("/history").data["items"]

    told = bobur.get(f"/history/{line['id']}/why", accept_language="en").data

    points = line["points"]  # 20, or more at a weekend
    assert told["points"] == points >= 20
    assert told["reason"] == f"This offer counts in full: {points} points"
    reasons = {one["title"]: plain(one["reason"]) for one in told["offers"]}
    assert reasons["million"] == "Pay 980 000 UZS more at once and it counts"


def test_a_limit_that_was_reached_tells_when_it_begins_anew(bobur, club):
    limit = {"period": "ever", "unit": "points", "most": 10}
    offer(club, "once", at_least(1), limits=[limit], stacking={"group": "g", "mode": "first"})
    pays(club, bobur.who, 1_000, channel="bank")
    pays(club, bobur.who, 1_000, channel="bank")

    (event,) = missed(bobur)

    assert event["reason"] == "You have had everything that this offer gives in all: 10 points"


def test_a_budget_that_is_gone_names_no_figure_of_others(bobur, aziza, club):
    offer(club, "budget", at_least(1), limits=[
        {"of": "campaign", "each": "all", "period": "ever", "unit": "points", "most": 10}
    ])  # fmt: skip
    pays(club, aziza.who, 1_000, channel="bank")
    pays(club, bobur.who, 1_000, channel="bank")

    (event,) = missed(bobur)

    assert event["reason"] == "Everything that was set aside for this offer has been given out"


def test_the_offer_that_counted_instead_is_named(bobur, club):
    group = {"group": "g", "mode": "first"}
    offer(club, "lesser", at_least(1), stacking=group, priority=1)
    offer(club, "greater", at_least(1), stacking=group, priority=2)
    pays(club, bobur.who, 1_000, channel="bank")
    (line,) = bobur.get("/history").data["items"]

    offers = bobur.get(f"/history/{line['id']}/why", accept_language="en").data["offers"]

    assert {one["title"]: one["reason"] for one in offers}["lesser"] == (
        "Another offer counted instead: greater"
    )


def test_whoever_is_held_out_reads_that_it_was_not_for_them_and_no_more(bobur, club):
    offer(club, "secret", at_least(1))
    InForce.objects.filter(rule_id="secret").update(holdout_percent=100)
    pays(club, bobur.who, 20_000, channel="bank")
    (line,) = bobur.get("/history").data["items"]

    offers = bobur.get(f"/history/{line['id']}/why", accept_language="en").data["offers"]

    assert offers[-1] == {
        "title": "secret",
        "points": 0,
        "reason": "This offer was not for your number",
    }


def test_points_that_were_promised_tell_why_when_they_have_come(bobur, club):
    pays(club, bobur.who, 50_000, at=club.now - timedelta(days=4))
    ledger.keep_promises(now=club.now, limit=10)
    lines = bobur.get("/history", accept_language="en").data["items"]
    (line,) = (one for one in lines if one["title"] == "A gift for paying in the app")

    told = bobur.get(f"/history/{line['id']}/why", accept_language="en").data

    assert told["offer"] == "A gift for paying in the app"
    assert told["reason"].startswith("This offer counts in full: 25 points; they can be spent from")


def test_a_cancelled_payment_tells_so_on_its_line(bobur, club):
    pays(club, bobur.who, 20_000, channel="bank", external_id="bank:1")
    cancel(club, bobur.who, "bank:1")
    newest = bobur.get("/history").data["items"][0]

    told = bobur.get(f"/history/{newest['id']}/why", accept_language="en").data

    assert newest["points"] == told["points"] <= -20
    assert told["title"] == "Payment cancelled"
    assert told["reason"] == "The payment was cancelled, so its points were taken back"


def cancel(club, who, external_id):
    inbox.receive(
        [
            inbox.Incoming(
                source="espp", kind=Kind.CANCELLATION, external_id=external_id, msisdn=who.msisdn,
                occurred_at=club.now, amount_tiyin=0, channel="bank", details={},
            )
        ],
        now=club.now,
    )  # fmt: skip
    club.decide()


def test_a_cancellation_of_what_brought_nothing_is_told_too(bobur, club):
    pays(club, bobur.who, 300, external_id="bank:1")
    cancel(club, bobur.who, "bank:1")

    assert {event["title"]: event["reason"] for event in missed(bobur)}["Payment cancelled"] == (
        "The cancelled payment had brought no points"
    )


def test_what_is_not_decided_yet_is_told_in_general(bobur, club):
    club.pays(bobur.who, 20_000)

    (event,) = missed(bobur)

    assert (event["offer"], event["offers"]) == (None, [])
    assert event["reason"] == "We are counting it; the points come in a moment"


def test_a_payment_that_came_too_late_is_told_to_be_looked_at(bobur, club):
    pays(club, bobur.who, 20_000, at=club.now - timedelta(days=650))
    # Before joining it was somebody else's: joined long ago, it waits for a person.
    assert {event["reason"] for event in missed(bobur)} <= {"Our staff are looking at it"}


def test_the_newest_come_first_and_at_most_ten(bobur, club):
    for amount_uzs in range(100, 112):
        pays(club, bobur.who, amount_uzs, at=club.now + timedelta(seconds=amount_uzs - 100))

    titles = [plain(event["title"]) for event in missed(bobur)]

    assert len(titles) == 10
    assert ["111 UZS" in titles[0], "102 UZS" in titles[-1]] == [True, True]


def test_nobody_hears_about_the_events_of_another(aziza, bobur, club):
    pays(club, aziza.who, 300)
    line = aziza.get("/history").data["items"][0]["id"]
    assert aziza.get(f"/history/{line}/why").status_code == 200

    answer = bobur.get(f"/history/{line}/why")

    assert missed(bobur) == []
    assert (answer.status_code, answer.data["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    "line", ["x", "2026-11-18:2:7", "2026-11-18:1:", "2026-11-18:1:" + "9" * 30 + ":x", "::", "\0"]
)
def test_what_is_no_line_of_an_event_is_not_found(bobur, line):
    path = urlencode({"": line})[1:].replace("+", "%20")
    answer = bobur.get(f"/history/{path}/why")

    assert (answer.status_code, answer.data["code"]) == (404, "not_found")


def test_a_stranger_is_asked_to_sign_in(stranger):
    assert stranger.get("/history/missed").data["code"] == "not_signed_in"
    assert stranger.get("/history/x/why").data["code"] == "not_signed_in"


@pytest.mark.parametrize("events", [1, 12])
def test_it_costs_the_same_queries_whatever_it_tells(
    bobur, club, events, django_assert_max_num_queries
):
    for number in range(20):
        offer(club, f"offer-{number}", at_least(1_000_000 + number))
    for _ in range(events):
        club.pays(bobur.who, 300)
    club.decide()

    with django_assert_max_num_queries(8):
        found = telling.missed(subscriber_id=bobur.who.id, language="ru", now=club.now, limit=20)

    assert len(found) == events
    assert all(len(event.offers) == telling.WEIGHED_MAX for event in found)

"""A subscriber reads which campaigns are open to them, what each gives, and its terms."""

import json
from datetime import timedelta

import pytest
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from club.accrual import campaigns
from club.accrual.models import Campaign, Decision, InForce
from club.languages import CODES
from club.subscribers.models import Subscriber

LANGUAGES = ["uz", "uz-Cyrl", "ru", "kaa", "en"]
TERMS = "Terms. " * 100


def campaign(club, code, *, when=None, since=None, until=None, legal=TERMS, holdout=0, **terms):
    """One of a single rule of ten points, named in every language by its code and that language."""
    row, _ = Campaign.objects.get_or_create(
        code=code,
        defaults={
            "names": {language: f"{code} {language}" for language in CODES},
            "legal": {language: f"{language}: {legal}" for language in CODES} if legal else {},
        },
    )
    rule = {
        "id": f"internal-{code}",
        "reward": {"kind": "fixed", "points": 10, "cap_per_event": 10},
    }
    version = campaigns.publish(
        rule=json.dumps(rule | ({"when": when} if when else {}) | terms),
        campaign=row,
        names={language: f"gift {code} {language}" for language in CODES},
        in_force=DateTimeTZRange(since, until),
        now=club.now,
    )
    InForce.objects.filter(version=version).update(holdout_percent=holdout)
    return row


def is_(field, op, value):
    return {"kind": "compare", "field": field, "op": op, "value": value}


def shown(app, language="en"):
    answer = app.get("/campaigns", accept_language=language)
    assert answer.status_code == 200
    return {one["key"]: one for one in answer.data["items"]}


def test_a_subscriber_reads_what_is_open_to_them_and_its_whole_terms(bobur, club):
    ends_at = club.now + timedelta(days=10)
    campaign(
        club, "weekend", when=is_("weekday", "ge", 6),
        since=club.now - timedelta(days=1), until=ends_at,
    )  # fmt: skip

    told = shown(bobur)["weekend"]

    assert (told["name"], told["gives"]) == (
        "weekend en",
        "10 points: for payments, on Saturdays and Sundays",
    )
    assert told["valid_to"].startswith(f"{ends_at:%Y-%m-%dT%H:%M}")
    assert told["legal"].startswith("en: Terms. ")
    assert (len(told["legal"]), told["legal_is_whole"]) == (280, False)

    whole = bobur.get("/campaigns/weekend", accept_language="en").data
    assert (whole["legal"], whole["legal_is_whole"]) == (f"en: {TERMS}", True)
    assert told["offers"] == [{"title": "gift weekend en", "text": told["gives"]}]
    assert {key: whole[key] for key in told if not key.startswith("legal")} == {
        key: told[key] for key in told if not key.startswith("legal")
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_told_in_the_reader_s_language_and_never_in_the_staff_s(bobur, club, language):
    campaign(club, "weekend", when=is_("weekday", "ge", 6))

    told = shown(bobur, language)

    code = language.lower()
    assert told["weekend"]["name"] == f"weekend {code}"
    assert told["weekend"]["legal"].startswith(f"{code}: ")
    assert told["everyday"]["gives"].strip()
    assert not any(word in json.dumps(told) for word in ("internal-", "weekday", "compare"))


def test_a_text_that_is_missing_in_a_language_is_read_in_uzbek(bobur, club):
    row = campaign(club, "older")
    row.names, row.legal = {"uz": "Eski", "ru": ""}, {"uz": "Shartlar", "ru": ""}
    row.save()

    told = shown(bobur, "ru")["older"]

    assert (told["name"], told["legal"], told["legal_is_whole"]) == ("Eski", "Shartlar", True)


def test_a_campaign_without_terms_says_so_by_an_empty_text(bobur, club):
    campaign(club, "short", legal="")

    assert (shown(bobur)["short"]["legal"], shown(bobur)["short"]["legal_is_whole"]) == ("", True)


def test_what_is_over_or_has_not_begun_is_not_shown(bobur, club):
    campaign(club, "over", until=club.now - timedelta(days=1))
    campaign(club, "to-come", since=club.now + timedelta(days=1))

    assert not {"over", "to-come"} & shown(bobur).keys()
    assert bobur.get("/campaigns/over").status_code == 404


def test_one_that_was_changed_is_told_from_its_first_day_to_its_last(bobur, club):
    began_at, changed_at = club.now - timedelta(days=9), club.now - timedelta(days=2)
    ends_at = club.now + timedelta(days=5)
    campaign(club, "long", since=began_at, until=changed_at)
    campaign(club, "long", when=is_("hour", "ge", 1), since=changed_at, until=ends_at)
    campaign(club, "long", when=is_("hour", "ge", 2), since=club.now + timedelta(days=20))

    told = shown(bobur)["long"]

    assert told["valid_from"].startswith(f"{began_at:%Y-%m-%dT%H:%M}")
    assert told["valid_to"].startswith(f"{ends_at:%Y-%m-%dT%H:%M}")


def test_whoever_is_held_out_sees_nothing_of_it(bobur, club):
    campaign(club, "secret", holdout=100)

    assert "secret" not in shown(bobur)
    answer = bobur.get("/campaigns/secret")
    assert (answer.status_code, answer.data["code"]) == (404, "not_found")


def test_the_lot_that_decides_is_the_lot_that_shows(bobur, club):
    for number in range(20):
        campaign(club, f"half-{number}", holdout=50)

    club.pays(bobur.who, 20_000)
    club.decide()

    mine = Decision.objects.filter(subscriber_id=bobur.who.id, rule_id__startswith="internal-half")
    granted = {one.rule_id.removeprefix("internal-") for one in mine if one.granted}
    assert {key for key in shown(bobur) if key.startswith("half-")} == granted
    assert 0 < len(granted) < 20


def test_what_is_for_others_is_not_shown(bobur, club):
    Subscriber.objects.filter(id=bobur.who.id).update(tariff="start", region="TAS")
    campaign(club, "gold", when=is_("tier", "eq", "gold"))
    campaign(club, "vip", when=is_("tariff", "eq", "vip"))
    campaign(club, "bronze", when=is_("tier", "eq", "bronze"))
    campaign(club, "samarkand", when={"kind": "not", "of": is_("region", "eq", "TAS")})

    assert {"gold", "vip", "bronze", "samarkand"} & shown(bobur).keys() == {"bronze"}


def test_what_has_been_given_out_for_good_is_not_shown(bobur, aziza, club):
    campaign(club, "first-ten", limits=[
        {"of": "campaign", "each": "all", "period": "ever", "unit": "points", "most": 10}
    ])  # fmt: skip
    campaign(club, "welcome", limits=[{"period": "ever", "unit": "times", "most": 1}])
    campaign(club, "monthly", limits=[{"period": "month", "unit": "times", "most": 1}])
    assert {"first-ten", "welcome", "monthly"} <= shown(bobur).keys()

    club.pays(aziza.who, 20_000)
    club.decide()

    assert {"first-ten", "welcome", "monthly"} & shown(bobur).keys() == {"welcome", "monthly"}
    assert {"first-ten", "welcome", "monthly"} & shown(aziza).keys() == {"monthly"}


def test_a_campaign_of_several_rules_shows_those_that_are_for_the_reader(bobur, club):
    campaign(club, "mixed", priority=1)
    version = campaigns.publish(
        rule=json.dumps({
            "id": "mixed-gold", "when": is_("tier", "eq", "gold"), "priority": 2,
            "reward": {"kind": "fixed", "points": 99, "cap_per_event": 99},
        }),
        campaign=Campaign.objects.get(code="mixed"), names=dict.fromkeys(CODES, "for gold"),
        in_force=DateTimeTZRange(None, None), now=club.now,
    )  # fmt: skip

    whole = bobur.get("/campaigns/mixed", accept_language="en").data

    assert version.campaign_id == "mixed"
    assert [one["text"] for one in whole["offers"]] == ["10 points: for payments"]


def test_what_asks_the_least_is_the_sentence_of_a_campaign(bobur):
    told = shown(bobur)["everyday"]

    assert [one["title"] for one in told["offers"]] == [
        "For topping up",
        "A gift for paying in the app",
    ]
    assert told["gives"] == told["offers"][0]["text"]


def test_a_key_that_is_none_is_not_found_and_one_that_cannot_be_is_refused(bobur):
    assert bobur.get("/campaigns/no-such").data["code"] == "not_found"
    assert bobur.get("/campaigns/a%20b").data["code"] == "validation_failed"


def test_the_campaigns_are_for_those_who_are_signed_in(stranger):
    assert stranger.get("/campaigns").status_code == 401
    assert stranger.get("/campaigns/everyday").status_code == 401


@pytest.mark.parametrize("count", [1, 30])
def test_it_costs_the_same_queries_however_many_there_are(
    bobur, club, count, django_assert_max_num_queries
):
    for number in range(count):
        campaign(club, f"c{number}", limits=[{"period": "ever", "unit": "times", "most": 1}])

    with django_assert_max_num_queries(8):
        assert len(shown(bobur)) == count + 1

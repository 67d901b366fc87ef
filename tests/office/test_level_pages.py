"""A marketer looks at the levels, proposes others, and another one of the staff answers."""

import json
import re

import pytest
from django.db import connection

from club.access import groups
from club.access.models import Proposal
from club.tiers import actions as tiers
from club.tiers import queries as tiers_queries
from club.tiers.models import Tier
from tests.builders import Club, member
from tests.office.conftest import SEARCH, Desk

LEVELS, PROPOSALS = "/office/levels/", "/office/proposals/"


@pytest.fixture
def marketer(club: Club) -> Desk:
    return Desk(member("malika", groups.MARKETING))


@pytest.fixture
def head(club: Club) -> Desk:
    return Desk(member("nodir", groups.MARKETING_HEADS))


def file_of(desk: Desk, code: str = "club") -> dict:
    return json.loads(desk.client.get(f"{LEVELS}{code}.json").content)


def test_the_page_tells_how_many_stand_where_and_what_the_next_review_brings(club, marketer):
    gold, _ = club.subscriber(), club.subscriber()
    club.earns(gold, 5_000_000)
    tiers.recompute(now=club.now)
    assert "Nobody has been counted yet" in marketer.client.get(LEVELS).content.decode()

    tiers.note_forecast(now=club.now)
    page = marketer.client.get(LEVELS).content.decode()

    assert "Nobody has been counted yet" not in page
    assert "The next review is on 06.12.2026" in page
    cells = re.findall(r'<td class="table__number">([^<]+)</td>', page)
    assert cells[:24] == [
        *("0 points", "1", "0", "0", "1"),
        *("1\u202f500 points", "0", "0", "0", "0"),
        *("5\u202f000 points", "1", "0", "0", "1"),
        *("20\u202f000 points", "0", "0", "0", "0"),
        *("2", "0", "0", "2"),
    ]
    assert "60 months" in page, "each scheme tells its levels by what it measures"
    assert "Will stand there after the review" in page, "the chart's two colours are told apart"
    assert '<rect class="chart__bar"' in page


def test_a_changed_scheme_is_approved_by_another_who_saw_the_difference(marketer, head):
    scheme = file_of(marketer)
    scheme["tiers"][2]["threshold"] = 6_000
    answer = marketer.client.post(LEVELS, {"text": json.dumps(scheme), "why": "too easy"})
    (proposal,) = Proposal.objects.all()
    assert answer.url == f"{PROPOSALS}{proposal.pk}/"
    assert Tier.objects.get(code="gold").threshold == 5_000

    page = head.client.get(answer.url).content.decode()
    assert 'title="tiers/03/threshold">Level 3 › From</td>' in page
    assert "<ins>6\u202f000</ins>" in page
    (digest,) = re.findall(r'name="digest" value="(\w{64})"', page)
    head.client.post(answer.url, {"deed": "approve", "digest": digest})

    assert Tier.objects.get(code="gold").threshold == 6_000


def test_whoever_approves_reads_how_many_would_rise_and_fall(club, marketer, head, monkeypatch):
    gold = club.subscriber()
    club.earns(gold, 5_000_000)
    tiers.recompute(now=club.now)
    monkeypatch.setattr("django.utils.timezone.now", lambda: club.now)
    scheme = file_of(marketer)
    scheme["tiers"][2]["threshold"] = 15_000
    marketer.client.post(LEVELS, {"text": json.dumps(scheme), "why": "too easy"})
    address = f"{PROPOSALS}{Proposal.objects.get().pk}/"

    assert "0 subscribers would rise and 1 would fall." in head.client.get(address).content.decode()
    assert Tier.objects.get(code="gold").threshold == 5_000

    def takes_long(*_args, **_named):
        with connection.cursor() as cursor:
            cursor.execute("set local statement_timeout = '10ms'")
            cursor.execute("select pg_sleep(10)")

    monkeypatch.setattr("club.tiers.measuring.compare", takes_long)
    page = head.client.get(address).content.decode()
    assert "The command club levels preview says how many" in page
    assert 'value="approve"' in page


# ---- a level for one subscriber --------------------------------------------------------------
@pytest.fixture
def lead(club: Club) -> Desk:
    return Desk(member("lola", groups.CALL_CENTRE_HEADS))


def test_a_level_is_asked_for_on_a_subscribers_page_and_given_by_another(
    club, lead, head, monkeypatch
):
    monkeypatch.setattr("django.utils.timezone.now", lambda: club.now)
    aziza = club.subscriber()
    page = lead.opens(aziza.id).content.decode()
    assert '<option value="platinum">' in page
    assert '<option value="bronze">' not in page, "everybody stands there"

    asked = {"level": "gold", "ends_on": "2027-01-31", "why": "the line was down for a week"}
    answer = lead.client.post(f"{SEARCH}{aziza.id}/", asked)
    proposal = Proposal.objects.get()
    assert answer.url == f"{PROPOSALS}{proposal.pk}/"
    assert proposal.why == "the line was down for a week"
    own = lead.client.get(answer.url).content.decode()
    assert 'value="approve"' not in own
    assert f'href="{SEARCH}{aziza.id}/"' in own
    assert "<dt>Level</dt><dd>Gold</dd>" in own
    assert "<code></code>" not in own
    assert tiers_queries.tier_of(subscriber_id=aziza.id, base="bronze").code == "bronze"

    head.client.post(answer.url, {"deed": "approve", "digest": proposal.digest})

    assert tiers_queries.tier_of(subscriber_id=aziza.id, base="bronze").code == "gold"
    assert "given until 31.01.2027" in lead.opens(aziza.id).content.decode()


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"ends_on": ""}, "A given level ends today at the earliest"),
        ({"ends_on": "2026-11-17"}, "A given level ends today at the earliest"),
        ({"ends_on": "soon"}, "A given level ends today at the earliest"),
        ({"level": "diamond"}, "There is no such level."),
        ({"why": " "}, "Say why, in at most 300 characters."),
    ],
)
def test_what_is_wrong_with_it_stands_in_the_form_and_nothing_typed_is_lost(
    club, lead, monkeypatch, asked, told
):
    monkeypatch.setattr("django.utils.timezone.now", lambda: club.now)
    whole = {"level": "gold", "ends_on": "2027-01-31", "why": "because"} | asked

    answer = lead.client.post(f"{SEARCH}{club.subscriber().id}/", whole)

    page = answer.content.decode()
    assert answer.status_code == 422
    assert told in page
    assert f'value="{whole["why"]}"' in page
    assert f'value="{whole["ends_on"]}"' in page
    assert not Proposal.objects.exists()


def test_an_agent_without_the_right_has_no_form_and_is_refused(club, agent, marketer):
    aziza = club.subscriber()
    assert 'name="ends_on"' not in agent.opens(aziza.id).content.decode()

    asked = {"level": "gold", "ends_on": "2099-01-31", "why": "because"}
    assert agent.client.post(f"{SEARCH}{aziza.id}/", asked).status_code == 405
    assert not Proposal.objects.exists()
    assert marketer.client.post(f"{SEARCH}{aziza.id}/", asked).status_code == 302
    assert not Proposal.objects.exists(), "a marketer sees no subscriber"


@pytest.mark.parametrize(
    ("language", "place", "what"),
    [
        ("ru", "уровень 3 › порог", "«gold» стоит выше «silver». Напишите больше, чем 1\u202f500."),
        ("uz", "3-daraja › chegara", "“gold” “silver”dan yuqori turadi. 1\u202f500 dan koʻproq yozing."),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_stands_above_it_in_ones_language_and_nothing_typed_is_lost(
    marketer, language, place, what
):
    scheme = file_of(marketer)
    scheme["tiers"][2]["threshold"] = 100
    marketer.client.defaults["HTTP_ACCEPT_LANGUAGE"] = language

    answer = marketer.client.post(LEVELS, {"text": json.dumps(scheme), "why": "because"})

    page = answer.content.decode()
    assert answer.status_code == 422
    assert f'<b title="tiers/2/threshold">{place}</b>: {what}' in page
    assert 'value="because"' in page
    assert not Proposal.objects.exists()


def test_every_mistake_in_a_scheme_is_told_at_its_place_in_the_reader_s_language(marketer):
    scheme = file_of(marketer) | {"grace_days": -1, "colour": "gold"}
    scheme["tiers"][1]["threshold"] = "many"
    marketer.client.defaults["HTTP_ACCEPT_LANGUAGE"] = "ru"

    page = marketer.client.post(LEVELS, {"text": json.dumps(scheme), "why": "x"}).content.decode()

    assert "уровень 2 › порог</b>: Напишите целое число" in page
    assert "льготных дней</b>: Слишком мало: не меньше 0." in page
    assert "colour</b>: " in page
    assert "Input should" not in page


def test_only_those_with_the_right_see_the_page(agent, marketer):
    for page in (LEVELS, f"{LEVELS}club.json"):
        assert agent.client.get(page).status_code == 302
    assert LEVELS not in agent.client.get("/office/").content.decode()
    assert marketer.client.get(f"{LEVELS}nothing.json").status_code == 302

"""A campaign's page: its budgets, and what it brought."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from club.access import groups
from club.access.models import Proposal
from club.accrual.rules.granting import is_held_out
from tests.builders import Club, member
from tests.office.campaigning import changed, text_of
from tests.office.conftest import Desk

ADDRESS = "/office/campaigns/everyday/"
BUDGET = {"of": "rule", "each": "all", "period": "ever", "unit": "points", "most": 200}


@pytest.fixture
def marketer(club: Club) -> Desk:
    club.now = timezone.now() - timedelta(days=3)
    return Desk(member("malika", groups.MARKETING))


def shown(desk: Desk, **query: str) -> str:
    return text_of(desk.client.get(ADDRESS, query).content.decode())


def test_a_budget_shows_what_is_left_and_when_it_is_used_up(club, marketer):
    changed(club, BUDGET)
    who = club.subscriber()
    club.earns(who, 50_000, at=club.now)

    page = shown(marketer)
    assert "top-up at most 200 points in all 25 % 25 %" in page
    assert "150 50" in page
    assert "Used up" not in page

    for _ in range(4):
        club.pays(who, 50_000)
    club.decide()
    assert "100 % 100 % Used up" in shown(marketer)


def test_without_a_shared_limit_there_is_no_budget(marketer):
    assert "No limit that all subscribers share is in force." in shown(marketer)


def test_the_arms_are_compared_when_somebody_asks(club, marketer):
    changed(club, BUDGET, holdout_percent=30)
    for nth in range(40):
        who = club.subscriber()
        club.pays(who, (5_000 if is_held_out("everyday", who.pk, 30) else 50_000) + nth)
    club.decide()
    since = f"{club.now + timedelta(hours=5, minutes=1):%Y-%m-%dT%H:%M}"

    assert "In the campaign" not in shown(marketer)
    page = shown(marketer, since=since)

    assert "In the campaign" in page
    assert "Held out by lot" in page
    early = f"{club.now + timedelta(hours=5) - timedelta(days=1):%Y-%m-%dT%H:%M}"
    assert "The share that is held out changed in this span." in shown(marketer, since=early)


def test_a_campaign_that_does_not_exist_is_not_found(marketer):
    assert marketer.client.get("/office/campaigns/nothing/").status_code == 404


def test_the_list_leads_to_the_page(marketer):
    assert f'href="{ADDRESS}"' in marketer.client.get("/office/campaigns/").content.decode()


def test_a_campaign_is_rolled_back_and_what_came_since_is_asked_back_in_one_step(club, marketer):
    to = club.now + timedelta(hours=5) - timedelta(hours=1)  # in Tashkent
    changed(club, BUDGET)
    form = {"to": f"{to:%Y-%m-%dT%H:%M}", "why": "a zero too many", "claw_back": "on"}

    refused = marketer.client.post(ADDRESS, form)
    assert refused.status_code == 422
    assert "Nothing that was granted then still stands." in refused.content.decode()
    assert 'value="a zero too many"' in refused.content.decode()
    assert not Proposal.objects.exists()

    club.earns(club.subscriber(), 50_000)
    assert marketer.client.post(ADDRESS, form).url == "/office/proposals/"

    kinds = Proposal.objects.values_list("kind", flat=True)
    assert sorted(kinds) == ["accrual.campaign", "accrual.clawback"]


def test_a_rollback_alone_leads_to_its_proposal(club, marketer):
    to = club.now + timedelta(hours=5) - timedelta(hours=1)
    changed(club, BUDGET)

    answer = marketer.client.post(ADDRESS, {"to": f"{to:%Y-%m-%dT%H:%M}", "why": "x"})

    assert answer.url == f"/office/proposals/{Proposal.objects.get().pk}/"


def test_the_page_tells_what_the_campaign_does_in_words(marketer):
    page = shown(marketer)

    assert "Paid by The operator: 100 %" in page
    assert "Rule “For topping up” (top-up)" in page
    assert "Level: is Gold" in page


def test_the_span_to_compare_begins_where_the_holdout_became_what_it_is(club, marketer):
    club.later(days=1)
    changed(club, BUDGET, holdout_percent=30)

    page = marketer.client.get(ADDRESS).content.decode()

    (since,) = re.findall(r'name="since" type="datetime-local" value="([^"]+)"', page)
    assert shown(marketer, since=since).count("Held out by lot") == 1


def test_a_refusal_stands_in_the_part_of_the_page_that_was_asked(club, marketer):
    compared = shown(marketer, since="2026-01-02T00:00", until="2026-01-01T00:00")
    assert "What it brought The span ends before it begins." in compared

    rolled_back = marketer.client.post(ADDRESS, {"to": "", "why": "x"})

    assert rolled_back.status_code == 422
    page = text_of(rolled_back.content.decode())
    assert "Roll back It is so already: there is nothing to approve." in page

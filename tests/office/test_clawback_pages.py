"""The head of marketing takes back in the office what a faulty version granted."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from club.access import groups
from club.access.models import Proposal
from club.accrual.clawback import working
from club.accrual.models import Clawback
from tests.builders import Club, member
from tests.office.campaigning import changed, text_of
from tests.office.conftest import Desk

CLAWBACKS = "/office/clawbacks/"


@pytest.fixture
def club(club: Club) -> Club:
    """The pages have the real clock."""
    club.now = timezone.now() - timedelta(hours=1)
    changed(club)
    return club


@pytest.fixture
def marketer(club: Club) -> Desk:
    return Desk(member("malika", groups.MARKETING))


@pytest.fixture
def head(club: Club) -> Desk:
    return Desk(member("nodir", groups.MARKETING_HEADS))


def span(club: Club) -> dict[str, str]:
    """From before the story until after it, as a browser's field holds it in Tashkent."""
    since = club.now + timedelta(hours=5) - timedelta(days=1)
    return {
        "campaign": "everyday",
        "since": f"{since:%Y-%m-%dT%H:%M}",
        "until": f"{since + timedelta(days=2):%Y-%m-%dT%H:%M}",
    }


def taken(club: Club, marketer: Desk, head: Desk) -> Clawback:
    """Asked for and approved in the office, and worked off."""
    marketer.client.post(CLAWBACKS, span(club) | {"why": "too much"})
    proposal = Proposal.objects.get(kind="accrual.clawback")
    address = f"/office/proposals/{proposal.pk}/"
    head.client.post(address, {"deed": "approve", "digest": proposal.digest})
    clawback = Clawback.objects.get()
    while working.work(clawback_id=clawback.pk, now=club.now):
        pass
    clawback.refresh_from_db()
    return clawback


def test_what_would_be_taken_is_looked_at_before_it_is_asked_for(club, marketer):
    who = club.subscriber()
    points = club.earns(who, 50_000)

    page = marketer.client.get(CLAWBACKS, span(club)).content.decode()

    told = text_of(page)
    assert f"Points {points} by 1 decision" in told
    assert "Would be owed 0 by 0 subscribers" in told
    assert f"<td>{who.pk}</td>" in page  # a marketer may not look at subscribers
    assert not Proposal.objects.exists()
    (link,) = re.findall(r'href="(/office/clawbacks/review\.csv[^"]*)"', page)
    lines = b"".join(marketer.client.get(link.replace("&amp;", "&")).streaming_content)
    assert len(lines.splitlines()) == 2


def test_a_clawback_is_asked_for_approved_watched_and_given_back(club, marketer, head):
    who = club.subscriber()
    points = club.earns(who, 50_000)
    clawback = taken(club, marketer, head)
    assert club.balance(who).spendable_points == 0

    address = f"{CLAWBACKS}{clawback.pk}/"
    page = text_of(marketer.client.get(address).content.decode())
    assert f"Points taken back {points}" in page
    assert "Decisions done 1 of 1" in page
    answer = marketer.client.post(address, {"deed": "restore", "why": "it was right"})

    proposal = Proposal.objects.get(kind="accrual.restoring")
    assert answer.url == f"/office/proposals/{proposal.pk}/"
    assert "Giving back of clawback" in text_of(head.client.get(answer.url).content.decode())


def test_a_clawback_at_work_shows_how_far_it_is_and_is_stopped_by_the_head_alone(
    club, marketer, head
):
    club.earns(club.subscriber(), 50_000)
    marketer.client.post(CLAWBACKS, span(club) | {"why": "too much"})
    proposal = Proposal.objects.get()
    head.client.post(
        f"/office/proposals/{proposal.pk}/", {"deed": "approve", "digest": proposal.digest}
    )
    address = f"{CLAWBACKS}{Clawback.objects.get().pk}/"

    shown = marketer.client.get(address)
    assert 'data-live="running"' in shown.content.decode()
    assert "office/clawback.js" in shown.content.decode()
    assert 'value="stop"' not in shown.content.decode()
    refused = marketer.client.post(address, {"deed": "stop", "why": "x"})
    assert refused.status_code == 422
    assert Clawback.objects.get().state == "taking"
    head.client.post(address, {"deed": "stop", "why": "wait"})

    assert Clawback.objects.get().state == "stopped"
    assert "office/clawback.js" not in head.client.get(address).content.decode()


def test_the_agent_sees_what_became_of_the_points(club, marketer, head, agent):
    who = club.subscriber()
    points = club.earns(who, 50_000)
    clawback = taken(club, marketer, head)

    page = text_of(agent.opens(who.id).content.decode())

    assert f"Clawback {clawback.pk} took back {points} on" in page
    assert "These points had been credited by mistake" in page


def test_what_is_wrong_with_the_form_stands_above_and_nothing_is_lost(club, marketer):
    asked = span(club) | {"versions": "zz"}

    answer = marketer.client.get(CLAWBACKS, asked)

    assert answer.status_code == 422
    page = answer.content.decode()
    assert "The campaign never had such a rule or version." in page
    assert 'value="zz"' in page
    nothing = marketer.client.post(CLAWBACKS, span(club) | {"why": "x"})
    assert "Nothing that was granted then still stands." in nothing.content.decode()


def test_only_those_with_the_right_see_the_pages(club, agent):
    for page in (
        CLAWBACKS,
        f"{CLAWBACKS}review.csv",
        f"{CLAWBACKS}1/",
        "/office/campaigns/everyday/",
    ):
        assert agent.client.get(page).status_code == 302


def test_a_clawback_that_does_not_exist_is_not_found(marketer):
    assert marketer.client.get(f"{CLAWBACKS}999/").status_code == 404
    assert marketer.client.post(f"{CLAWBACKS}999/", {"deed": "stop"}).status_code == 404

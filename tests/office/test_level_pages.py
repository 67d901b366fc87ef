"""A marketer looks at the levels, proposes others, and another one of the staff answers."""

import json
import re

import pytest

from club.access import groups
from club.access.models import Proposal
from club.tiers import actions as tiers
from club.tiers.models import Tier
from tests.builders import Club, member
from tests.office.conftest import Desk

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
    assert cells[:20] == [
        *("0", "1", "0", "0", "1"),
        *("1\u202f500", "0", "0", "0", "0"),
        *("5\u202f000", "1", "0", "0", "1"),
        *("20\u202f000", "0", "0", "0", "0"),
    ]
    assert '<rect class="chart__bar"' in page


def test_a_changed_scheme_is_approved_by_another_who_saw_the_difference(marketer, head):
    scheme = file_of(marketer)
    scheme["tiers"][2]["threshold"] = 6_000
    answer = marketer.client.post(LEVELS, {"text": json.dumps(scheme), "why": "too easy"})
    (proposal,) = Proposal.objects.all()
    assert answer.url == f"{PROPOSALS}{proposal.pk}/"
    assert Tier.objects.get(code="gold").threshold == 5_000

    page = head.client.get(answer.url).content.decode()
    assert "<ins>6000</ins>" in page
    (digest,) = re.findall(r'name="digest" value="(\w{64})"', page)
    head.client.post(answer.url, {"deed": "approve", "digest": digest})

    assert Tier.objects.get(code="gold").threshold == 6_000


def test_what_is_wrong_with_a_file_stands_above_it_and_nothing_typed_is_lost(marketer):
    scheme = file_of(marketer)
    scheme["tiers"][2]["threshold"] = 100

    answer = marketer.client.post(LEVELS, {"text": json.dumps(scheme), "why": "because"})

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "<code>tiers</code>" in page
    assert "its threshold must be more than 1500" in page
    assert 'value="because"' in page


def test_only_those_with_the_right_see_the_page(agent, marketer):
    for page in (LEVELS, f"{LEVELS}club.json"):
        assert agent.client.get(page).status_code == 302
    assert LEVELS not in agent.client.get("/office/").content.decode()
    assert marketer.client.get(f"{LEVELS}nothing.json").status_code == 302

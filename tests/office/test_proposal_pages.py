"""A marketer proposes a campaign in the office, and another one of the staff answers."""

import json
import re

import pytest
from django.test import Client

from club.access import groups
from club.access.models import Proposal
from club.accrual.models import InForce
from tests.builders import NOW, Club, member, simulated
from tests.office.conftest import Desk

CAMPAIGNS, PROPOSALS = "/office/campaigns/", "/office/proposals/"


@pytest.fixture
def marketer(club: Club) -> Desk:
    return Desk(member("malika", groups.MARKETING))


@pytest.fixture
def head(club: Club) -> Desk:
    return Desk(member("nodir", groups.MARKETING_HEADS))


def file_of(client: Client, code: str) -> dict:
    return json.loads(client.get(f"{CAMPAIGNS}{code}.json").content)


def proposed(marketer: Desk) -> Proposal:
    campaign = file_of(marketer.client, "everyday")
    campaign["rules"]["top-up"]["rule"]["reward"]["cap_per_event"] = 77
    text = simulated(json.dumps(campaign), by=marketer.staff, now=NOW)
    answer = marketer.client.post(CAMPAIGNS, {"text": text, "why": "too <b>dear</b>"})
    (proposal,) = Proposal.objects.all()
    assert answer.url == f"{PROPOSALS}{proposal.pk}/"
    return proposal


def test_a_campaign_opens_as_its_file_ready_to_be_changed(marketer):
    page = marketer.client.get(CAMPAIGNS, {"of": "everyday"}).content.decode()

    assert "&quot;top-up&quot;" in page
    assert f'href="{CAMPAIGNS}everyday.json"' in page


def test_a_changed_campaign_is_approved_by_another_who_saw_the_difference(marketer, head):
    proposal = proposed(marketer)
    address = f"{PROPOSALS}{proposal.pk}/"
    own = marketer.client.get(address).content.decode()
    assert 'value="approve"' not in own
    assert 'value="withdraw"' in own

    page = head.client.get(address).content.decode()
    assert "<del>One event brings at most 5\u202f000 points</del>" in page
    assert "<ins>One event brings at most 77 points</ins>" in page
    assert "Brings 1 point for every full 1\u202f000 UZS" in page
    assert "Day of the week: is one of: Saturday, Sunday" in page
    assert page.index("One event brings at most") < page.index("A gift for paying in the app")
    assert "its simulation" in page
    assert "<code>rules/top-up/rule/reward/cap_per_event</code>" in page
    assert "<ins>77</ins>" in page
    assert "too &lt;b&gt;dear&lt;/b&gt;" in page
    (digest,) = re.findall(r'name="digest" value="(\w{64})"', page)
    head.client.post(address, {"deed": "approve", "digest": digest})

    assert Proposal.objects.get().state == "approved"
    assert (
        file_of(head.client, "everyday")["rules"]["top-up"]["rule"]["reward"]["cap_per_event"] == 77
    )
    assert InForce.objects.filter(rule_id="top-up").count() == 2
    assert 'href="/office/campaigns/everyday/"' in head.client.get(address).content.decode()


def test_a_refusal_without_a_reason_changes_nothing_and_says_so(marketer, head):
    address = f"{PROPOSALS}{proposed(marketer).pk}/"

    answer = head.client.post(address, {"deed": "refuse", "why": " "})

    assert answer.status_code == 422
    assert "Say why, in at most 300 characters." in answer.content.decode()
    assert Proposal.objects.get().state == "open"


def test_what_is_wrong_with_a_file_stands_above_it_and_nothing_typed_is_lost(marketer):
    answer = marketer.client.post(CAMPAIGNS, {"text": '{"code": "Ö"}', "why": "because"})

    page = answer.content.decode()
    assert answer.status_code == 422
    assert '<b title="code">the campaign&#x27;s code</b>' in page
    assert "&quot;Ö&quot;" in page
    assert 'value="because"' in page


def doubtful(client: Client) -> str:
    campaign = file_of(client, "everyday")
    impossible = {"kind": "compare", "field": "hour", "op": "gt", "value": 23}
    campaign["rules"]["app-gift"]["rule"]["when"]["of"].append(impossible)
    return json.dumps(campaign)


def test_a_file_is_checked_without_asking_for_anything(marketer):
    text = doubtful(marketer.client)
    page = marketer.client.post(CAMPAIGNS, {"text": text, "deed": "check"}).content.decode()

    assert "Rule app-gift › condition › part 3</b>: This can never hold." in page
    assert "Nothing limits what this costs." in page
    assert "&quot;app-gift&quot;" in page, "the file is still there"
    assert not Proposal.objects.exists()
    marketer.client.defaults["HTTP_ACCEPT_LANGUAGE"] = "ru"
    page = marketer.client.post(CAMPAIGNS, {"text": text, "deed": "check"}).content.decode()
    assert "Правило app-gift › условие › часть 3</b>: Это никогда не выполняется." in page


def test_whoever_approves_reads_what_is_doubtful_and_is_not_stopped_by_it(marketer, head):
    text = simulated(doubtful(marketer.client), by=marketer.staff, now=NOW)
    marketer.client.post(CAMPAIGNS, {"text": text, "why": "because"})
    (proposal,) = Proposal.objects.all()
    address = f"{PROPOSALS}{proposal.pk}/"

    assert "This can never hold." in head.client.get(address).content.decode()
    head.client.post(address, {"deed": "approve", "digest": proposal.digest})
    assert Proposal.objects.get().state == "approved"
    assert "This can never hold." not in head.client.get(address).content.decode()


def test_only_those_with_the_right_see_the_pages(marketer, agent):
    address = f"{PROPOSALS}{proposed(marketer).pk}/"
    for page in (CAMPAIGNS, f"{CAMPAIGNS}everyday.json", PROPOSALS, address):
        assert agent.client.get(page).status_code == 302
    home = agent.client.get("/office/").content.decode()
    assert CAMPAIGNS not in home
    assert PROPOSALS not in home


def test_a_proposal_that_does_not_exist_is_not_found(head):
    assert head.client.get(f"{PROPOSALS}999/").status_code == 404
    assert head.client.post(f"{PROPOSALS}999/", {"deed": "approve"}).status_code == 404
    head.client.defaults["HTTP_ACCEPT_LANGUAGE"] = "uz"
    page = head.client.get(f"{PROPOSALS}999/").content.decode()
    assert "Bunday sahifa yoʻq" in page
    assert 'href="/office/"' in page


def test_the_list_tells_what_waits_and_what_was_closed(marketer, head):
    proposal = proposed(marketer)
    assert "Waiting for an answer" in head.client.get(PROPOSALS).content.decode()
    marketer.client.post(f"{PROPOSALS}{proposal.pk}/", {"deed": "withdraw"})

    page = head.client.get(PROPOSALS).content.decode()

    assert "Withdrawn" in page
    assert "There is nothing here." in page

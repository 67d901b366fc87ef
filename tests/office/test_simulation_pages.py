"""A marketer simulates a campaign: in the office, and over the staff API."""

import html
import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from club.access import groups
from club.access.models import Proposal
from club.accrual.models import Simulation
from club.accrual.simulation import actions
from tests.builders import NOW, Club, member
from tests.office.campaigning import text_of
from tests.office.conftest import Desk

API, SIMULATIONS = "/office/api/v1/simulations", "/office/simulations/"
CAMPAIGNS = "/office/campaigns/"
DAYS = {"first_day": "2026-11-01", "last_day": "2026-11-18"}


@pytest.fixture
def marketer(club: Club) -> Desk:
    return Desk(member("malika", groups.MARKETING))


@pytest.fixture(autouse=True)
def november(club: Club, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some payments, and the club's own clock: the door asks it."""
    settings.EXPORT = tmp_path / "export"
    monkeypatch.setattr("django.utils.timezone.now", lambda: club.now)
    for days_ago in (3, 2, 1):
        club.pays(club.subscriber(), 10_000 * days_ago, at=NOW - timedelta(days=days_ago))
    club.decide()


def everyday(desk: Desk, **reward: Any) -> dict[str, Any]:
    """The demo's campaign, its reward changed."""
    campaign = json.loads(desk.client.get("/office/campaigns/everyday.json").content)
    campaign["rules"]["top-up"]["rule"]["reward"] |= reward
    return campaign


def worked_off(simulation_id: int) -> Simulation:
    return actions.run(simulation_id=simulation_id, clock=lambda: NOW + timedelta(minutes=1))


def posts(desk: Desk, path: str, body: object) -> Any:
    return desk.client.post(path, json.dumps(body), content_type="application/json")


def test_the_api_takes_a_campaign_and_tells_what_it_would_have_done(marketer: Desk) -> None:
    asked = posts(marketer, API, {"campaign": everyday(marketer, cap_per_event=1), **DAYS})
    assert asked.status_code == 202, asked.content
    address = f"{API}/{asked.json()['id']}"
    assert marketer.client.get(address).json()["state"] == "waiting"

    worked_off(asked.json()["id"])

    told = marketer.client.get(address).json()
    assert (told["state"], told["progress_percent"]) == ("done", 100)
    assert told["results"]["totals"]["draft"]["points"] == 3
    assert told["results"]["losers"]["subscribers"] == 3


def test_a_simulation_is_cancelled_once(marketer: Desk) -> None:
    asked = posts(marketer, API, {"campaign": everyday(marketer, cap_per_event=1), **DAYS}).json()

    first = posts(marketer, f"{API}/{asked['id']}/cancel", {})
    again = posts(marketer, f"{API}/{asked['id']}/cancel", {})

    assert (first.status_code, first.json()["state"]) == (200, "cancelled")
    assert (again.status_code, again.json()["code"]) == (409, "simulation_over")
    assert worked_off(asked["id"]).state == "cancelled"


@pytest.mark.parametrize(
    ("days", "code"),
    [
        ({"first_day": "2026-01-01", "last_day": "2026-01-31"}, "no_events"),
        ({"first_day": "2026-11-02", "last_day": "2026-11-01"}, "bad_span"),
        ({"first_day": "2026-11-02"}, "validation_failed"),
    ],
)
def test_what_is_wrong_with_the_days_is_told(marketer: Desk, days: dict, code: str) -> None:
    answer = posts(marketer, API, {"campaign": everyday(marketer, cap_per_event=1), **days})

    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert not Simulation.objects.exists()


def test_what_is_wrong_with_the_campaign_is_told_at_its_place(marketer: Desk) -> None:
    answer = posts(marketer, API, {"campaign": everyday(marketer, cap_per_event=0), **DAYS})

    assert answer.json()["code"] == "bad_campaign"
    (problem,) = answer.json()["problems"]
    assert problem["where"] == "rules/top-up/rule/reward/cap_per_event"


def test_only_those_who_may_propose_simulate(marketer: Desk, agent: Desk) -> None:
    body = {"campaign": everyday(marketer, cap_per_event=1), **DAYS}
    assert posts(agent, API, body).status_code == 403
    assert Client().post(API, "{}", content_type="application/json").status_code == 401
    assert agent.client.get(SIMULATIONS).status_code == 302
    forged = Client(enforce_csrf_checks=True)
    forged.force_login(marketer.staff)
    assert posts(Desk(marketer.staff, forged), API, body).status_code == 403
    assert marketer.client.get(f"{API}/999").status_code == 404


def test_from_the_draft_over_its_charts_to_a_proposal(marketer: Desk) -> None:
    opened = marketer.client.get("/office/campaigns/everyday/simulate/").content.decode()
    assert "&quot;top-up&quot;" in opened
    text = json.dumps(everyday(marketer, cap_per_event=1))
    answer = marketer.client.post(
        SIMULATIONS, {"text": text, "first": "2026-11-01", "last": "2026-11-18"}
    )
    (simulation,) = Simulation.objects.all()
    address = f"{SIMULATIONS}{simulation.pk}/"
    assert answer.url == address
    waiting = marketer.client.get(address).content.decode()
    assert f'data-simulation="{API}/{simulation.pk}"' in waiting

    worked_off(simulation.pk)
    page = marketer.client.get(address).content.decode()

    assert page.count("<svg viewBox") == 2
    assert "Losers: 3" in page
    proposed = marketer.client.post(address, {"deed": "propose", "why": "cheaper"})
    assert proposed.url == f"/office/proposals/{Proposal.objects.get().pk}/"
    assert "Proposed" in marketer.client.get("/office/campaigns/").content.decode()


def test_a_file_may_be_chosen_in_place_of_the_text(marketer: Desk) -> None:
    campaign = everyday(marketer, cap_per_event=1) | {"holdout_percent": 50}
    file = SimpleUploadedFile("everyday.json", json.dumps(campaign).encode())
    days = {"first": "2026-11-01", "last": "2026-11-18"}
    broken = marketer.client.post(
        SIMULATIONS, {"text": "", "file": SimpleUploadedFile("photo.jpg", b"\xff\xd8"), **days}
    )
    assert broken.status_code == 422

    answer = marketer.client.post(SIMULATIONS, {"text": "", "file": file, **days})

    (simulation,) = Simulation.objects.all()
    assert answer.url == f"{SIMULATIONS}{simulation.pk}/"
    done = worked_off(simulation.pk)
    page = marketer.client.get(answer.url).content.decode()
    held_out = done.results["totals"]["draft"]["held_out"]
    assert (f"Held out by lot: {held_out}" in page) == (held_out > 0)
    assert "Its occasion came" in page


def test_days_without_events_are_told_above_the_form_and_nothing_typed_is_lost(
    marketer: Desk,
) -> None:
    text = json.dumps(everyday(marketer, cap_per_event=1))

    answer = marketer.client.post(
        SIMULATIONS, {"text": text, "first": "2026-01-01", "last": "2026-01-31"}
    )

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Nothing happened on these days." in page
    assert 'value="2026-01-31"' in page
    assert "&quot;cap_per_event&quot;: 1" in page


def test_what_was_not_simulated_is_not_proposed_and_the_page_says_what_to_do(
    marketer: Desk,
) -> None:
    text = json.dumps(everyday(marketer, cap_per_event=1))

    answer = marketer.client.post("/office/campaigns/", {"text": text, "why": "cheaper"})

    assert answer.status_code == 422
    assert "Simulate exactly this campaign first" in answer.content.decode()


def test_the_page_names_what_it_counts_and_adds_it_up(marketer: Desk) -> None:
    asked = posts(marketer, API, {"campaign": everyday(marketer, cap_per_event=1), **DAYS}).json()
    worked_off(asked["id"])

    page = text_of(marketer.client.get(f"{SIMULATIONS}{asked['id']}/").content.decode())

    assert "Everyday points everyday Done" in page
    assert "Bronze 99 3 In all 99 3" in page, "levels by their names"
    assert "The operator 99 3 In all 99 3" in page, "and funds by theirs"
    assert "For topping up – 3 3 In all 3 3" in page
    assert "Winners: 0, 0 points" in page
    assert "Losers: 3, −96 points" in page


def test_a_simulation_that_ended_is_taken_up_again_with_its_draft(marketer: Desk) -> None:
    asked = posts(marketer, API, {"campaign": everyday(marketer, cap_per_event=77), **DAYS}).json()
    address = f"{SIMULATIONS}{asked['id']}/"
    assert "simulate it again" not in marketer.client.get(address).content.decode()
    marketer.client.post(address, {"deed": "cancel"})

    page = marketer.client.get(address).content.decode()

    assert "simulate it again" in page
    (text,) = re.findall(r'<textarea name="text" hidden>(.*?)</textarea>', page, re.DOTALL)
    form = marketer.client.post(SIMULATIONS, {"text": html.unescape(text)}).content.decode()
    assert "&quot;cap_per_event&quot;: 77" in form
    assert Simulation.objects.count() == 1


def test_a_draft_that_was_never_in_force_is_found_again_by_its_code(marketer: Desk) -> None:
    campaign = everyday(marketer, cap_per_event=77) | {"code": "spring"}
    campaign["rules"] = {"spring": campaign["rules"]["top-up"]}
    campaign["rules"]["spring"]["rule"]["id"] = "spring"
    posts(marketer, API, {"campaign": campaign, **DAYS})

    assert "/office/campaigns/spring/simulate/" in marketer.client.get(CAMPAIGNS).content.decode()
    page = marketer.client.get("/office/campaigns/spring/simulate/").content.decode()
    assert "&quot;cap_per_event&quot;: 77" in page


def test_who_simulates_what_is_in_force_makes_no_draft(marketer: Desk) -> None:
    posts(marketer, API, {"campaign": everyday(marketer), **DAYS})
    assert "Draft" not in text_of(marketer.client.get(CAMPAIGNS).content.decode())
    posts(marketer, API, {"campaign": everyday(marketer, cap_per_event=77), **DAYS})
    assert "Draft" in text_of(marketer.client.get(CAMPAIGNS).content.decode())

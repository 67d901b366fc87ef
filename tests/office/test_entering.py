"""Who comes into the office, and what is there for them."""

import pytest
from django.test import Client

from club.access import groups
from club.access.models import AuditLine


def test_nobody_enters_without_signing_in(club):
    someone = club.subscriber()

    for address in ("/office/", "/office/subscribers/", f"/office/subscribers/{someone.id}/"):
        answer = Client().get(address)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/office/login/")
    assert AuditLine.objects.count() == 0


def test_the_door_wears_our_name_and_not_the_maker_s(db):
    page = Client().get("/office/login/", headers={"accept-language": "en"}).content.decode()

    assert "Beeline Club office" in page
    assert "brand/logo.svg" in page
    assert "office/office.css" in page
    assert "Sign in to Wagtail" not in page


@pytest.mark.parametrize(
    ("language", "greeting"), [("ru", "Офис Beeline Club"), ("uz", "Beeline Club ofisi")]
)
def test_the_door_speaks_the_browser_s_language(db, language, greeting):
    page = Client().get("/office/login/", headers={"accept-language": language})

    assert greeting in page.content.decode()


def test_an_agent_signs_in_with_a_password(agent):
    visitor = Client()

    answer = visitor.post(
        "/office/login/", {"username": "dilnoza", "password": "of the tests", "next": "/office/"}
    )

    assert answer["Location"] == "/office/"
    assert visitor.get("/office/").status_code == 200


def test_a_wrong_password_opens_nothing(agent):
    visitor = Client()

    answer = visitor.post("/office/login/", {"username": "dilnoza", "password": "wrong"})

    assert answer.status_code == 200
    assert visitor.get("/office/").status_code == 302


def test_the_office_has_our_menu_and_none_of_the_website_s(administrator):
    page = administrator.client.get("/office/").content.decode()

    assert '"name": "subscribers"' in page
    for stock in ("explorer", "images", "documents", "reports", "help"):
        assert f'"name": "{stock}"' not in page


def test_every_page_forbids_scripts_and_frames_from_elsewhere(agent):
    policy = agent.client.get("/office/")["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'self'" in policy
    assert "http" not in policy


def test_roles_are_made_once_and_then_left_to_the_administrators(db):
    group = groups.ensure()[groups.CALL_CENTRE]
    group.permissions.remove(groups.permission("subscribers.view_subscriber"))

    again = groups.ensure()[groups.CALL_CENTRE]

    assert again == group
    assert [each.codename for each in again.permissions.all()] == ["access_admin"]

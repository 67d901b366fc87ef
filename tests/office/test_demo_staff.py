"""The demo's logins exist in the demo, once, and nowhere else."""

from datetime import UTC, datetime

import pytest
from django.test import Client

from club.access.demo import NotADemo, create_demo_staff
from club.access.models import AuditLine, Staff

NOW = datetime(2026, 11, 18, 7, 0, tzinfo=UTC)


def test_each_demo_login_opens_the_office(db, settings):
    settings.IS_DEMO = True

    for login, password, _ in create_demo_staff(NOW):
        visitor = Client()
        assert visitor.login(username=login, password=password)
        assert visitor.get("/office/").status_code == 200


def test_the_agent_may_read_subscribers_and_do_nothing_else(db, settings):
    settings.IS_DEMO = True
    create_demo_staff(NOW)

    agent = Staff.objects.get(username="agent")

    assert agent.get_all_permissions() == {
        "wagtailadmin.access_admin",
        "subscribers.view_subscriber",
    }


def test_the_head_of_the_call_centre_may_ask_for_a_level_as_well(db, settings):
    settings.IS_DEMO = True
    create_demo_staff(NOW)

    head = Staff.objects.get(username="callhead")

    assert head.get_all_permissions() == {
        "wagtailadmin.access_admin",
        "subscribers.view_subscriber",
        "tiers.propose_level",
    }


def test_a_second_load_changes_nothing(db, settings):
    settings.IS_DEMO = True
    logins = create_demo_staff(NOW)
    Staff.objects.filter(username="agent").update(first_name="Dilnoza")

    assert create_demo_staff(NOW) == logins
    assert Staff.objects.count() == AuditLine.objects.count() == len(logins)
    assert Staff.objects.get(username="agent").first_name == "Dilnoza"


def test_outside_the_demo_no_login_with_a_public_password_is_made(db, settings):
    settings.IS_DEMO = False

    with pytest.raises(NotADemo):
        create_demo_staff(NOW)
    assert Staff.objects.count() == 0

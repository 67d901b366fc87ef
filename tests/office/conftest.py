from dataclasses import dataclass, field

import pytest
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client

from club.access import groups
from club.access.models import Staff
from tests.builders import Club, member

OFFICE = "/office/"
SEARCH = "/office/subscribers/"


@dataclass
class Desk:
    """Somebody at work in the office, in English unless told otherwise."""

    staff: Staff
    client: Client = field(default_factory=Client)

    def __post_init__(self) -> None:
        self.client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
        self.client.force_login(self.staff)

    def searches(self, number: str, **more: str) -> HttpResponse:
        return self.client.post(SEARCH, {"number": number, **more})

    def opens(self, subscriber_id: int, **query: str) -> HttpResponse:
        return self.client.get(f"{SEARCH}{subscriber_id}/", query)


@pytest.fixture
def club(db) -> Club:
    cache.clear()
    return Club().open()


@pytest.fixture
def agent(db) -> Desk:
    return Desk(member("dilnoza", groups.CALL_CENTRE))


@pytest.fixture
def administrator(db) -> Desk:
    return Desk(Staff.objects.create_superuser("rustam", password="of the tests"))


@pytest.fixture
def editor(db) -> Desk:
    """May enter the office, and has no right to see a subscriber."""
    staff = Staff.objects.create_user("malika", password="of the tests")
    staff.user_permissions.add(groups.permission("wagtailadmin.access_admin"))
    return Desk(staff)

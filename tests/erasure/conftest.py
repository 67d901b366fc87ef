"""A club, somebody in it, and who may erase."""

import pytest
from django.contrib.auth.models import Permission

from club.access.models import Staff
from club.subscribers.models import Subscriber
from tests.builders import Club
from tests.erasure.person import BIRTHDAY, NUMBER


@pytest.fixture
def club(db: None) -> Club:
    return Club().open()


@pytest.fixture
def malika(club: Club) -> Subscriber:
    return club.subscriber(msisdn=NUMBER, birth_date=BIRTHDAY, tariff="very-own-tariff")


@pytest.fixture
def officer() -> Staff:
    staff = Staff.objects.create_user("officer")
    staff.user_permissions.add(Permission.objects.get(codename="erase_subscriber"))
    return Staff.objects.get(pk=staff.pk)

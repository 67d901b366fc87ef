"""Logins of the demo's office. Their passwords are public, so they exist only where the demo runs."""

from datetime import datetime

from django.conf import settings
from django.db import transaction

from club.access import groups
from club.access.actions import record
from club.access.models import Staff
from club.errors import ClubError

DEMO_STAFF = (
    ("admin", "bee-admin-demo", "Administrator"),
    ("agent", "bee-agent-demo", groups.CALL_CENTRE),
    ("callhead", "bee-callhead-demo", groups.CALL_CENTRE_HEADS),
    ("marketer", "bee-marketer-demo", groups.MARKETING),
    ("head", "bee-head-demo", groups.MARKETING_HEADS),
)


class NotADemo(ClubError):
    code = "not_a_demo"


@transaction.atomic
def create_demo_staff(now: datetime) -> list[tuple[str, str, str]]:
    """The demo's logins as (login, password, role), created where they are missing.

    A login that exists is left as it is. Raises NotADemo outside the demo.
    """
    if not settings.IS_DEMO:
        raise NotADemo("demo logins have public passwords; set CLUB_DEMO=1 only for a demo")
    roles = groups.ensure()
    for login, password, role in DEMO_STAFF:
        if Staff.objects.filter(username=login).exists():
            continue
        is_admin = role not in roles
        staff = Staff.objects.create_user(
            login, password=password, is_superuser=is_admin, date_joined=now
        )
        if not is_admin:
            staff.groups.add(roles[role])
        record("staff.created", by=None, subject_kind="staff", subject_id=staff.pk, now=now)
    return list(DEMO_STAFF)

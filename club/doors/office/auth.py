"""Which member of staff speaks to the staff API, and with what right."""

from django.http import HttpRequest
from ninja.security import SessionAuth

from club.access.errors import NotPermitted
from club.access.models import Staff
from club.doors.app.door import AppRequest


class StaffRequest(AppRequest):
    auth: Staff


class StaffWith(SessionAuth):
    """A signed-in member of staff with this permission. Raises NotPermitted without it."""

    def __init__(self, permission: str) -> None:
        super().__init__(csrf=True)
        self.permission = permission

    def authenticate(self, request: HttpRequest, key: str | None) -> Staff | None:
        staff = request.user
        if not isinstance(staff, Staff) or not staff.is_active:
            return None
        if not staff.has_perm(self.permission):
            raise NotPermitted("this needs a right", permission=self.permission)
        return staff

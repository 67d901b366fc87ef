"""The staff API: /office/api/v1. One file of addresses a noun beside this one; here is what joins them.

Whoever is signed in to the office speaks: by its session, and in writing with its CSRF token.
"""

from ninja import NinjaAPI

from club.accrual.campaign_files import FILE_CHARS_MAX
from club.doors.app.api import Utf8, addresses
from club.doors.app.refusals import answer_problems
from club.doors.office import simulations_api, why_api

api = NinjaAPI(
    title="Beeline Club: staff API",
    version="1",
    urls_namespace="office_api",
    renderer=Utf8(),
    docs_url=None,
    openapi_url=None,
)
api.add_router("", why_api.router, tags=["why"])
api.add_router("", simulations_api.router, tags=["simulations"])
answer_problems(api)

urls = addresses(api, body_bytes_max=FILE_CHARS_MAX)

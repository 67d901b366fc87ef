"""Which door stands at which address."""

from django.urls import URLPattern, URLResolver, include, path
from wagtail.admin import urls as office

from club.doors import health
from club.doors.app import api as app
from club.doors.intake.espp import espp
from club.doors.office import api as staff_api

urlpatterns: list[URLPattern | URLResolver] = [
    *health.urlpatterns,
    path("api/v1/", app.urls),
    path("intake/espp", espp),
    path("office/api/v1/", staff_api.urls),
    path("office/", include(office)),
    path("", include("club.doors.demo.urls")),
]

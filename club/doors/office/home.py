"""The office's first page: find a subscriber, and the figures of the day."""

from collections.abc import Mapping
from typing import Any

from django.core.cache import cache
from django.utils import timezone
from wagtail.admin.ui.components import Component

from club.reports import today

FIGURES_KEY = "office.today"
FIGURES_LIFETIME_S = 30  # Hundreds of agents open this page at the start of a shift.


class TodayPanel(Component):
    name = "today"
    order = 100
    template_name = "office/today.html"

    def get_context_data(self, parent_context: Mapping[str, Any]) -> Mapping[str, Any]:
        now = timezone.now()
        seen = cache.get(FIGURES_KEY)
        if seen is None:
            seen = (today.figures(now=now), now)
            cache.set(FIGURES_KEY, seen, FIGURES_LIFETIME_S)
        figures, as_of = seen
        return {
            "request": parent_context["request"],
            "csrf_token": parent_context["csrf_token"],
            "today": figures,
            "as_of": as_of,
            "perms": parent_context["perms"],
        }

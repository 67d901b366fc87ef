"""The one place where the club plugs into Wagtail's admin."""

from collections.abc import Iterable

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from wagtail import hooks
from wagtail.admin.menu import MenuItem

from club.doors.office import (
    campaign_page,
    campaigns,
    clawbacks,
    levels,
    proposals,
    segments,
    simulations,
    subscribers,
)
from club.doors.office.home import TodayPanel

STOCK_MENUS = {"explorer", "images", "documents", "reports", "help"}
"""Wagtail's own menus that nobody here has a use for yet: the club keeps no website."""
STOCK_SETTINGS = {"sites", "collections", "workflows", "workflow-tasks", "redirects", "locales"}
STYLES = ("brand/tokens.css", "brand/fonts.css", "office/office.css")


@hooks.register("insert_global_admin_css")
def our_colours() -> SafeString:
    return format_html_join(
        "\n", '<link rel="stylesheet" href="{}">', ((static(style),) for style in STYLES)
    )


@hooks.register("insert_global_admin_js")
def fields_without_scripts_inline() -> SafeString:
    return format_html('<script src="{}"></script>', static("office/choosers.js"))


@hooks.register("register_admin_urls")
def our_pages() -> list[URLPattern]:
    return [
        path("subscribers/", subscribers.search, name="office_subscribers"),
        path("subscribers/<int:subscriber_id>/", subscribers.page, name="office_subscriber"),
        path("campaigns/", campaigns.page, name="office_campaigns"),
        path("campaigns/<slug:code>.json", campaigns.download, name="office_campaign_file"),
        path("campaigns/<slug:code>/", campaign_page.page, name="office_campaign"),
        path("clawbacks/", clawbacks.page, name="office_clawbacks"),
        path("clawbacks/review.csv", clawbacks.download, name="office_clawback_file"),
        path("clawbacks/<int:clawback_id>/", clawbacks.one, name="office_clawback"),
        path("segments/", segments.page, name="office_segments"),
        path("levels/", levels.page, name="office_levels"),
        path("levels/<slug:code>.json", levels.download, name="office_scheme_file"),
        path("campaigns/<slug:code>/simulate/", simulations.ask, name="office_simulate"),
        path("simulations/", simulations.ask, name="office_simulations"),
        path("simulations/<int:simulation_id>/", simulations.page, name="office_simulation"),
        path("proposals/", proposals.index, name="office_proposals"),
        path("proposals/<int:proposal_id>/", proposals.page, name="office_proposal"),
    ]


class SubscribersMenuItem(MenuItem):
    def is_shown(self, request: HttpRequest) -> bool:
        return request.user.has_perm(subscribers.PERMISSION)


@hooks.register("register_admin_menu_item")
def subscribers_menu() -> MenuItem:
    return SubscribersMenuItem(
        _("Subscribers"),
        reverse("office_subscribers"),
        name="subscribers",
        icon_name="group",
        order=100,
    )


class CampaignsMenuItem(MenuItem):
    def is_shown(self, request: HttpRequest) -> bool:
        return request.user.has_perm(campaigns.PERMISSION)


@hooks.register("register_admin_menu_item")
def campaigns_menu() -> MenuItem:
    return CampaignsMenuItem(
        _("Campaigns"), reverse("office_campaigns"), name="campaigns", icon_name="tag", order=200
    )


@hooks.register("register_admin_menu_item")
def segments_menu() -> MenuItem:
    return CampaignsMenuItem(
        _("Lists"), reverse("office_segments"), name="segments", icon_name="list-ul", order=250
    )


class LevelsMenuItem(MenuItem):
    def is_shown(self, request: HttpRequest) -> bool:
        return request.user.has_perm(levels.PERMISSION)


@hooks.register("register_admin_menu_item")
def levels_menu() -> MenuItem:
    return LevelsMenuItem(
        _("Levels"), reverse("office_levels"), name="levels", icon_name="order-up", order=260
    )


class ProposalsMenuItem(MenuItem):
    def is_shown(self, request: HttpRequest) -> bool:
        return proposals.may_see(request)


@hooks.register("register_admin_menu_item")
def proposals_menu() -> MenuItem:
    return ProposalsMenuItem(
        _("Proposals"), reverse("office_proposals"), name="proposals", icon_name="check", order=300
    )


@hooks.register("construct_main_menu")
def hide_stock_menus(request: HttpRequest, items: list[MenuItem]) -> None:
    items[:] = without(items, STOCK_MENUS)


@hooks.register("construct_settings_menu")
def hide_stock_settings(request: HttpRequest, items: list[MenuItem]) -> None:
    items[:] = without(items, STOCK_SETTINGS)


@hooks.register("construct_homepage_panels")
def our_home(request: HttpRequest, panels: list[object]) -> None:
    panels[:] = [TodayPanel()]


@hooks.register("construct_homepage_summary_items")
def no_page_counts(request: HttpRequest, items: list[object]) -> None:
    items.clear()


def without(items: Iterable[MenuItem], names: set[str]) -> list[MenuItem]:
    return [item for item in items if item.name not in names]

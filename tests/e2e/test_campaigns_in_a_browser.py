"""The demo phone's club shows what campaigns give, and their terms to whoever opens them."""

import json
from datetime import timedelta

import pytest
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils import timezone

from club.accrual import campaigns
from club.accrual.models import Campaign
from club.languages import CODES
from club.signin import actions as signin
from tests.app.conftest import code_in_the_message
from tests.builders import Club

pytestmark = pytest.mark.browser

LEGAL = "Юридический текст акции. " * 40 + "Последние слова."
WEEKEND = {
    "id": "weekend",
    "when": {"kind": "compare", "field": "weekday", "op": "ge", "value": 6},
    "reward": {"kind": "per_unit", "per": 100_000, "points": 1, "cap_per_event": 500},
}


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844), (320, 568)])
def test_a_visitor_reads_a_campaign_and_its_whole_terms(
    transactional_db, settings, browse, tmp_path, width, height
):
    settings.IS_DEMO = True
    now = timezone.now()
    aziza = Club(now=now).open().subscriber(msisdn="998901234541", language="ru")
    campaigns.publish(
        rule=json.dumps(WEEKEND),
        campaign=Campaign.objects.create(
            code="weekend",
            names=dict.fromkeys(CODES, "Золотые выходные"),
            legal=dict.fromkeys(CODES, LEGAL),
        ),
        names=dict.fromkeys(CODES, "За выходные"),
        in_force=DateTimeTZRange(None, now + timedelta(days=10)),
        now=now,
    )
    signin.request_code(msisdn=aziza.msisdn, address="192.0.2.7", language="ru", now=now)
    code = code_in_the_message(aziza.msisdn)

    with browse(width=width, height=height) as visit:
        page = visit.page
        visit.opens("/demo/phone/")
        page.get_by_role("tab", name="Клуб").click()
        page.evaluate("document.getElementById('code-row').hidden = false")
        page.fill("#code", code)
        page.locator("#code-row").get_by_role("button", name="Войти").click()
        page.get_by_role("heading", name="Акции").wait_for()
        page.get_by_text("1 балл за каждые").first.wait_for()
        offer = page.locator(".campaign", has_text="Золотые выходные")
        offer.locator("summary").click()
        offer.get_by_text("Последние слова.").wait_for()
        assert offer.get_by_text("Действует до").is_visible()
        assert not visit.overflows()
        page.screenshot(path=tmp_path / "campaigns.png", full_page=True)

    assert visit.elsewhere == []
    # There is no message centre here, which the other screen says.
    assert [one for one in visit.complaints if "502" not in one] == []

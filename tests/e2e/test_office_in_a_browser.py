"""An agent's morning, in a real browser: sign in, find a subscriber, read why."""

import pytest

from club.access import groups
from club.access.models import AuditLine, Staff
from club.accrual import campaign_files, campaigns
from club.tiers import actions as tiers
from tests.builders import Club, member, simulated

pytestmark = pytest.mark.browser


@pytest.fixture
def aziza(transactional_db):
    club = Club().open()
    aziza = club.subscriber(msisdn="998901234541")
    club.earns(aziza, 100_000, channel="bank")
    club.pays(aziza, 300)
    club.decide()
    agent = Staff.objects.create_user("dilnoza", password="of the tests")
    agent.groups.add(groups.ensure()[groups.CALL_CENTRE])
    return aziza


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844)])
def test_an_agent_finds_a_subscriber_and_reads_why(aziza, browse, tmp_path, width, height):
    with browse(width=width, height=height) as visit:
        page = visit.page
        visit.opens("/office/")
        page.screenshot(path=tmp_path / "login.png")
        page.fill("[name=username]", "dilnoza")
        page.fill("[name=password]", "of the tests")
        page.click("button[type=submit]")
        page.get_by_role("heading", name="Здравствуйте, dilnoza").wait_for()
        assert not visit.overflows()
        page.screenshot(path=tmp_path / "home.png")

        page.fill("#number", "90 123")
        page.press("#number", "Enter")
        page.get_by_role("link", name="+998 90 ••• •• 41").wait_for()
        page.screenshot(path=tmp_path / "list.png")

        page.fill("#number", "90 123 45 41")
        page.press("#number", "Enter")
        page.get_by_role("heading", name="+998 90 123 45 41").wait_for()
        assert page.locator(".hero__points").inner_text() == "100"
        page.get_by_text("Почему", exact=True).first.click()
        page.get_by_text("Условия правила").first.wait_for()
        page.get_by_text("Почему нет", exact=True).first.click()
        assert page.locator(".clause--unmet:visible").count() > 0
        assert not visit.overflows()
        page.screenshot(path=tmp_path / "subscriber.png", full_page=True)

    assert visit.elsewhere == []
    assert visit.complaints == [], visit.complaints
    assert (
        AuditLine.objects.filter(action="personal_data.read", subject_id=str(aziza.id)).count() == 1
    )


@pytest.mark.parametrize(
    "path", ["/office/users/", "/office/users/new/", "/office/groups/", "/office/account/"]
)
def test_an_administrator_s_pages_call_nobody_outside(transactional_db, browse, path):
    Staff.objects.create_superuser("rustam", password="of the tests")

    with browse(locale="uz") as visit:
        visit.opens("/office/")
        visit.page.fill("[name=username]", "rustam")
        visit.page.fill("[name=password]", "of the tests")
        visit.page.click("button[type=submit]")
        visit.page.get_by_role("heading", name="Salom, rustam").wait_for()
        visit.opens(path)
        visit.page.wait_for_load_state("networkidle")

    assert visit.elsewhere == []
    assert visit.complaints == [], visit.complaints


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (400, 860)])
@pytest.mark.parametrize("locale", ["ru", "uz"])
def test_a_marketer_s_pages_fit_the_screen_and_complain_of_nothing(
    transactional_db, browse, tmp_path, width, height, locale
):
    club = Club().open()
    club.earns(club.subscriber(), 5_000_000)
    tiers.recompute(now=club.now)
    tiers.note_forecast(now=club.now)
    marketer = member("malika", groups.MARKETING)
    file = campaign_files.exported(code="everyday", at=club.now) | {"holdout_percent": 10}
    text = simulated(campaign_files.as_text(file), by=marketer, now=club.now)
    proposal = campaigns.propose(text=text, why="because", by=marketer, now=club.now)

    with browse(width=width, height=height, locale=locale) as visit:
        visit.opens("/office/")
        visit.page.fill("[name=username]", "malika")
        visit.page.fill("[name=password]", "of the tests")
        visit.page.click("button[type=submit]")
        for nth, path in enumerate(
            [
                "/office/campaigns/?of=everyday",
                "/office/campaigns/everyday/",
                "/office/campaigns/everyday/simulate/",
                f"/office/proposals/{proposal.pk}/",
                "/office/proposals/",
                "/office/clawbacks/",
                "/office/segments/",
                "/office/levels/?of=club",
            ]
        ):
            visit.opens(path)
            visit.page.locator("main h1").wait_for()
            assert not visit.overflows(), path
            visit.page.screenshot(path=tmp_path / f"{nth}.png")

    assert visit.elsewhere == []
    assert visit.complaints == [], visit.complaints

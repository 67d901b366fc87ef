"""The demo phone in a real browser: it pays through the real intake, and says what it cannot do."""

import threading

import pytest

from club.accrual.models import Event
from club.messages.models import Message
from simulators import espp
from tests.builders import Club

pytestmark = pytest.mark.browser


@pytest.fixture
def till(transactional_db, live_server, settings):
    """The demo's payment agents, paying into the server of this test."""
    settings.IS_DEMO = True
    with espp.Server(0, post=espp.over_http(f"{live_server.url}/intake/espp")) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        settings.DEMO_AGENT_URL = server.url
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844), (320, 568)])
def test_a_visitor_tops_up_and_asks_for_a_code(till, browse, tmp_path, width, height):
    aziza = Club().open().subscriber(msisdn="998901234541")

    with browse(width=width, height=height) as visit:
        page = visit.page
        visit.opens("/")
        page.get_by_role("link", name="Демо-телефон").click()
        page.get_by_role("heading", name="Телефон в клубе").wait_for()
        page.get_by_text("Центр сообщений не отвечает").wait_for()
        page.get_by_role("button", name="100\u202f000").click()
        page.select_option("#channel", "kiosk")
        page.get_by_role("button", name="Оплатить").click()
        page.get_by_text("Баллы сейчас придут").wait_for()
        page.get_by_role("tab", name="Клуб").click()
        page.get_by_role("button", name="Получить код").click()
        page.get_by_text("Код в сообщениях").wait_for()
        assert not visit.overflows()
        page.screenshot(path=tmp_path / "phone.png", full_page=True)

    assert visit.elsewhere == []
    (event,) = Event.objects.all()
    assert (event.msisdn, event.amount_tiyin, event.channel) == (aziza.msisdn, 10_000_000, "kiosk")
    assert Message.objects.get(is_secret=True).msisdn == aziza.msisdn


def test_the_api_s_own_page_calls_nobody_outside(transactional_db, browse):
    with browse() as visit:
        visit.opens("/api/v1/docs")
        visit.page.get_by_role("heading", name="Beeline Club").first.wait_for()

    assert visit.elsewhere == []

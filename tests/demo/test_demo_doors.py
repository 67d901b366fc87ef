"""The demo phone: there in the demo, nowhere else, and honest when something is away."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from django.test import Client
from django.utils import translation
from django.utils.translation import gettext, to_locale

from club.doors import demo
from club.doors.demo.sentences import for_script
from club.languages import CODES
from club.subscribers.models import Subscriber
from tests.builders import Club

NUMBER = "998901234541"
PHONE, INBOX, TOP_UP = "/demo/phone/", "/demo/phone/inbox", "/demo/phone/top-up"


@pytest.fixture(autouse=True)
def the_demo(settings):
    settings.IS_DEMO = True


@contextmanager
def somebody(status: int, body: bytes) -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """A little server on loopback that answers everything alike, and what it was asked."""
    asked: list[tuple[str, bytes]] = []

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.rfile.read(int(self.headers.get("Content-Length") or 0))))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", asked
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(("method", "address"), [("get", PHONE), ("post", INBOX), ("post", TOP_UP)])
def test_outside_the_demo_there_is_no_phone(db, client, settings, method, address):
    settings.IS_DEMO = False

    assert getattr(client, method)(address, {"msisdn": NUMBER}).status_code == 404


def test_the_demo_begins_with_its_addresses_and_an_installation_with_its_office(client, settings):
    page = client.get("/").content.decode()
    for address in (PHONE, "/office/", "/api/v1/docs"):
        assert f'href="{address}"' in page

    settings.IS_DEMO = False
    assert client.get("/")["Location"] == "/office/"


@pytest.mark.parametrize(
    ("language", "title"),
    [
        ("uz", "Klubdagi telefon"),
        ("uz-cyrl", "Клубдаги телефон"),
        ("ru", "Телефон в клубе"),
        ("kaa", "Klubtaǵı telefon"),
        ("en", "A phone in the club"),
    ],
)
def test_the_phone_speaks_all_five_languages(db, client, language, title):
    page = client.get(PHONE, {"lang": language}).content.decode()

    assert f'<h1 id="side-title">{title}</h1>' in page
    assert f'<html lang="{language}">' in page


@pytest.mark.parametrize("language", [code for code in CODES if code != "en"])
def test_no_sentence_of_the_script_stays_english(language):
    with translation.override("en"):
        english = for_script()
    with translation.override(language):
        told = for_script()

    assert [code for code in told if told[code] == english[code]] == []


def test_the_phone_offers_numbers_of_the_demo(db, client):
    subscriber: Subscriber = Club().subscriber(msisdn=NUMBER)

    assert f'data-number="{subscriber.msisdn}"' in client.get(PHONE).content.decode()


def test_the_inbox_shows_what_the_message_centre_took(client, settings):
    messages = [
        {"msisdn": NUMBER, "text": "Salom", "at": "2026-11-18T07:00:00Z", "from": "Beeline"}
    ]
    with somebody(200, json.dumps(messages).encode()) as (url, asked):
        settings.DEMO_PHONE_URL = url
        answer = client.post(INBOX, {"msisdn": "90 123 45 41"})

    assert answer.json() == {"messages": messages}
    assert asked == [(f"/messages?msisdn={NUMBER}", b"")]


@pytest.mark.parametrize(("status", "body"), [(500, b""), (200, b"<html>")])
def test_a_broken_message_centre_is_told(client, settings, status, body):
    with somebody(status, body) as (url, _):
        settings.DEMO_PHONE_URL = url
        answer = client.post(INBOX, {"msisdn": NUMBER})

    assert (answer.status_code, answer.json()["code"]) == (502, "no_message_centre")


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:1"])
def test_an_absent_message_centre_is_told(client, settings, url):
    settings.DEMO_PHONE_URL = url

    answer = client.post(INBOX, {"msisdn": NUMBER})

    assert (answer.status_code, answer.json()["code"]) == (502, "no_message_centre")


def test_a_top_up_asks_the_agent_of_its_channel_to_pay(client, settings):
    with somebody(201, b"payment-1") as (url, asked):
        settings.DEMO_AGENT_URL = url
        answer = client.post(TOP_UP, {"msisdn": NUMBER, "amount_uzs": "50000", "channel": "kiosk"})

    assert answer.json() == {"paid_uzs": 50_000}
    ((path, body),) = asked
    assert path == "/payments"
    assert json.loads(body) == {"msisdn": NUMBER, "amount_uzs": 50_000, "agent": "paynet"}


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"msisdn": "12"}, "bad_msisdn"),
        ({"amount_uzs": "0"}, "bad_amount"),
        ({"amount_uzs": "-5"}, "bad_amount"),
        ({"amount_uzs": "10000000001"}, "bad_amount"),
        ({"amount_uzs": "5.5"}, "bad_amount"),
        ({"amount_uzs": ""}, "bad_amount"),
        ({"channel": "pigeon"}, "bad_amount"),
    ],
)
def test_a_senseless_top_up_is_refused_and_nobody_is_asked_to_pay(client, settings, wish, code):
    with somebody(201, b"") as (url, asked):
        settings.DEMO_AGENT_URL = url
        answer = client.post(
            TOP_UP, {"msisdn": NUMBER, "amount_uzs": "50000", "channel": "app"} | wish
        )

    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert asked == []


def test_a_payment_the_agent_refused_is_told_with_its_words(client, settings):
    with somebody(422, b"the amount is too large") as (url, _):
        settings.DEMO_AGENT_URL = url
        answer = client.post(TOP_UP, {"msisdn": NUMBER, "amount_uzs": "1", "channel": "app"})

    assert answer.status_code == 502
    assert answer.json() == {"code": "payment_refused", "text": "the amount is too large"}


def test_a_page_from_elsewhere_cannot_pay_for_a_visitor(settings):
    answer = Client(enforce_csrf_checks=True).post(
        TOP_UP, {"msisdn": NUMBER, "amount_uzs": "50000", "channel": "app"}
    )

    assert answer.status_code == 403


@pytest.mark.parametrize("language", ["uz", "uz-cyrl", "ru", "kaa"])
def test_the_demo_speaks_one_language_at_a_time(language):
    folder = Path(demo.__file__).parent / "locale" / to_locale(language)
    with (folder / "LC_MESSAGES" / "django.po").open("rb") as file:
        catalogue = read_po(file)

    with translation.override(language):
        told = {message.id: gettext(message.id) for message in catalogue if message.id}

    assert told == {message.id: message.string for message in catalogue if message.id}

import re

import pytest
from django.contrib.staticfiles import finders
from django.test import RequestFactory

from club.doors.app.door import address, asked_language, without_numbers


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("uz", "uz"),
        ("uz-Latn-UZ", "uz"),
        ("uz-Cyrl", "uz-cyrl"),
        ("uz-Cyrl-UZ, ru;q=0.8", "uz-cyrl"),
        ("UZ-CYRL", "uz-cyrl"),
        ("ru-RU,ru;q=0.9,en;q=0.8", "ru"),
        ("kaa-UZ", "kaa"),
        ("kk, kaa;q=0.5", "kaa"),
        ("de, fr", None),
        ("ru;q=0", None),
        ("*", None),
        ("", None),
        (";;;,,,", None),
        ("x" * 10_000, None),
    ],
)
def test_the_first_of_our_languages_that_is_asked_for_counts(header, language):
    assert asked_language(header) == language


def test_a_trace_in_the_log_quotes_nobodys_number():
    trace = without_numbers(ValueError("Key (msisdn)=(998901234567) already exists."))

    assert "Key (msisdn)=(998…) already exists." in trace


@pytest.mark.parametrize(
    ("proxies", "forwarded", "remote", "counted"),
    [
        (0, None, "192.0.2.1", "192.0.2.1"),
        (0, "203.0.113.9", "192.0.2.1", "192.0.2.1"),
        (1, "203.0.113.9", "192.0.2.1", "203.0.113.9"),
        (1, "6.6.6.6, 203.0.113.9", "192.0.2.1", "203.0.113.9"),
        (2, "6.6.6.6, 203.0.113.9, 198.51.100.1", "192.0.2.1", "203.0.113.9"),
        (1, None, "192.0.2.1", "192.0.2.1"),
        (1, "nonsense", "192.0.2.1", "unknown"),
        (0, None, "2001:db8:1:2:3:4:5:6", "2001:0db8:0001:0002"),
        (0, None, "::ffff:192.0.2.1", "192.0.2.1"),
    ],
)
def test_the_address_is_what_our_own_proxies_saw(settings, proxies, forwarded, remote, counted):
    settings.PROXIES = proxies
    headers = {"x-forwarded-for": forwarded} if forwarded else {}

    assert address(RequestFactory().get("/", headers=headers, REMOTE_ADDR=remote)) == counted


def test_the_documentation_needs_no_outside_host(client):
    page = client.get("/api/v1/docs")
    html = page.content.decode()

    assert page.status_code == 200
    assert "//" not in re.sub(r"<!--.*?-->", "", html, flags=re.S)
    assert "default-src 'self'" in page["Content-Security-Policy"]
    own = re.findall(r'(?:src|href)="/static/([^"]+)"', html)
    assert len(own) >= 4
    assert all(finders.find(name) for name in own)


def test_the_schema_is_openapi_3_1_and_tells_its_errors(client):
    schema = client.get("/api/v1/openapi.json").json()

    assert schema["openapi"].startswith("3.1")
    token = schema["paths"]["/api/v1/auth/token"]["post"]["requestBody"]["content"]
    assert token["application/json"]["schema"]["discriminator"]["propertyName"] == "grant"
    for operations in schema["paths"].values():
        for operation in operations.values():
            for status, answer in operation["responses"].items():
                if int(status) >= 400:
                    assert list(answer["content"]) == ["application/problem+json"]

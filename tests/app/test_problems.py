"""Whatever goes wrong is one kind of document, in the reader's language, and tells no secrets."""

from pathlib import Path

import pytest
from django.utils import translation

from club.catalogue.queries import RewardUnavailable
from club.doors import problems
from club.errors import ClubError
from club.languages import CODES
from club.ledger.errors import NotEnoughPoints
from club.messages.models import Template
from club.orders.errors import OrderError
from club.programme.models import Programme
from club.programme.queries import ProgrammeNotConfigured
from club.signin.errors import SigninError
from club.subscribers.rules import BadMsisdn

BASE = Path(__file__).resolve().parents[2]
MEMBERS = {"type", "title", "status", "detail", "instance", "code", "request_id"}
VALUES = {
    "level": "Gold",
    "problems": [],
    "paid_by": "0: 100 %",
    "rule_id": "gift",
    "campaign": "spring",
    "days_max": 731,
    "first_day": "2026-01-01",
    "last_day": "2026-01-31",
    "state": "done",
    "tries_left": 2,
    "price_points": 5,
    "available_points": 1,
    "asked_points": 22,
    "missing_points": 21,
    "bytes_max": 16384,
    "retry_after_s": 22,
    "errors": [],
    "permission": "subscribers.view_subscriber",
    "levels": "bronze, gold",
}
ONE_OF_EACH = [
    ("GET", "/nowhere", None, 404, "not_found"),
    ("GET", "/", None, 404, "not_found"),
    ("GET", "/orders/not-a-uuid", None, 422, "validation_failed"),
    ("PUT", "/me", None, 405, "method_not_allowed"),
    ("POST", "/auth/token", {"grant": "magic"}, 422, "validation_failed"),
    ("POST", "/auth/otp", {"msisdn": "123"}, 422, "validation_failed"),
    ("POST", "/auth/otp", {"msisdn": "998901234567", "x": 1}, 422, "validation_failed"),
    ("POST", "/auth/otp", {"msisdn": "9" * 20_000}, 413, "body_too_large"),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "code"), ONE_OF_EACH)
def test_every_error_is_a_problem_in_the_readers_language(aziza, method, path, body, status, code):
    for language in ("uz", "uz-Cyrl", "ru", "kaa", "en"):
        answer = aziza.asks(method, path, body, accept_language=language, x_request_id="request-1")

        assert answer.status_code == answer.data["status"] == status
        assert answer["Content-Type"] == "application/problem+json"
        assert answer["Content-Language"] == language.lower()
        assert answer["Cache-Control"] == "no-store"
        assert answer.data.keys() >= MEMBERS
        assert answer.data["code"] == code
        assert answer.data["type"] == f"/api/v1/problems/{code}"
        assert answer.data["instance"] == f"/api/v1{path}"
        assert answer.data["request_id"] == answer["X-Request-Id"] == "request-1"
        with translation.override(language.lower()):
            assert answer.data["title"] == str(problems.KINDS[code].title)


@pytest.mark.parametrize("language", [code for code in CODES if code != "en"])
@pytest.mark.parametrize("code", problems.KINDS)
def test_every_kind_has_words_of_its_own_in_every_language(code, language):
    kind = problems.KINDS[code]
    values = {name: VALUES[name] for name in kind.values}
    with translation.override("en"):
        english = str(kind.title), problems.detail(kind, values)
    with translation.override(language):
        told = str(kind.title), problems.detail(kind, values)

    for ours, theirs in zip(told, english, strict=True):
        assert ours.strip()
        assert ours != theirs
        assert "%(" not in ours


def test_a_missing_value_leaves_the_title_instead_of_a_hole():
    kind = problems.KINDS["not_enough_points"]

    with translation.override("en"):
        assert problems.detail(kind, {}) == "Not enough points"


@pytest.mark.parametrize(
    ("points", "russian"),
    [
        (1, "Нужен ещё 1 балл."),
        (3, "Нужно ещё 3 балла."),
        (11, "Нужно ещё 11 баллов."),
        (21, "Нужен ещё 21 балл."),
        (400, "Нужно ещё 400 баллов."),
    ],
)
def test_russian_counts_in_three_forms(points, russian):
    with translation.override("ru"):
        told = problems.detail(problems.KINDS["not_enough_points"], {"missing_points": points})

    assert told.startswith(russian)


def test_only_the_values_of_the_table_leave_the_house():
    answer = problems.answer(
        "not_found", instance="/x", request_id="r", values={"msisdn": "998901234567"}
    )

    assert b"998901234567" not in answer.content


def raisable(kind: type[ClubError]) -> set[str]:
    return {kind.code}.union(*map(raisable, kind.__subclasses__()))


def test_what_the_use_cases_behind_the_api_raise_is_in_the_table():
    known = {SigninError, OrderError, NotEnoughPoints, RewardUnavailable, BadMsisdn}
    codes = set().union(*map(raisable, known | {ProgrammeNotConfigured}))

    assert codes - {"club_error", "order_error"} <= problems.KINDS.keys()


def test_the_table_for_people_is_complete():
    with translation.override("en"):
        table = problems.as_markdown()

    assert (BASE / "docs" / "api-errors.md").read_text(encoding="utf-8") == table


@pytest.mark.parametrize("code", problems.KINDS)
def test_the_type_of_a_problem_is_an_address_that_answers(client, code):
    answer = client.get(f"{problems.TYPE_PREFIX}{code}", headers={"accept-language": "en"})

    assert answer.status_code == 200
    assert answer.json()["code"] == code
    assert client.get(problems.TYPE_PREFIX + "nothing").status_code == 404


def test_a_body_that_is_not_json_is_told_so(stranger):
    for body in (b"{", b"\xff\xfe", b"[" * 9000):
        answer = stranger.client.post(
            "/api/v1/auth/otp", data=body, content_type="application/json"
        )
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")


@pytest.mark.parametrize("media_type", ["text/plain", "multipart/form-data", "application/xml"])
def test_a_body_of_another_type_is_told_so(stranger, media_type):
    answer = stranger.client.post("/api/v1/auth/otp", data="{}", content_type=media_type)

    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


def test_a_wrong_method_is_told_which_are_right(aziza):
    assert set(aziza.asks("PUT", "/me")["Allow"].split(", ")) == {"GET", "PATCH"}


def test_the_faults_of_a_body_are_named_field_by_field_without_repeating_it(stranger):
    body = {"grant": "otp", "msisdn": "+998 90 secret", "extra": "secret"}

    answer = stranger.post("/auth/token", body, accept_language="en")

    assert "secret" not in answer.content.decode()
    faults = {(fault["field"], fault["code"]) for fault in answer.data["errors"]}
    assert faults == {("otp.msisdn", "invalid"), ("otp.code", "missing"), ("otp.extra", "unknown")}
    assert {fault["place"] for fault in answer.data["errors"]} == {"body"}


def test_a_mistake_of_ours_tells_only_the_id_to_quote(stranger, club, caplog):
    number = club.subscriber().msisdn
    Template.objects.all().delete()

    answer = stranger.post("/auth/otp", {"msisdn": number}, accept_language="en")

    assert (answer.status_code, answer.data["code"]) == (500, "internal_error")
    assert answer.data.keys() == MEMBERS
    assert "Template" not in answer.content.decode()
    assert answer.data["request_id"] in caplog.text
    assert number not in caplog.text


def test_a_programme_that_is_not_there_is_not_a_crash(aziza):
    Programme.objects.all().delete()

    answer = aziza.get("/me")

    assert (answer.status_code, answer.data["code"]) == (503, "programme_not_configured")
    assert answer["Retry-After"]


def test_an_unusable_request_id_is_replaced(stranger):
    given = stranger.get("/nowhere", x_request_id="<script>")

    assert "<" not in given["X-Request-Id"]
    assert len(given["X-Request-Id"]) == 32

"""Signing in as the app does it: over HTTP."""

from datetime import timedelta

import pytest
from django.utils import timezone

from club.messages.models import Message
from club.signin import actions as signin
from club.signin.models import Family


@pytest.fixture
def number(club):
    return club.subscriber(language="kaa").msisdn


def ask(app, msisdn, **headers):
    return app.post("/auth/otp", {"msisdn": msisdn}, **headers)


def enter(app, msisdn, code):
    return app.post("/auth/token", {"grant": "otp", "msisdn": msisdn, "code": code})


def refresh(app, token):
    return app.post("/auth/token", {"grant": "refresh", "refresh_token": token})


def test_a_code_from_the_message_lets_in_and_the_tokens_work(stranger, number, newest_code):
    assert ask(stranger, number).status_code == 202

    tokens = enter(stranger, number, newest_code(number))

    assert tokens.status_code == 200
    assert tokens.data["expires_in"] == 600
    assert tokens.data["refresh_expires_in"] == 30 * 24 * 3600
    assert tokens["Cache-Control"] == "no-store"
    me = stranger.get("/me", authorization=f"Bearer {tokens.data['access_token']}")
    assert me.status_code == 200


def test_the_message_comes_in_the_language_of_the_request(stranger, number):
    ask(stranger, number, accept_language="uz-Cyrl-UZ")
    assert Message.objects.latest("id").language == "uz-cyrl"

    ask(stranger, number)
    assert Message.objects.latest("id").language == "kaa"


def test_nobody_can_tell_from_the_answer_whose_number_it_is(stranger, number):
    known, unknown = ask(stranger, number), ask(stranger, "998909999999")

    assert (
        (known.status_code, known.content) == (unknown.status_code, unknown.content) == (202, b"")
    )
    assert known.headers.keys() == unknown.headers.keys()
    wrong = [enter(stranger, msisdn, "x" * 6) for msisdn in (number, "998909999999")]
    assert [answer.status_code for answer in wrong] == [422, 422]


def test_the_sixth_wrong_code_is_told_to_ask_for_a_new_one(stranger, number, newest_code):
    ask(stranger, number)
    wrong = f"{(int(newest_code(number)) + 1) % 1_000_000:06}"

    answers = [enter(stranger, number, wrong) for _ in range(6)]

    assert [answer.status_code for answer in answers] == [401] * 6
    assert [answer.data["code"] for answer in answers] == ["code_wrong"] * 5 + ["code_expired"]
    assert [answer.data.get("tries_left") for answer in answers] == [4, 3, 2, 1, 0, None]
    assert enter(stranger, number, newest_code(number)).data["code"] == "code_expired"
    assert not Family.objects.exists()


def test_a_code_of_three_minutes_ago_is_expired(stranger, number, newest_code):
    then = timezone.now() - timedelta(minutes=3)
    signin.request_code(msisdn=number, address="192.0.2.1", language=None, now=then)

    answer = enter(stranger, number, newest_code(number))

    assert (answer.status_code, answer.data["code"]) == (401, "code_expired")


def test_the_fourth_request_in_ten_minutes_must_wait(stranger, number, settings):
    settings.SIGNIN_CODES_PER_MSISDN = "3/86400"
    answers = [ask(stranger, number) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [202, 202, 202, 429]
    last = answers[-1]
    assert last.data["code"] == "too_many_requests"
    assert 0 < last.data["retry_after_s"] <= 86400
    assert last["Retry-After"] == str(last.data["retry_after_s"])
    assert Message.objects.filter(template="otp").count() == 3


def test_whoever_writes_a_proxys_header_does_not_get_another_address(stranger, number, settings):
    settings.SIGNIN_CODES_PER_ADDRESS = "1/86400"

    assert ask(stranger, number, x_forwarded_for="203.0.113.1").status_code == 202
    assert ask(stranger, number, x_forwarded_for="203.0.113.2").status_code == 429


def test_a_replayed_refresh_token_ends_the_session(aziza):
    old = aziza.tokens.refresh_token
    fresh = signin.refresh(token=old, now=timezone.now() - timedelta(seconds=11))

    replayed = refresh(aziza, old)

    assert (replayed.status_code, replayed.data["code"]) == (401, "session_ended")
    assert refresh(aziza, fresh.refresh_token).data["code"] == "session_ended"
    assert aziza.orders("sms-100", 200).data["code"] == "session_ended"


def test_a_lost_answer_to_a_refresh_is_given_again(aziza):
    first, again = (refresh(aziza, aziza.tokens.refresh_token) for _ in range(2))

    assert (first.status_code, again.status_code) == (200, 200)
    assert first.data["refresh_token"] != again.data["refresh_token"]
    assert refresh(aziza, again.data["refresh_token"]).status_code == 200


def test_signing_out_ends_writing_and_refreshing_and_may_be_sent_twice(aziza):
    assert [aziza.asks("DELETE", "/auth/session").status_code for _ in range(2)] == [204, 204]

    assert aziza.orders("sms-100", 200).status_code == 401
    assert aziza.asks("PATCH", "/me", {"language": "ru"}).status_code == 401
    assert refresh(aziza, aziza.tokens.refresh_token).status_code == 401
    assert aziza.held() == 0


@pytest.mark.parametrize("token", ["", "x", "Bearer", "1.2.3~x", "é", "a" * 5000])
def test_a_forged_token_opens_nothing(stranger, token):
    answer = stranger.get("/me", authorization=f"Bearer {token}")

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"
    assert answer.data["code"] in ("session_ended", "not_signed_in")


def test_no_number_and_no_code_is_in_the_log(stranger, number, newest_code, caplog):
    caplog.set_level("DEBUG", logger="club")
    caplog.set_level("INFO", logger="django")
    ask(stranger, number)
    code = newest_code(number)
    enter(stranger, number, "12345")
    enter(stranger, number, code)
    stranger.get("/me")

    assert caplog.records
    assert number[3:] not in caplog.text
    assert code not in caplog.text


def test_signing_in_and_staying_so_is_one_visit_a_day(stranger, club, newest_code):
    from club.accrual.models import Event

    who = club.subscriber()
    stranger.post("/auth/otp", {"msisdn": who.msisdn})
    code = {"grant": "otp", "msisdn": who.msisdn, "code": newest_code(who.msisdn)}
    signed_in = stranger.post("/auth/token", code, x_app_platform="android")
    refresh = {"grant": "refresh", "refresh_token": signed_in.data["refresh_token"]}
    again = stranger.post("/auth/token", refresh, x_app_platform="<script>")

    assert signed_in.status_code == again.status_code == 200
    visit = Event.objects.get(kind="app_visit")
    assert (visit.subscriber_id, visit.details) == (who.id, {"platform": "android"})


def test_a_visit_that_cannot_be_recorded_stops_nobody(stranger, club, newest_code, monkeypatch):
    from django.db import DatabaseError

    from club.accrual import inbox

    def refuse(*_args, **_how):
        raise DatabaseError("full")

    who = club.subscriber()
    stranger.post("/auth/otp", {"msisdn": who.msisdn})
    monkeypatch.setattr(inbox, "receive", refuse)
    code = {"grant": "otp", "msisdn": who.msisdn, "code": newest_code(who.msisdn)}

    assert stranger.post("/auth/token", code).status_code == 200

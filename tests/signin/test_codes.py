import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from club.messages.models import Message
from club.signin import actions as signin
from club.signin.errors import CodeExpired, CodeWrong, SigninError, TooFast
from club.signin.models import Family, OneTimeCode, Tally
from club.subscribers.models import Status, Subscriber


def test_the_right_code_signs_in_once(phone):
    phone.asks()
    code = phone.read()

    tokens = phone.enters(code)

    assert tokens.session.subscriber_id == Subscriber.objects.get(msisdn=phone.msisdn).id
    with pytest.raises(CodeExpired):
        phone.enters(code)
    assert Family.objects.count() == 1


def test_the_code_comes_in_the_language_asked_for_or_in_the_subscribers_own(phone):
    phone.asks(language="ru")
    assert Message.objects.latest("id").text.endswith(" ru")

    phone.asks(language=None)
    assert Message.objects.latest("id").text.endswith(" kaa")


def test_the_message_is_secret_and_is_not_sent_when_the_code_is_over(phone):
    phone.asks()

    message = Message.objects.get()
    assert message.is_secret
    assert message.not_after == OneTimeCode.objects.get().expires_at


def test_five_wrong_tries_use_the_code_up_and_the_sixth_is_told_so(phone):
    phone.asks()
    wrong = phone.wrong()

    for tries_left in (4, 3, 2, 1, 0):
        with pytest.raises(CodeWrong) as refusal:
            phone.enters(wrong)
        assert refusal.value.values["tries_left"] == tries_left
    with pytest.raises(CodeExpired):
        phone.enters(wrong)

    with pytest.raises(CodeExpired):
        phone.enters(phone.read())
    assert not Family.objects.exists()


def test_a_code_is_good_until_its_third_minute_ends(phone):
    phone.asks()
    phone.later(minutes=2, seconds=59)
    assert phone.enters(phone.read())

    phone.asks()
    phone.later(minutes=3)
    with pytest.raises(CodeExpired):
        phone.enters(phone.read())


def test_a_new_code_replaces_the_old_one_with_all_its_tries(phone):
    phone.asks()
    old = phone.read()
    for _ in range(5):
        with pytest.raises(CodeWrong):
            phone.enters(phone.wrong())
    phone.asks()

    if old != phone.read():
        with pytest.raises(CodeWrong):
            phone.enters(old)
    assert phone.enters(phone.read())


def test_an_unknown_number_gets_the_same_answers_and_no_message(stranger):
    stranger.asks()

    assert not Message.objects.exists()
    with pytest.raises(CodeWrong) as refusal:
        stranger.enters("000000")
    assert refusal.value.values["tries_left"] == 4


def test_an_unknown_number_takes_the_same_statements_as_a_known_one(phone, stranger):
    def statements(someone):
        with CaptureQueriesContext(
            connection,
        ) as captured:
            someone.asks()
        return [query["sql"].split()[:3] for query in captured if "SAVEPOINT" not in query["sql"]]

    assert statements(stranger) == statements(phone)


def test_even_the_right_code_does_not_let_an_unknown_number_in(stranger, monkeypatch):
    monkeypatch.setattr("secrets.randbelow", lambda _: 123456)
    stranger.asks()

    with pytest.raises(CodeWrong):
        stranger.enters("123456")
    assert not Family.objects.exists()


@pytest.mark.parametrize("status", [Status.SUSPENDED, Status.CLOSED])
def test_whoever_is_not_active_gets_no_code(phone, status):
    Subscriber.objects.update(status=status)

    phone.asks()

    assert not Message.objects.exists()


@pytest.mark.parametrize("who", ["phone", "stranger"])
def test_the_fourth_code_within_ten_minutes_is_refused_for_everyone_alike(who, request):
    someone = request.getfixturevalue(who)
    for _ in range(3):
        someone.asks()

    with pytest.raises(TooFast) as refusal:
        someone.asks()

    assert refusal.value.values["retry_after_s"] == 600
    assert someone.later(minutes=10).asks() is None


def test_an_address_has_a_limit_over_all_its_numbers(phone, stranger, settings):
    settings.SIGNIN_CODES_PER_ADDRESS = "1/600"
    phone.asks()

    with pytest.raises(TooFast):
        stranger.asks()
    stranger.address = "192.0.2.8"
    stranger.asks()


def test_an_address_cannot_go_on_trying_codes(phone, settings):
    settings.SIGNIN_TRIES_PER_ADDRESS = "2/600"
    phone.asks()
    for _ in range(2):
        with pytest.raises(CodeWrong):
            phone.enters(phone.wrong())

    with pytest.raises(TooFast):
        phone.enters(phone.read())
    assert OneTimeCode.objects.get().tries_left == 3


def test_the_tables_hold_neither_the_code_nor_whose_limit_it_is(phone):
    phone.asks()

    kept = OneTimeCode.objects.get()
    assert phone.read().encode() not in bytes(kept.code_hash)
    assert len(kept.code_hash) == 32
    assert not Tally.objects.filter(key__contains=phone.msisdn[3:]).exists()


def test_what_decides_nothing_any_more_is_forgotten(phone):
    phone.signs_in()
    phone.asks()

    assert signin.forget_old(now=phone.later(days=29).now, rows_max=100) == 5
    assert Family.objects.count() == 1
    assert signin.forget_old(now=phone.later(days=2).now, rows_max=100) == 2
    assert not Family.objects.exists()


def test_every_refusal_has_a_code_of_its_own():
    codes = [error.code for error in SigninError.__subclasses__()]
    assert sorted(codes) == ["code_expired", "code_wrong", "session_ended", "too_many_requests"]

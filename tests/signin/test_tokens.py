from datetime import timedelta

import pytest

from club.signin import actions as signin
from club.signin import queries, tokens
from club.signin.errors import SessionEnded
from club.signin.models import RefreshToken
from club.subscribers.models import Status, Subscriber


def test_an_access_token_is_good_for_ten_minutes_and_for_nobody_else(phone):
    issued = phone.signs_in()
    token = issued.access_token

    assert tokens.read_access_token(token, now=phone.now) == issued.session
    assert tokens.read_access_token(token, now=phone.now + timedelta(seconds=599))
    with pytest.raises(SessionEnded):
        tokens.read_access_token(token, now=phone.now + timedelta(seconds=600))
    other = f"{issued.session.subscriber_id + 1}{token[token.index('.') :]}"
    for forged in (other, token[:-1], token + "A", "", "~", "1.2.3~x", token * 9):
        with pytest.raises(SessionEnded):
            tokens.read_access_token(forged, now=phone.now)


def test_a_refresh_token_rotates_within_its_family(phone):
    first = phone.signs_in()

    second = phone.later(minutes=9).refreshes(first.refresh_token)
    third = phone.later(minutes=9).refreshes(second.refresh_token)

    assert first.session == second.session == third.session
    assert len({first.refresh_token, second.refresh_token, third.refresh_token}) == 3


def test_a_used_refresh_token_that_comes_again_ends_the_whole_family(phone):
    first = phone.signs_in()
    second = phone.refreshes(first.refresh_token)
    phone.later(seconds=11)

    with pytest.raises(SessionEnded):
        phone.refreshes(first.refresh_token)

    with pytest.raises(SessionEnded):
        phone.refreshes(second.refresh_token)
    assert not queries.is_alive(first.session)


def test_a_lost_answer_is_repeated_within_ten_seconds_and_leaves_one_living_token(phone):
    first = phone.signs_in()
    lost = phone.refreshes(first.refresh_token)
    again = phone.later(seconds=10).refreshes(first.refresh_token)

    assert phone.refreshes(again.refresh_token)
    with pytest.raises(SessionEnded):
        phone.refreshes(lost.refresh_token)
    assert not queries.is_alive(first.session)


def test_the_grace_ends_as_soon_as_the_successor_is_used(phone):
    first = phone.signs_in()
    second = phone.refreshes(first.refresh_token)
    phone.refreshes(second.refresh_token)

    with pytest.raises(SessionEnded):
        phone.later(seconds=1).refreshes(first.refresh_token)
    assert not queries.is_alive(first.session)


def test_another_session_of_the_same_subscriber_lives_on(phone):
    stolen, other = phone.signs_in(), phone.signs_in()
    phone.refreshes(stolen.refresh_token)
    with pytest.raises(SessionEnded):
        phone.later(seconds=11).refreshes(stolen.refresh_token)

    assert phone.refreshes(other.refresh_token)
    assert queries.is_alive(other.session)


def test_a_refresh_token_is_good_for_thirty_days(phone):
    first, second = phone.signs_in(), phone.signs_in()

    phone.later(days=29, hours=23)
    assert phone.refreshes(first.refresh_token)
    phone.later(hours=1)
    with pytest.raises(SessionEnded):
        phone.refreshes(second.refresh_token)


def test_after_signing_out_nothing_of_the_session_works_and_twice_is_no_error(phone):
    issued = phone.signs_in()

    signin.sign_out(session=issued.session, now=phone.now)
    signin.sign_out(session=issued.session, now=phone.now)

    assert not queries.is_alive(issued.session)
    with pytest.raises(SessionEnded):
        phone.refreshes(issued.refresh_token)


@pytest.mark.parametrize("status", [Status.SUSPENDED, Status.CLOSED])
def test_a_subscriber_who_left_cannot_stay_signed_in(phone, status):
    issued = phone.signs_in()
    Subscriber.objects.update(status=status)

    assert not queries.is_alive(issued.session)
    with pytest.raises(SessionEnded):
        phone.refreshes(issued.refresh_token)


def test_only_the_hash_of_a_refresh_token_is_stored(phone):
    issued = phone.signs_in()

    kept = bytes(RefreshToken.objects.get().token_hash)
    assert kept == tokens.hash_of(issued.refresh_token)
    assert issued.refresh_token.encode() not in kept
    with pytest.raises(SessionEnded):
        phone.refreshes(kept.hex())

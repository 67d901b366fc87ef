"""An agent with a caller on the line: the sentence to read out first, then the data; and what if."""

from html import unescape

import pytest
from django.test import Client

from tests.app.test_why import at_least, offer
from tests.office.conftest import Desk


@pytest.fixture(autouse=True)
def the_club_s_clock(club, monkeypatch):
    """The door asks the clock; the story is told at the club's own time."""
    monkeypatch.setattr("django.utils.timezone.now", lambda: club.now)


def text_of(answer) -> str:
    assert answer.status_code == 200
    return " ".join(unescape(answer.content.decode()).replace("\u202f", " ").split())


def test_a_payment_without_points_has_its_sentence_in_the_callers_language(club, agent):
    aziza = club.subscriber(language="ru")
    club.pays(aziza, 3_000)
    club.decide()

    page = text_of(agent.opens(aziza.id))

    assert '<p class="why__told" lang="ru"><small>Russian</small>' in page
    assert "За пополнение счёта. Заплатите за один раз на 2 000 сум больше" in page


def test_a_line_tells_first_what_its_own_offer_gave(club, agent):
    aziza = club.subscriber(language="en")
    offer(club, "million", at_least(1_000_000))
    club.earns(aziza, 20_000, channel="bank")

    page = text_of(agent.opens(aziza.id))

    assert "This offer counts in full: 20 points" in page


def test_what_another_amount_tariff_or_day_would_bring_is_answered_below(club, agent):
    aziza = club.subscriber(language="uz")

    page = text_of(
        agent.opens(
            aziza.id, if_amount="100 000", if_channel="bank", if_tariff="premium",
            if_at="2026-11-21T12:00",
        )
    )  # fmt: skip

    assert "It would bring 150 points" in page  # 125 of the tariff, more on a Saturday
    assert 'value="2026-11-21T12:00"' in page
    assert '<span lang="uz"><b>Hisobni toʻldirganingiz uchun</b>' in page
    assert club.balance(aziza).spendable_points == 0


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"if_amount": "0"}, "Type whole so'm, more than 0 and at most 10 000 000 000."),
        ({"if_amount": "1e5"}, "Type whole so'm"),
        ({"if_amount": "9" * 40}, "Type whole so'm"),
        ({"if_amount": "5000", "if_at": "soon"}, "That is no day and time between 2000 and 2099."),
        ({"if_amount": "5000", "if_at": "9999-12-31T23:59"}, "That is no day and time"),
        ({"if_amount": "5000", "if_channel": "x"}, "Choose a channel from the list"),
        ({"if_amount": "5000", "if_tariff": "a\0b"}, "Choose a channel from the list"),
    ],
)
def test_what_is_no_question_is_told_so(club, agent, typed, told):
    page = text_of(agent.opens(club.subscriber().id, **typed))

    assert told in page
    assert "It would bring" not in page


@pytest.mark.parametrize(
    ("language", "told"), [("ru", "Принесло бы 100 баллов"), ("uz", "100 ball keltirar edi")]
)
def test_the_form_speaks_russian_and_uzbek(club, agent, language, told):
    agent.client.defaults["HTTP_ACCEPT_LANGUAGE"] = language

    page = agent.opens(club.subscriber().id, if_amount="100000", if_channel="bank")

    assert told in text_of(page)


def test_a_level_that_a_rule_asks_for_stands_there_by_its_name(club, agent):
    aziza = club.subscriber(language="en")
    asked = {"kind": "one_of", "field": "tier", "values": ["gold", "platinum"]}
    offer(club, "gold", asked)
    club.earns(aziza, 20_000, channel="bank")

    page = text_of(agent.opens(aziza.id))

    assert "Level: is one of: Gold, Platinum <small>(saw: Bronze)</small>" in page
    assert "<dt>Level</dt><dd>Bronze</dd>" in page


def test_whoever_may_not_see_a_subscriber_may_not_suppose(club, editor: Desk):
    path = f"/office/subscribers/{club.subscriber().id}/?if_amount=5000"

    assert editor.client.get(path).status_code == 302
    assert Client().get(path).status_code == 302

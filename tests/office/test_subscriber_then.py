"""A subscriber's points as they were at a past moment: whoever complains speaks of then."""

from datetime import timedelta

import pytest
from django.db import connection

from club.access.models import AuditLine
from club.ledger import actions as ledger
from club.ledger.rules import Source, fingerprint_of
from tests.ledger.moments import happened
from tests.office.test_subscriber_page import text_of


@pytest.fixture(autouse=True)
def the_club_s_clock(club, monkeypatch):
    """The door asks the clock; the story is told at the club's own time."""
    monkeypatch.setattr("django.utils.timezone.now", lambda: club.now)


@pytest.fixture
def aziza(club):
    """She earned 100 points at noon on the 18th and spent 30 two days later."""
    aziza = club.subscriber()
    club.earns(aziza, 100_000, channel="bank")
    happened(club.now)
    club.later(days=2)
    ledger.spend(
        subscriber_id=aziza.id, source=Source.ORDER, ref="s", day=club.now.date(), points=30,
        fingerprint=fingerprint_of("s"),
    )  # fmt: skip
    happened(club.now)
    club.later(days=1)
    return aziza


@pytest.mark.parametrize(
    ("moment", "points", "worth"),
    [("2026-11-18T11:59", 0, 0), ("2026-11-19T08:30", 100, 200), ("2026-11-20T12:00", 70, 140)],
)
def test_the_points_are_those_of_then_and_the_page_says_so(aziza, agent, moment, points, worth):
    page = text_of(agent.opens(aziza.id, at=moment))

    day, time = moment.split("T")
    then = f"{day[8:]}.{day[5:7]}.{day[:4]} {time}"
    assert f"Could spend on {then}" in page
    assert f"as they were on {then} in Tashkent. All else on this page is of now." in page
    assert f'<p class="hero__points">{points}</p>' in page
    assert f"worth {worth} UZS" in page
    assert f'value="{moment}"' in page
    assert "Back to now" in page


def test_without_a_moment_it_is_now(aziza, agent):
    page = text_of(agent.opens(aziza.id))

    assert '<p class="hero__points">70</p>' in page
    assert "Could spend on" not in page
    assert "Back to now" not in page


@pytest.mark.parametrize("moment", ["2099-01-01T00:00", "yesterday", "2026-11-18T12:00+03:00"])
def test_what_is_no_past_moment_is_told_and_now_is_shown(aziza, agent, moment):
    page = text_of(agent.opens(aziza.id, at=moment))

    assert "That is no past moment. You see the points of now." in page
    assert '<p class="hero__points">70</p>' in page


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "past from 01.11.2026 05:01 on. You see the points of now."),
        ("ru", "начинается с 01.11.2026 05:01. Показаны нынешние баллы."),
        ("uz", "01.11.2026 05:01 dan boshlab biladi. Hozirgi ballar"),
    ],
)
def test_a_moment_before_the_books_is_told_and_now_is_shown(aziza, agent, language, words):
    carry_something(aziza, until="2026-11-01 00:00:30+00")
    agent.client.defaults["HTTP_ACCEPT_LANGUAGE"] = language

    page = text_of(agent.opens(aziza.id, at="2026-10-31T12:00"))

    assert words in page
    assert '<p class="hero__points">70</p>' in page


def test_the_first_minute_that_the_books_know_is_shown(aziza, agent):
    carry_something(aziza, until="2026-11-01 00:00:30+00")

    assert "Could spend on 01.11.2026 05:01" in text_of(
        agent.opens(aziza.id, at="2026-11-01T05:01")
    )


def carry_something(subscriber, *, until):
    """As if a month had been detached in which the subscriber's last posting was at `until`."""
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into ledger.carried (subscriber_id, month, points, arrears, captured, last_posted_at)"
            " values (%s, '2020-01-01', 0, 0, 0, %s)",
            [subscriber.id, until],
        )


def test_the_past_is_kept_while_turning_the_pages(club, agent):
    aziza = club.subscriber()
    for day in range(25):
        club.pays(aziza, 50_000, at=club.now - timedelta(days=day))
    club.decide()

    first = agent.opens(aziza.id, at="2026-11-18T11:59")
    second = agent.opens(aziza.id, at="2026-11-18T11:59", before=first.context["view"].next)

    assert "&amp;at=2026-11-18T11:59#history" in first.content.decode()
    assert f'href="/office/subscribers/{aziza.id}/?at=2026-11-18T11:59"' in second.content.decode()


def test_the_past_is_read_under_an_audit_line_as_well(aziza, agent):
    agent.opens(aziza.id, at="2026-11-19T08:30")

    assert AuditLine.objects.filter(subject_id=str(aziza.id), by=agent.staff).count() == 1


@pytest.mark.parametrize(
    ("language", "word"),
    [("ru", "Можно было потратить 19.11.2026 08:30"), ("uz", "19.11.2026 08:30 da sarflash")],
)
def test_the_past_speaks_russian_and_uzbek(aziza, agent, language, word):
    agent.client.defaults["HTTP_ACCEPT_LANGUAGE"] = language

    assert word in text_of(agent.opens(aziza.id, at="2026-11-19T08:30"))

"""One subscriber on one page: every figure with its reason, read and never written."""

import json
from datetime import timedelta
from html import unescape

import pytest
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils import translation

from club.access.models import AuditLine
from club.accrual import campaigns, inbox
from club.accrual.models import Campaign, Event, Kind
from club.catalogue.models import Reward
from club.doors.office import why
from club.languages import CODES, UZBEK
from club.messages import actions as messages
from club.orders import actions as orders
from club.reports import decisions, subscriber_page


@pytest.fixture(autouse=True)
def the_club_s_clock(club, monkeypatch):
    """The door asks the clock; the story is told at the club's own time."""
    monkeypatch.setattr("django.utils.timezone.now", lambda: club.now)


def text_of(answer) -> str:
    assert answer.status_code == 200
    return " ".join(unescape(answer.content.decode()).replace("\u202f", " ").split())


def test_the_balance_stands_with_its_worth_level_and_what_expires(club, agent):
    aziza = club.subscriber()
    club.earns(aziza, 100_000, channel="bank")
    balance = club.balance(aziza)

    page = text_of(agent.opens(aziza.id))

    assert balance.spendable_points == 100
    assert '<p class="hero__points">100</p>' in page
    assert "worth 200 UZS" in page
    assert "Bronze" in page
    assert f"good until {balance.next_expiry_on:%d.%m.%Y}" in page


def test_each_accrual_tells_its_rule_its_facts_and_how_it_counted(club, agent):
    aziza = club.subscriber()
    club.earns(aziza, 100_000, channel="bank")

    page = text_of(agent.opens(aziza.id))

    assert "<code>top-up</code>" in page
    assert "Amount: is at least 5 000 UZS" in page
    assert "(saw: 100 000 UZS)" in page
    assert "<dt>Channel</dt><dd>Bank</dd>" in page
    assert "100 000 UZS: points for every full" in page


def test_a_payment_without_points_tells_why_not(club, agent):
    aziza = club.subscriber()
    club.pays(aziza, 300)
    club.decide()

    page = text_of(agent.opens(aziza.id))

    assert "No points have come or gone yet." in page
    assert "A condition did not hold" in page
    assert 'class="clause clause--unmet' in page


def test_a_cancelled_payment_shows_what_was_taken_back(club, agent):
    aziza = club.subscriber()
    club.pays(aziza, 100_000, channel="bank", external_id="bank:1")
    club.decide()
    inbox.receive(
        [
            inbox.Incoming(
                source="espp",
                kind=Kind.CANCELLATION,
                external_id="bank:1",
                msisdn=aziza.msisdn,
                occurred_at=club.now,
                amount_tiyin=10_000_000,
                channel="bank",
                details={},
            )
        ],
        now=club.now,
    )
    club.decide()

    page = text_of(agent.opens(aziza.id))

    assert "−100" in page
    assert "Payment cancelled" in page
    assert "Every payment brought its points." in page


def test_orders_stand_with_their_state_and_hold_their_points(club, agent):
    aziza = club.subscriber()
    club.earns(aziza, 500_000)
    reward = Reward.objects.get(code="internet-1gb")
    order = orders.place(
        subscriber_id=aziza.id,
        reward_code=reward.code,
        key="of-the-test",
        price_points=reward.price_points,
        now=club.now,
    )

    page = text_of(agent.opens(aziza.id))

    assert "1 GB of internet" in page
    assert str(order.id) in page
    assert "Placed, not sent yet" in page
    assert f"<dt>On hold for orders</dt><dd>{reward.price_points}</dd>" in page


def test_the_text_of_a_one_time_code_is_never_shown(club, agent):
    aziza = club.subscriber(language="en")
    messages.queue(
        "otp",
        msisdn=aziza.msisdn,
        language="en",
        values={"code": "482913"},
        dedupe_key="of-the-test",
        now=club.now,
        subscriber_id=aziza.id,
        is_secret=True,
    )

    page = text_of(agent.opens(aziza.id))

    assert "482913" not in page
    assert "A one-time code: its text is never shown." in page


def test_what_came_from_outside_is_escaped(club, agent):
    aziza = club.subscriber(tariff="<b>x</b>")
    club.pays(aziza, 300, channel="<script>", external_id="<img src=x>")
    club.decide()

    page = agent.opens(aziza.id).content.decode()

    for raw in ("<b>x</b>", "<script>", "<img src=x>"):
        assert f"<dd>{raw}" not in page
        assert f"id {raw}" not in page
    assert "&lt;img src=x&gt;" in page


def test_the_first_reading_of_a_day_leaves_one_audit_line(club, agent):
    aziza = club.subscriber()

    agent.opens(aziza.id)
    agent.opens(aziza.id)
    club.later(days=1)
    agent.opens(aziza.id)

    lines = AuditLine.objects.filter(subject_kind="subscriber", subject_id=str(aziza.id))
    assert [(line.action, line.by, line.at) for line in lines.order_by("at")] == [
        ("personal_data.read", agent.staff, club.now - timedelta(days=1)),
        ("personal_data.read", agent.staff, club.now),
    ]


def test_nobody_s_page_is_not_found_and_not_recorded(club, agent):
    assert agent.opens(404_404).status_code == 404
    assert AuditLine.objects.count() == 0


def test_a_page_is_read_only(club, agent):
    aziza = club.subscriber()
    club.earns(aziza, 100_000)
    before = club.balance(aziza)

    answer = agent.client.post(f"/office/subscribers/{aziza.id}/", {"points": "1000000"})

    assert answer.status_code == 405
    assert club.balance(aziza) == before


def test_earlier_lines_follow_by_a_cursor(club, agent):
    aziza = club.subscriber()
    for day in range(25):
        club.pays(aziza, 50_000, at=club.now - timedelta(days=day))
    club.decide()

    first = agent.opens(aziza.id).context["view"]
    second = agent.opens(aziza.id, before=first.next).context["view"]

    days = [reasoned.line.occurred_on for reasoned in (*first.lines, *second.lines)]
    assert len(first.lines) == 20
    assert len(set(days)) == 25
    assert days == sorted(days, reverse=True)
    assert second.next is None


def test_a_spoilt_cursor_begins_anew(club, agent):
    aziza = club.subscriber()

    answer = agent.opens(aziza.id, before="spoilt")

    assert answer.status_code == 302
    assert answer["Location"] == f"/office/subscribers/{aziza.id}/"


@pytest.mark.parametrize(
    ("language", "word"), [("ru", "Можно потратить"), ("uz", "Sarflash mumkin")]
)
def test_the_page_speaks_russian_and_uzbek(club, agent, language, word):
    aziza = club.subscriber()
    club.earns(aziza, 100_000)
    agent.client.defaults["HTTP_ACCEPT_LANGUAGE"] = language

    assert word in text_of(agent.opens(aziza.id))


@pytest.mark.parametrize("events", [1, 12])
def test_a_page_costs_the_same_queries_whatever_it_shows(
    club, agent, events, django_assert_num_queries
):
    aziza = club.subscriber()
    for day in range(events):
        club.pays(aziza, 50_000, at=club.now - timedelta(days=day))
        club.pays(aziza, 300, at=club.now - timedelta(days=day))
    club.decide()

    with django_assert_num_queries(23):
        subscriber_page.view(
            subscriber=aziza, language=UZBEK, before=None, lines_max=20, now=club.now
        )


def limited(club, **terms) -> None:
    rule = {
        "id": "weekend",
        "when": {"kind": "compare", "field": "amount", "op": "gt", "value": 0},
        "reward": {"kind": "fixed", "points": 20, "cap_per_event": 20},
    }
    campaign = Campaign.objects.first()
    assert campaign is not None
    campaigns.publish(
        rule=json.dumps(rule | terms),
        campaign=campaign,
        names=dict.fromkeys(CODES, "Weekend"),
        in_force=DateTimeTZRange(None, None),
        now=club.now,
    )


def test_what_a_limit_cut_is_told_with_what_was_used_and_when_it_begins_anew(club, agent):
    limited(club, limits=[{"period": "month", "unit": "points", "most": 21}])
    aziza = club.subscriber()
    club.earns(aziza, 10_000)
    club.earns(aziza, 10_000)

    page = text_of(agent.opens(aziza.id))

    assert "Cut by a limit" in page
    assert (
        "This rule, for one subscriber: at most 21 points a month. Used before: 20 points."
        " Begins anew on 01.12.2026 00:00." in page
    )


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "The campaign, for all subscribers together: at most 1 time in all. Used before: 1 time."),
        ("ru", "Акция, всем абонентам вместе: лимит 1 раз за всё время. Уже использовано: 1 раз."),
        ("uz", "Aksiya, barcha abonentlarga jami: hammasi boʻlib koʻpi bilan 1 marta. Avval ishlatilgan: 1 marta."),
    ],
)  # fmt: skip
def test_a_limit_that_never_begins_anew_says_no_day(club, language, sentence):
    once = {"of": "campaign", "each": "all", "period": "ever", "unit": "times", "most": 1}
    limited(club, limits=[once])
    aziza = club.subscriber()
    club.earns(aziza, 10_000)
    club.earns(aziza, 10_000)

    newest = [event.id for event in Event.objects.order_by("-id")[:1]]
    (event,) = decisions.explained(
        subscriber_id=aziza.id, event_ids=newest, fruitless_max=0
    ).values()
    (cut,) = (one for one in event.decisions if one.because)

    with translation.override(language):
        assert why.because(cut) == sentence


def test_the_rule_that_counted_instead_is_named(club, agent):
    limited(club, excludes=["top-up"])
    aziza = club.subscriber()
    club.earns(aziza, 100_000)

    page = text_of(agent.opens(aziza.id))

    assert "Another rule that counted excludes it" in page
    assert "What counted instead: top-up" in page

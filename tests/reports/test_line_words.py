"""Every line of a history says what it is and why, whatever made it."""

from datetime import UTC, date, datetime

import pytest
from django.utils import translation

from club.ledger.queries import Line
from club.ledger.rules import AdjustmentReason, Kind
from club.reports import line_words

LANGUAGES = ["uz", "uz-cyrl", "ru", "kaa", "en"]
DAY = date(2026, 11, 23)


def line(kind, points=10, **values):
    told = {"reason": None, "counterparty_id": None, "expires_on": None} | values
    return Line(
        id="x", posted_at=datetime.now(UTC), occurred_on=DAY, kind=kind, points=points, source=0,
        ref="x", fund=0, lots=(), reverses_source=None, reverses_ref=None, reverses_on=None,
        actor=None, **told,
    )  # fmt: skip


def words(told, *, number=None, language="en"):
    with translation.override(language):
        return line_words.of(told, None, None, number, language)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_a_title_and_a_reason_in_every_language(kind, language):
    title, reason = words(line(kind), language=language)

    assert title.strip()
    assert reason.strip()
    assert title != reason


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_of_an_adjustment_is_told_in_its_own_words(language):
    told = {
        words(line(Kind.ADJUSTMENT, reason=reason), language=language)
        for reason in [None, *AdjustmentReason]
    }

    assert len(told) == len(AdjustmentReason) + 1


@pytest.mark.parametrize(
    ("told", "title", "reason"),
    [
        (
            line(Kind.TRANSFER_OUT, -5, counterparty_id=7, reason="gift"),
            "To +998 90 ••• •• 41",
            "You sent these points as a gift",
        ),
        (
            line(Kind.TRANSFER_IN, 5, counterparty_id=7),
            "From +998 90 ••• •• 41",
            "These points were sent to you",
        ),
        (
            line(Kind.TRANSFER_OUT, -5, counterparty_id=-3),
            "Into the family pot",
            "You shared these points with your family",
        ),
        (
            line(Kind.TRANSFER_IN, 5, counterparty_id=7, reason="merge"),
            "Moved from your former number",
            "Your number has changed, and your points with it",
        ),
        (
            line(Kind.TRANSFER_OUT, 5, counterparty_id=7, reason="merge"),  # a debt
            "Moved to your new number",
            "Your number has changed, and your points with it",
        ),
        (
            line(Kind.RETURN, 5, counterparty_id=7),
            "Points given back",
            "What you sent came back to you",
        ),
        (
            line(Kind.CLAWBACK, -5, counterparty_id=7),
            "Points taken back",
            "These points had been sent to you and were taken back",
        ),
        (
            line(Kind.RETURN, 5, reason="lapsed"),
            "Points given back",
            "A purchase was reversed, but these points had expired meanwhile",
        ),
        (
            line(Kind.ADJUSTMENT, 5, reason="goodwill:autumn"),
            "A present from us",
            "With our thanks for your patience",
        ),
        (
            line(Kind.EXPIRY, -5, reason="inactive", expires_on=DAY),
            "Points expired",
            "Nothing was earned or spent for too long",
        ),
    ],
)
def test_what_made_a_line_is_told(told, title, reason):
    assert words(told, number="998901234541") == (title, reason)


def test_whoever_has_left_is_not_named():
    assert words(line(Kind.TRANSFER_IN, 5, counterparty_id=7))[0] == "From another subscriber"

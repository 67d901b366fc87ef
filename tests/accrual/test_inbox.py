"""What comes in is written once, kept with its reason, or waits: nothing is lost."""

import threading
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from club.accrual import inbox
from club.accrual.inbox import Incoming, Verdict
from club.accrual.models import Event, EventState, Kind, Rejection
from club.accrual.rules.facts import AMOUNT_TIYIN_MAX
from tests.accrual.conftest import Office
from tests.builders import NOW

NUMBER = "998901234567"


def payment(external_id: str = "p-1", **changes: Any) -> Incoming:
    usual = Incoming(
        source="espp",
        kind=Kind.PAYMENT,
        external_id=external_id,
        msisdn=NUMBER,
        occurred_at=NOW,
        amount_tiyin=500_000,
        channel="bank",
        details={"terminal": "T1"},
    )
    return replace(usual, **changes)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount_tiyin": 0}, "not_positive"),
        ({"amount_tiyin": -1}, "not_positive"),
        ({"amount_tiyin": AMOUNT_TIYIN_MAX + 1}, "too_large"),
        ({"occurred_at": NOW + timedelta(minutes=5, seconds=1)}, "in_the_future"),
        ({"occurred_at": datetime(2026, 11, 18, 12)}, "no_zone"),  # noqa: DTZ001
        ({"msisdn": "12345"}, "bad_msisdn"),
        ({"msisdn": ""}, "bad_msisdn"),
        ({"external_id": ""}, "bad_text"),
        ({"external_id": "x" * 101}, "bad_text"),
        ({"external_id": "a\0b"}, "bad_text"),
        ({"channel": ""}, "bad_text"),
        ({"kind": "Usage!"}, "bad_type"),
        ({"details": {"note": "a\0b"}}, "bad_details"),
        ({"details": {"note": "\ud800"}}, "bad_details"),
        ({"details": {"note": "x" * 5_000}}, "bad_details"),
        ({"kind": Kind.CANCELLATION, "amount_tiyin": -1}, "not_positive"),
    ],
)
def test_what_cannot_be_accepted_is_kept_with_its_reason_and_the_rest_is_taken(
    changes: dict[str, Any], code: str, club: Office
) -> None:
    bad = (
        payment("bad", line=2, raw="as it came \0 \ud800")
        if "external_id" not in changes
        else (payment(line=2, raw="as it came \0 \ud800"))
    )

    receipts = inbox.receive([payment("a"), replace(bad, **changes), payment("b")], now=NOW)

    assert [receipt.verdict for receipt in receipts] == [
        Verdict.NEW,
        Verdict.REJECTED,
        Verdict.NEW,
    ]
    assert (receipts[1].code, receipts[1].line, receipts[1].event_id) == (code, 2, None)
    kept = Rejection.objects.get()
    assert (kept.code, kept.line, kept.raw) == (code, 2, "as it came \ufffd ?")
    assert Event.objects.count() == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"amount_tiyin": 1},
        {"amount_tiyin": AMOUNT_TIYIN_MAX},
        {"occurred_at": NOW + timedelta(minutes=5)},
        {"external_id": "x" * 100},
        {"msisdn": "+998 90 123-45-67"},
        {"details": {"note": "oʻ \\ ' \" 🙂"}},
    ],
    ids=str,
)
def test_what_stands_at_a_limit_is_taken(changes: dict[str, Any], club: Office) -> None:
    (receipt,) = inbox.receive([payment(**changes)], now=NOW)

    assert receipt.verdict == Verdict.NEW
    assert Event.objects.get().msisdn == NUMBER


@pytest.mark.parametrize(
    ("days", "state"), [(90, EventState.NEW), (91, EventState.REVIEW), (730, EventState.REVIEW)]
)
def test_what_is_older_than_the_programme_accepts_waits_for_a_person(
    days: int, state: EventState, club: Office
) -> None:
    club.subscriber(msisdn=NUMBER)

    inbox.receive([payment(occurred_at=NOW - timedelta(days=days))], now=NOW)

    assert Event.objects.get().state == state


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"occurred_at": NOW + timedelta(seconds=90)}, Verdict.DUPLICATE),
        ({"channel": "app", "details": {}}, Verdict.DUPLICATE),
        ({"occurred_at": NOW - timedelta(days=1)}, Verdict.CONFLICTING),
        ({"amount_tiyin": 500_001}, Verdict.CONFLICTING),
        ({"msisdn": "998901234568"}, Verdict.CONFLICTING),
        ({"source": "other"}, Verdict.NEW),
        ({"kind": Kind.CANCELLATION}, Verdict.NEW),
    ],
    ids=str,
)
def test_the_essentials_tell_a_duplicate_from_a_conflict(
    changes: dict[str, Any], verdict: Verdict, club: Office
) -> None:
    other = replace(payment(), **changes)

    in_one_batch = inbox.receive([payment(), other], now=NOW)
    in_another = inbox.receive([payment(), other], now=NOW)

    assert [receipt.verdict for receipt in in_one_batch] == [Verdict.NEW, verdict]
    again = Verdict.DUPLICATE if verdict == Verdict.NEW else verdict
    assert [receipt.verdict for receipt in in_another] == [Verdict.DUPLICATE, again]


def test_a_register_counts_what_became_of_its_lines(club: Office) -> None:
    register = inbox.open_register(source="espp", name="day.csv", sha256="0" * 64, now=NOW)

    inbox.receive(
        [payment("a"), payment("b"), payment("a"), payment("a", amount_tiyin=1)],
        now=NOW,
        register=register,
    )
    inbox.reject(
        source="espp", code="bad_line", reason="no", raw="?", line=5, now=NOW, register=register
    )

    register.refresh_from_db()
    counts = register.received, register.new, register.duplicate, register.conflicting
    assert (*counts, register.rejected) == (5, 2, 1, 1, 1)
    assert Rejection.objects.get().register_id == register.pk


def test_receiving_twice_asks_for_one_decision_job(club: Office) -> None:
    inbox.receive([payment("a")], now=NOW)
    inbox.receive([payment("b")], now=NOW)

    with connection.cursor() as cursor:
        cursor.execute(
            "select count(*) from procrastinate_jobs"
            " where task_name = 'accrual.decide' and status = 'todo'"
        )
        assert cursor.fetchone() == (1,)


@pytest.mark.django_db(transaction=True)
def test_the_same_register_received_twice_at_once_is_written_once() -> None:
    Office().open()
    events = [payment(f"p-{number:03}") for number in range(200)]
    verdicts: list[Verdict] = []
    together = threading.Barrier(2)

    def receive(order: list[Incoming]) -> None:
        try:
            together.wait(timeout=30)
            verdicts.extend(receipt.verdict for receipt in inbox.receive(order, now=NOW))
        finally:
            connection.close()

    threads = [threading.Thread(target=receive, args=(order,)) for order in (events, events[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert sorted(verdicts) == [Verdict.DUPLICATE] * 200 + [Verdict.NEW] * 200
    assert Event.objects.count() == 200

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client

from club.clock import TASHKENT
from club.doors import health
from club.ledger import actions as ledger
from club.messages.models import Message
from club.messages.rules import State
from club.reports import vitals
from tests.accrual.conftest import Office
from tests.ledger.sealed import seal_them, write_four_days

pytestmark = pytest.mark.django_db


def ago(**delta: float) -> datetime:
    """By the clock of the test: the suite may have been collected minutes before."""
    return datetime.now(tz=UTC) - timedelta(**delta)


def heartbeat(at: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute("insert into procrastinate_workers (last_heartbeat) values (%s)", [at])


def message(*, due_at: datetime) -> Message:
    return Message.objects.create(
        msisdn="998901234567",
        template="points",
        language="uz",
        text="50 ball",
        dedupe_key=str(due_at),
        queued_at=due_at,
        not_after=due_at + timedelta(days=1),
        next_try_at=due_at,
    )


def test_a_live_process_says_so_without_asking_the_database(
    client: Client, django_assert_num_queries
):
    with django_assert_num_queries(0):
        answer = client.get("/health/live")

    assert (answer.status_code, answer.json()) == (200, {"status": "live"})


def test_without_a_worker_the_club_is_not_ready_and_says_why(client: Client):
    heartbeat(ago(minutes=2))

    answer = client.get("/health/ready")

    assert answer.status_code == 503
    assert answer.json()["missing"] == ["no worker has shown itself lately: start club worker"]


def test_with_everything_in_place_the_club_is_ready(client: Client):
    heartbeat(ago())
    message(due_at=ago())

    answer = client.get("/health/ready")

    assert (answer.status_code, answer.json()) == (200, {"status": "ready"})


def test_messages_that_nobody_takes_make_the_club_not_ready(client: Client):
    heartbeat(ago())
    message(due_at=ago(minutes=11))

    answer = client.get("/health/ready")

    assert answer.status_code == 503
    assert answer.json()["missing"] == [
        "messages wait in the outbox: look at club sms and the message centre"
    ]


def test_what_is_open_is_counted_by_state():
    message(due_at=ago())
    sent = message(due_at=ago(hours=1))
    Message.objects.filter(pk=sent.pk).update(state=State.SENT)

    assert vitals.vitals().messages == {"queued": 1, "sending": 0}
    assert vitals.vitals().orders == {"placed": 0, "sending": 0, "waiting": 0, "unknown": 0}
    assert vitals.outstanding_points() == 0


def test_metrics_count_requests_by_route_and_name_nobody(client: Client):
    client.get("/health/live")
    client.get("/no/such/998901234567")

    text = client.get("/metrics").content.decode()

    assert 'club_requests_total{method="GET",route="health/live",status="200"}' in text
    assert 'route="(no such address)",status="404"' in text
    assert "club_database_up 1.0" in text
    assert 'club_open_messages{state="queued"}' in text
    assert "998901234567" not in text


def test_metrics_tell_how_the_books_stand(client: Client, settings, tmp_path):
    settings.SEALS = tmp_path
    write_four_days()
    seal_them()
    ledger.prove_what_is_new()
    end = datetime(2026, 11, 21, tzinfo=TASHKENT).timestamp()

    figures = {
        metric.name: metric.samples[0].value for metric in health.of_the_books(vitals.vitals())
    }

    assert figures["club_ledger_breaches"] == 0
    assert figures["club_ledger_sealed_until"] == end
    assert figures["club_ledger_proven_at"] == pytest.approx(ago().timestamp(), abs=600)


def test_books_that_were_never_proven_have_no_figure():
    assert list(health.of_the_books(vitals.vitals())) == []


@pytest.mark.parametrize("address", ["/health/live", "/health/ready", "/metrics"])
def test_probes_are_read_only_and_never_cached(client: Client, address: str):
    assert client.post(address).status_code == 405
    assert "no-store" in client.get(address)["Cache-Control"]


def test_metrics_tell_what_is_left_of_each_budget(client: Client):
    club = Office().open()
    limit = {"each": "all", "period": "ever", "unit": "points", "most": 100}
    club.publish(
        "gift", reward={"kind": "fixed", "points": 30, "cap_per_event": 30}, limits=[limit]
    )
    club.earns(club.subscriber(), 900)
    collector = health.FromTheDatabase()

    figures = {
        (metric.name, sample.labels["whose"]): sample.value
        for metric in collector.collect()
        for sample in metric.samples
        if metric.name.startswith("club_budget")
    }

    assert figures == {("club_budget_left", "gift"): 70, ("club_budget_most", "gift"): 100}

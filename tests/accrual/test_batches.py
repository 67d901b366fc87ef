"""A batch is all or nothing, whoever runs it; and nobody's trouble is anybody else's."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from club.access.models import AuditLine, Staff
from club.accrual import actions, deciding, posting, queries, tasks
from club.accrual.models import Campaign, Decision, Event, EventState, InForce, Outcome, RuleVersion
from club.accrual.putting import Put, granted_of
from club.accrual.rules.counting import Place, Used
from club.accrual.rules.granting import Candidate, Grant
from club.accrual.taking import Taken
from club.ledger import queries as books
from club.messages.models import Message
from club.reports import decisions
from club.subscribers.models import Subscriber
from club.tiers import tasks as tiers_tasks
from club.tiers.models import Standing
from tests.accrual.conftest import PAYMENT, PER_THOUSAND, TEXTS, Office
from tests.builders import NOW


# ---- poison ----------------------------------------------------------------------------------
def test_an_event_that_the_books_cannot_take_is_set_aside_and_the_others_go_on(
    club: Office,
) -> None:
    aziza = club.subscriber()
    receipts = [club.pays(aziza, 10_000) for _ in range(7)]
    # The journal has no month for such a day: the ledger refuses the whole statement.
    poisoned = receipts[3].event_id
    Event.objects.filter(pk=poisoned).update(occurred_at=datetime(1980, 1, 1, tzinfo=UTC))

    counts = actions.decide_batch(now=club.now, limit=100)

    assert (counts.taken, counts.decided, counts.failed) == (7, 6, 1)
    assert club.balance(aziza).spendable_points == 60
    failed = Outcome.objects.get(state=EventState.FAILED)
    assert failed.event_id == poisoned
    assert failed.note.startswith("DayOutsideBooks")
    assert not Decision.objects.filter(event_id=poisoned).exists()


NASTY = 'back\\slash \\N \\. tab\t line\n return\r "quote" {1,2} oʻ ў'


def test_facts_and_notes_are_kept_as_they_were_whatever_characters_they_have(
    club: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    aziza = club.subscriber()
    told = club.pays(aziza, 10_000, channel=NASTY[:20]).event_id
    poisoned = club.pays(aziza, 66_000).event_id

    def refuse(put: Put, payment: Taken, used: dict[Place, Used]) -> list[tuple[Candidate, Grant]]:
        if payment.id == poisoned:
            raise ValueError(NASTY)
        return granted_of(put, payment, used)

    monkeypatch.setattr(deciding, "granted_of", refuse)

    assert actions.decide_batch(now=club.now, limit=100).failed == 1

    outcomes = Outcome.objects.in_bulk([told, poisoned])
    assert outcomes[told].facts["channel"] == NASTY[:20]
    assert outcomes[told].decided_at == club.now
    assert outcomes[poisoned].note == f"ValueError: {NASTY}"
    assert (outcomes[poisoned].facts, outcomes[poisoned].decided_at) == (None, None)


def test_a_rule_that_cannot_be_read_fails_only_the_events_of_its_time(club: Office) -> None:
    hour = timedelta(hours=1)
    RuleVersion.objects.create(
        hash="0" * 64,
        rule_id="poisoned",
        campaign=Campaign.objects.get(),
        canonical='{"id": "poisoned"}',
        names=TEXTS,
        recorded_at=club.now,
    )
    InForce.objects.create(
        version_id="0" * 64,
        rule_id="poisoned",
        during=DateTimeTZRange(club.now - 2 * hour, club.now - hour),
    )
    aziza = club.subscriber()
    for minutes in (30, 70, 90, 150):
        club.pays(aziza, 10_000, at=club.now - timedelta(minutes=minutes))

    counts = actions.decide_batch(now=club.now, limit=100)

    assert (counts.decided, counts.failed) == (2, 2)
    assert club.balance(aziza).spendable_points == 20
    notes = Outcome.objects.filter(state=EventState.FAILED).values_list("note", flat=True)
    assert all(note.startswith("ValidationError") for note in notes)


def test_a_failed_event_is_tried_again_by_a_person_and_the_audit_knows(club: Office) -> None:
    aziza, by = club.subscriber(), Staff.objects.create(username="nodira")
    event_id = club.pays(aziza, 10_000).event_id
    assert event_id is not None
    paid_at = Event.objects.get(pk=event_id).occurred_at
    Event.objects.filter(pk=event_id).update(occurred_at=datetime(1980, 1, 1, tzinfo=UTC))
    club.decide()
    Event.objects.filter(pk=event_id).update(occurred_at=paid_at)

    assert actions.retry(event_id=event_id, by=by, now=club.now, why="the day was corrected")
    club.decide()

    assert club.balance(aziza).spendable_points == 10
    assert AuditLine.objects.get(action="event.retried").subject_id == str(event_id)
    assert not actions.retry(event_id=event_id, by=by, now=club.now, why="again")
    assert AuditLine.objects.filter(action="event.retried").count() == 1


# ---- workers ---------------------------------------------------------------------------------
def in_threads(*works: Callable[[], None]) -> None:
    """Run each in a thread with a connection of its own; raise what any of them raised."""

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as threads:
        for running in [threads.submit(run, work) for work in works]:
            running.result(timeout=60)


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_decide_each_event_once() -> None:
    club = Office().open()
    club.publish("everyday")
    people = [club.subscriber() for _ in range(5)]
    for number in range(60):
        club.pays(people[number % 5], 10_000, external_id=f"payment-{number:02}")
    taken: list[int] = []
    together = threading.Barrier(2)

    def work() -> None:
        together.wait(timeout=30)
        while counts := actions.decide_batch(now=club.now, limit=7).taken:
            taken.append(counts)

    in_threads(work, work)

    assert sum(taken) == 60
    assert [club.balance(who).spendable_points for who in people] == [120] * 5
    assert Decision.objects.count() == 60
    assert books.prove() == []


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_in_the_middle_of_a_batch_leaves_nothing_half_done() -> None:
    club = Office().open()
    club.publish("everyday")
    aziza = club.subscriber()
    for _ in range(5):
        club.pays(aziza, 10_000)

    def die() -> None:
        with transaction.atomic():
            assert actions.decide_batch(now=club.now, limit=100).decided == 5
            with connection.cursor() as cursor:
                cursor.execute("select pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(OperationalError):
        in_threads(die)
    assert club.balance(aziza).spendable_points == 0
    assert {event.state for event in Event.objects.all()} == {EventState.NEW}

    club.decide()

    assert club.balance(aziza).spendable_points == 50
    assert Decision.objects.count() == 5
    assert books.prove() == []


def test_the_job_decides_everything_that_is_new(club: Office) -> None:
    aziza = club.subscriber()
    for _ in range(3):
        club.pays(aziza, 10_000)

    tasks.decide()
    tasks.adopt_waiting(timestamp=0)

    assert club.balance(aziza).spendable_points == 30
    assert queries.counts_by_state()["decided"] == 3


def test_a_batch_may_grant_more_than_the_books_take_in_one_call(
    club: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "ACCRUALS_PER_CALL_MAX", 2)
    later = {"kind": "fixed", "points": 1, "cap_per_event": 1, "confirm_after_days": 7}
    club.publish("promise", reward=later)
    aziza = club.subscriber()
    for _ in range(5):
        club.pays(aziza, 10_000)

    assert actions.decide_batch(now=club.now, limit=100).decided == 5

    assert club.balance(aziza).spendable_points == 50
    assert club.balance(aziza).pending_points == 5


# ---- what a decision says --------------------------------------------------------------------
def test_no_points_has_a_reason_too(club: Office) -> None:
    club.publish("over-a-million", when=PAYMENT | {"field": "amount", "op": "ge", "value": 10**8})
    aziza = club.subscriber()
    small, capped = club.pays(aziza, 999).event_id, club.pays(aziza, 700_000).event_id
    assert small is not None
    assert capped is not None
    club.decide()

    said = {
        (event_id, decision.rule_id): (decision.wanted, decision.granted, decision.reason)
        for event_id in (small, capped)
        for decision in explained(aziza, event_id).decisions
    }

    assert said == {
        (small, "everyday"): (0, 0, "rounds_to_zero"),
        (small, "over-a-million"): (0, 0, "condition"),
        (capped, "everyday"): (700, 500, "capped"),
        (capped, "over-a-million"): (0, 0, "condition"),
    }
    # Who wanted nothing has no row: it is told from the facts and the versions that were asked.
    assert Decision.objects.count() == 1


def explained(who: Subscriber, event_id: int) -> decisions.ExplainedEvent:
    found = decisions.explained(subscriber_id=who.id, event_ids=[event_id], fruitless_max=0)
    return found[event_id]


def test_an_explanation_names_the_clause_that_failed_with_wanted_and_found(club: Office) -> None:
    club.publish(
        "app-only",
        when={"kind": "all", "of": [PAYMENT, PAYMENT | {"field": "channel", "value": "app"}]},
    )
    aziza = club.subscriber()
    event_id = club.pays(aziza, 10_000, channel="bank").event_id
    assert event_id is not None
    club.decide()

    told = explained(aziza, event_id)

    (decision,) = (one for one in told.decisions if one.rule_id == "app-only")
    assert decision.steps is not None
    (leaf,) = decision.steps.deciding_leaves()
    assert (leaf.field, leaf.want, leaf.got) == ("channel", "app", "bank")
    assert decision.granted == 0
    assert told.granted == 10


def test_what_moved_points_is_told_first_and_then_the_nearest_miss(club: Office) -> None:
    far = {"kind": "all", "of": [PAYMENT | {"field": "channel", "value": "app"}] * 2}
    club.publish("a-far-one", when=far)
    club.publish("b-near-one", when=PAYMENT | {"field": "tariff", "value": "vip"})
    club.publish("c-lost", reward=PER_THOUSAND, excludes=["everyday"], priority=0)
    club.publish("everyday-too", priority=5)
    aziza = club.subscriber()
    event_id = club.pays(aziza, 10_000, channel="bank").event_id
    assert event_id is not None
    club.decide()

    told = [one.rule_id for one in explained(aziza, event_id).decisions]

    assert told == ["c-lost", "everyday-too", "everyday", "b-near-one", "a-far-one"]


def test_an_event_without_any_rule_says_so(club: Office) -> None:
    InForce.objects.all().delete()
    aziza = club.subscriber()
    event_id = club.pays(aziza, 10_000).event_id
    assert event_id is not None

    club.decide()

    told = explained(aziza, event_id)
    assert (told.event.state, told.event.note) == ("decided", "no rule was in force")
    assert told.decisions == []


def test_a_late_payment_is_decided_by_the_rule_and_the_level_of_its_own_day(club: Office) -> None:
    change = club.now - timedelta(days=10)
    gold = {"kind": "compare", "field": "tier", "op": "eq", "value": "gold"}
    for rule_id, points, in_force in (
        ("gift", 7, DateTimeTZRange(None, change)),
        ("gift", 9, DateTimeTZRange(change, None)),
    ):
        reward = {"kind": "fixed", "points": points, "cap_per_event": 100}
        club.publish(rule_id, when=gold, reward=reward, in_force=in_force)
    aziza = club.subscriber()
    Standing.objects.create(
        subscriber_id=aziza.id,
        scheme_id="club",
        tier_id="gold",
        since=club.now - timedelta(days=12),
        until=club.now - timedelta(days=8),
        measured=0,
    )

    for days in (13, 11, 9, 7):
        club.pays(aziza, 500, at=club.now - timedelta(days=days))
    club.decide()

    events = Event.objects.order_by("id").values_list("id", flat=True)
    granted = [
        {one.rule_id: one.granted for one in explained(aziza, event_id).decisions}["gift"]
        for event_id in events
    ]
    assert granted == [0, 7, 9, 0]
    assert club.balance(aziza).spendable_points == 16


def test_points_come_from_the_purse_of_their_campaign_and_expire_at_a_months_end(
    club: Office,
) -> None:
    club.publish("partner", fund=4)
    aziza = club.subscriber()
    club.earns(aziza, 10_000)

    lots = books.lots(subscriber_id=aziza.id, day=NOW.date())

    assert sorted((lot.fund, lot.points, str(lot.expires_on)) for lot in lots) == [
        (0, 10, "2027-11-30"),
        (4, 10, "2027-11-30"),
    ]


# ---- what follows a batch --------------------------------------------------------------------
def jobs(task_name: str) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "select args::text from procrastinate_jobs where task_name = %s order by id",
            [task_name],
        )
        return [json.loads(args) for (args,) in cursor.fetchall()]


def test_a_subscriber_is_told_once_of_what_a_batch_brought(club: Office) -> None:
    aziza, _ = club.subscriber(), club.subscriber()
    club.pays(aziza, 10_000)
    club.pays(aziza, 20_000)
    club.decide()
    (told,) = jobs("accrual.tell")

    tasks.tell(**told)
    tasks.tell(**told)

    message = Message.objects.get()
    assert (message.msisdn, message.text) == (aziza.msisdn, "+30 = 30")
    (asked,) = jobs("tiers.reconsider")
    tiers_tasks.reconsider(**asked)


def test_nobody_is_told_of_old_history(club: Office) -> None:
    aziza = club.subscriber()

    assert club.earns(aziza, 10_000, at=club.now - timedelta(days=3)) == 10

    assert jobs("accrual.tell") == []


def test_a_batch_that_is_rolled_back_leaves_no_job(club: Office) -> None:
    club.pays(club.subscriber(), 10_000)

    with transaction.atomic():
        actions.decide_batch(now=club.now, limit=10)
        before = jobs("tiers.reconsider")
        transaction.set_rollback(True)

    assert (len(before), jobs("tiers.reconsider")) == (1, [])

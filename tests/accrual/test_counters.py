"""Counters behind their numbers: made, written, forgotten and made again, by many at once."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from club.access.models import Staff
from club.accrual import actions, counters
from club.accrual.models import Counter, EventState, Outcome, Used
from club.accrual.rules import counting
from club.accrual.rules.counting import EVERYBODY, Place
from club.savepoints import savepoint
from tests.accrual.conftest import Office
from tests.accrual.test_clawback_races import on_own_connection, wait_until_somebody_waits
from tests.accrual.test_limits import BUDGET, MONTHLY, TEN

AZIZA, BOTIR = 7, 8
MARCH = "2026-03"
AFTER_MARCH = date(2026, 4, 1)


def at(who: int, *, period: str = MARCH, counted: str = "rule:gift") -> Place:
    return Place(period, counted, who)


def stored() -> dict[Place, tuple[int, int]]:
    """Every row; one without its counter would be missing, and is looked for."""
    found = Used.objects.select_related("counter")
    assert len(found) == Used.objects.count()
    return {
        Place(one.counter.period, one.counter.counted, one.subscriber_id): (one.points, one.times)
        for one in found
    }


@transaction.atomic
def count(*places: Place, points: int = 10) -> None:
    """As a batch does that grants this once at each of them."""
    before = counters.used_at(places)
    counters.write(before, {place: more(used, points) for place, used in before.items()})


def more(used: counting.Used, points: int) -> counting.Used:
    return counting.Used(used.points + points, used.times + 1)


# ---- one after the other ---------------------------------------------------------------------
@pytest.mark.django_db
def test_what_is_new_and_what_has_changed_is_written_by_one_batch_and_nothing_else() -> None:
    daily, all_together = at(AZIZA, period="2026-03-08"), at(EVERYBODY, counted="campaign:gifts")
    count(at(AZIZA), daily)

    before = counters.used_at([at(AZIZA), daily, at(BOTIR), all_together])
    after = before | {place: more(before[place], 5) for place in (at(AZIZA), at(BOTIR))}
    counters.write(before, after)

    assert stored() == {
        at(AZIZA): (15, 2), daily: (10, 1), at(BOTIR): (5, 1), all_together: (0, 0),
    }  # fmt: skip
    assert Counter.objects.count() == 3


@pytest.mark.django_db
def test_two_writes_of_one_transaction_stand_and_what_was_rolled_back_between_them_does_not() -> (
    None
):
    with transaction.atomic():
        with suppress(ValueError), savepoint():
            count(at(AZIZA), at(EVERYBODY))
            raise ValueError("an event that cannot be decided")
        count(at(AZIZA), at(EVERYBODY))
        count(at(AZIZA), at(BOTIR), at(EVERYBODY), points=1)

    assert stored() == {at(AZIZA): (11, 2), at(BOTIR): (1, 1), at(EVERYBODY): (11, 2)}


@pytest.mark.django_db
def test_who_only_asks_makes_no_counter() -> None:
    count(at(AZIZA))

    told = counters.seen_at([at(AZIZA), at(BOTIR), at(AZIZA, counted="rule:other")])

    assert [*told.values()] == [(10, 1), (0, 0), (0, 0)]
    assert Counter.objects.count() == 1


@pytest.mark.django_db
def test_a_new_row_that_is_there_already_is_a_fault_and_never_overwritten() -> None:
    before = counters.used_at([at(AZIZA)])
    count(at(AZIZA))

    with pytest.raises(IntegrityError), savepoint():
        counters.write(before, {at(AZIZA): counting.Used(1, 1)})

    assert stored() == {at(AZIZA): (10, 1)}


def test_a_counter_that_was_forgotten_begins_anew_when_its_event_is_decided_after_all(
    club: Office,
) -> None:
    club.publish("limited", reward=TEN, limits=[MONTHLY, BUDGET | {"period": "month"}])
    aziza, paid_at = club.subscriber(), club.now - timedelta(days=1)
    club.pays(aziza, 500, at=paid_at)
    club.decide()
    (first,) = {one.counter_id for one in Used.objects.filter(subscriber_id=aziza.pk)}

    club.later(days=200)
    assert actions.forget_counters(now=club.now) == 2
    assert not Counter.objects.exists()
    club.pays(aziza, 500, at=paid_at)
    club.decide()
    assert not Used.objects.exists(), "it is too late, and in review"
    (late,) = Outcome.objects.filter(state=EventState.REVIEW)
    nodira = Staff.objects.create(username="nodira")
    assert actions.retry(event_id=late.event_id, by=nodira, now=club.now, why="the bank was late")
    club.decide()

    again = Used.objects.get(subscriber_id=aziza.pk)
    assert (again.points, again.counter.period) == (10, f"{paid_at:%Y-%m}")
    assert again.counter_id > first


# ---- at once ---------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_two_batches_that_make_the_same_counters_at_once_make_them_once() -> None:
    kinds = [f"rule:{number}" for number in range(20)]

    def works(who: int) -> None:
        on_own_connection(lambda: count(*(at(who, counted=one) for one in kinds)))

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            count(*(at(AZIZA, counted=one) for one in reversed(kinds)))
            second = pool.submit(works, BOTIR)
            wait_until_somebody_waits()
        second.result(timeout=20)

    assert Counter.objects.count() == 20
    assert stored() == {at(who, counted=one): (10, 1) for who in (AZIZA, BOTIR) for one in kinds}


@pytest.mark.django_db(transaction=True)
def test_who_waited_for_a_counter_that_was_never_made_makes_it() -> None:
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            count(at(AZIZA))
            second = pool.submit(on_own_connection, lambda: count(at(BOTIR)))
            wait_until_somebody_waits()
            transaction.set_rollback(True)
        second.result(timeout=20)

    assert stored() == {at(BOTIR): (10, 1)}


@pytest.mark.django_db(transaction=True)
def test_a_counter_that_a_batch_is_at_is_not_forgotten() -> None:
    count(at(AZIZA), at(BOTIR, counted="rule:other"))

    def forgets() -> int:
        try:
            return counters.forget(before=AFTER_MARCH, limit=10)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        before = counters.used_at([at(BOTIR), at(EVERYBODY)])
        assert pool.submit(forgets).result(timeout=20) == 1, "the other one's"
        counters.write(before, {at(BOTIR): counting.Used(1, 1)})
    assert stored() == {at(AZIZA): (10, 1), at(BOTIR): (1, 1), at(EVERYBODY): (0, 0)}

    assert counters.forget(before=AFTER_MARCH, limit=10) == 3
    assert not Counter.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_batch_that_waits_for_a_counter_to_be_forgotten_makes_it_anew() -> None:
    count(at(AZIZA), at(BOTIR))

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            assert counters.forget(before=AFTER_MARCH, limit=10) == 2
            batch = pool.submit(on_own_connection, lambda: count(at(BOTIR), points=1))
            wait_until_somebody_waits()
        batch.result(timeout=20)

    assert stored() == {at(BOTIR): (1, 1)}


# ---- an installation that counted by names ---------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_what_was_counted_by_names_is_there_by_numbers_and_goes_back() -> None:
    by_name, by_number = ("accrual", "0009_hours_of_rules"), ("accrual", "0010_counters_by_number")
    counted = [
        (MARCH, "campaign:gifts", EVERYBODY, 30, 3),
        (MARCH, "rule:gift", AZIZA, 10, 1),
        (MARCH, "rule:gift", BOTIR, 20, 2),
        ("ever", "rule:gift", AZIZA, 40, 4),
    ]
    columns = "period", "counted", "subscriber_id", "points", "times"

    at_names = MigrationExecutor(connection).migrate([by_name])
    model = at_names.apps.get_model("accrual", "Used")
    model.objects.bulk_create(model(**dict(zip(columns, row, strict=True))) for row in counted)
    MigrationExecutor(connection).migrate([by_number])
    assert stored() == {Place(*row[:3]): row[3:] for row in counted}
    assert Counter.objects.count() == 3
    count(at(AZIZA), at(AZIZA, period="2026-04"))

    MigrationExecutor(connection).migrate([by_name])
    assert sorted(model.objects.values_list(*columns)) == [
        counted[0], (MARCH, "rule:gift", AZIZA, 20, 2), counted[2],
        ("2026-04", "rule:gift", AZIZA, 10, 1), counted[3],
    ]  # fmt: skip

"""The export holds every decided event once, whenever it came, and nobody who was erased."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from django.conf import settings

from club.accrual import erasure, inbox
from club.accrual.models import ExportFile, Outcome
from club.accrual.rules.event_types import cancellation_of
from club.accrual.rules.facts import FIELDS
from club.accrual.simulation import export
from tests.accrual.conftest import Office
from tests.accrual.test_event_stories import event
from tests.builders import NOW

YEAR = {"first": date(2026, 1, 1), "last": date(2026, 12, 31)}


def exported(columns: str = "event_id") -> list[Any]:
    source = export.source(export.files(**YEAR))
    return duckdb.sql(f"select {columns} from ({source}) order by event_id").fetchall()


def ids(club: Office) -> list[tuple[int]]:
    return [*Outcome.objects.filter(state="decided").order_by("event_id").values_list("event_id")]


def test_every_event_is_exported_once_with_the_facts_the_rules_saw(club: Office) -> None:
    who = club.subscriber(region="", tariff='the "best", or not')
    club.pays(who, 5_000, at=NOW - timedelta(hours=1))
    club.decide()

    first = export.bring_up_to_date(now=club.later(minutes=1))
    again = export.bring_up_to_date(now=club.later(minutes=1))

    assert (first, again) == (1, 0)
    (row,) = exported(", ".join(FIELDS))
    known = dict(zip(FIELDS, row, strict=True))
    assert known == {field: Outcome.objects.get().facts.get(field) for field in FIELDS}
    assert known["region"] is None
    assert known["tariff"] == 'the "best", or not'


def test_an_event_of_another_type_is_exported_with_its_own_facts_and_its_cancellation(
    club: Office,
) -> None:
    """A payment of the same number stays: each type is cancelled by a kind of its own."""
    who = club.subscriber()
    club.pays(who, 1_000, external_id="one")
    charge = event(who, "charge", "one", source="espp", amount_tiyin=500, details={"service": "tv"})
    inbox.receive([charge], now=club.now)
    club.decide()
    export.bring_up_to_date(now=club.later(minutes=1))
    undone = event(who, cancellation_of("charge"), "one", source="espp", occurred_at=club.now)
    inbox.receive([undone], now=club.now)
    club.decide()
    export.bring_up_to_date(now=club.later(minutes=1))

    payment, charged, cancelled = exported("event_id, event_type, service, amount, cancels")
    assert payment[1:] == ("payment", None, 100_000, None)
    assert charged[1:] == ("charge", "tv", 500, None)
    assert cancelled[1:] == (None, None, None, charged[0])


def test_on_which_lists_somebody_was_is_exported_and_nothing_where_nobody_asked(
    club: Office,
) -> None:
    who = club.subscriber()
    for segments in ({}, {"segments": []}, {"segments": ["new", "vip-2"]}):
        club.pays(who, 1_000)
        club.decide()
        latest = Outcome.objects.order_by("-event_id").first()
        assert latest is not None
        assert latest.facts is not None
        Outcome.objects.filter(pk=latest.pk).update(facts=latest.facts | segments)

    export.bring_up_to_date(now=club.later(minutes=1))

    assert exported("segments") == [(None,), ([],), (["new", "vip-2"],)]


def test_a_late_event_reaches_its_old_month_and_leaves_the_other_files_alone(club: Office) -> None:
    who = club.subscriber()
    club.pays(who, 1_000, at=NOW - timedelta(days=50))
    club.pays(who, 1_000)
    club.decide()
    export.bring_up_to_date(now=club.later(minutes=1))
    before = {path: path.stat().st_mtime_ns for path in settings.EXPORT.glob("*.parquet")}
    club.pays(who, 2_000, at=NOW - timedelta(days=49))
    club.decide()

    export.bring_up_to_date(now=club.later(days=1))

    assert exported() == ids(club)
    assert [f"{file.month:%m}" for file in ExportFile.objects.order_by("until", "month")] == [
        "09", "11", "09",
    ]  # fmt: skip
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_what_commits_after_the_run_that_should_have_seen_it_comes_with_the_next(
    club: Office,
) -> None:
    club.pays(club.subscriber(), 1_000)
    club.decide()
    export.bring_up_to_date(now=club.later(minutes=30))
    club.pays(club.subscriber(), 1_000)
    club.decide()
    Outcome.objects.filter(event_id=ids(club)[-1][0]).update(
        decided_at=NOW + timedelta(minutes=1)
    )  # as if its batch had begun then

    assert export.bring_up_to_date(now=club.later(minutes=30)) == 1
    assert exported() == ids(club)


def test_a_torn_file_and_one_that_nobody_named_are_not_read(club: Office) -> None:
    club.pays(club.subscriber(), 1_000)
    club.decide()
    export.bring_up_to_date(now=club.later(minutes=1))
    for name in ("2026-11.torn.parquet", "2026-11.torn.parquet.half"):
        (settings.EXPORT / name).write_bytes(b"PAR1")

    assert exported() == ids(club)
    export.tidy(now=club.now)
    assert len([*settings.EXPORT.glob("*torn*")]) == 2, "they may be young"


def test_a_run_that_fails_leaves_no_trace_and_the_next_one_makes_up_for_it(
    club: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    club.pays(club.subscriber(), 1_000)
    club.decide()
    club.later(minutes=1)
    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", lambda file: (_ for _ in ()).throw(OSError("disk full")))
        with pytest.raises(OSError, match="disk full"):
            export.bring_up_to_date(now=club.now)
    assert export.state().files == 0

    assert export.bring_up_to_date(now=club.now) == 1


def test_many_files_of_a_month_become_one(
    club: Office, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(export, "FILES_A_MONTH_MAX", 2)
    for _ in range(3):
        club.pays(club.subscriber(), 1_000)
        club.decide()
        export.bring_up_to_date(now=club.later(minutes=1))
    assert ExportFile.objects.count() == 3

    export.tidy(now=club.now)

    assert ExportFile.objects.count() == 1
    assert exported() == ids(club)
    club.pays(club.subscriber(), 1_000)
    club.decide()
    assert export.bring_up_to_date(now=club.later(minutes=1)) == 1, "what is known stays known"


def test_whoever_was_erased_leaves_the_files_at_the_next_tidying(club: Office) -> None:
    gone, stays = club.subscriber(), club.subscriber()
    for who in (gone, stays):
        club.pays(who, 1_000)
    club.decide()
    export.bring_up_to_date(now=club.later(minutes=1))

    erasure.erase_subscriber(subscriber_id=gone.id, now=club.now)
    export.tidy(now=club.now)
    export.bring_up_to_date(now=club.later(minutes=1))

    assert exported("subscriber_id, event_id")[0][0] == stays.id
    assert len(exported()) == 1
    club.later(days=400)
    export.tidy(now=club.now)
    names = {*ExportFile.objects.values_list("name", flat=True)}
    assert {path.name for path in settings.EXPORT.glob("*.parquet")} == names

"""Asking for a simulation, running it, and stopping it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone

from club.access import actions as audit
from club.access import proposals
from club.access.errors import MayNotPropose
from club.access.models import Staff
from club.accrual import campaign_files, campaigns
from club.accrual.campaign_files import CampaignFile
from club.accrual.errors import BadSpan, NoEvents, SimulationCancelled, SimulationOver
from club.accrual.models import Simulation
from club.accrual.queries import versions_between
from club.accrual.simulation import duck, engine, export, queries, running, spark
from club.accrual.simulation.chunks import Events
from club.accrual.simulation.wants import Span
from club.clock import day_of
from club.errors import ClubError
from club.programme import queries as programme

log = logging.getLogger(__name__)
PERMISSION = "accrual.propose_campaign"
DAYS_MAX = 731
PROGRESS_EVERY_S = 0.5
State = Simulation.State
Told = Callable[[int], None]
Clock = Callable[[], datetime]


@transaction.atomic
def ask(*, text: str, span: Span, by: Staff, now: datetime) -> Simulation:
    """Note that a campaign's file is to be simulated over past days; `run` does it.

    Raises MayNotPropose, BadCampaign, whatever would stop the campaign from being put in force today,
    BadSpan, NoEvents.
    """
    if not by.has_perm(PERMISSION):
        raise MayNotPropose("you may not simulate this", permission=PERMISSION)
    document = campaign_files.read(text).document()
    campaigns.try_out(document, now)
    if not span.first <= span.last <= day_of(now) or span.days > DAYS_MAX:
        raise BadSpan(
            f"choose days that are over, the first before the last, at most {DAYS_MAX} of them",
            days_max=DAYS_MAX,
        )
    if not queries.has_events(span):
        raise _no_events(span)
    simulation = Simulation.objects.create(
        digest=proposals.digest(document),
        code=str(document["code"]),
        document=document,
        first_day=span.first,
        last_day=span.last,
        engine=engine.current(),
        asked_by=by,
        asked_at=now,
    )
    _audited("simulation.asked", simulation, by=by, now=now)
    return simulation


@transaction.atomic
def cancel(*, simulation_id: int, by: Staff, now: datetime) -> Simulation:
    """Stop it; whoever runs it notices within a second or at the end of a chunk.

    Raises MayNotPropose, NoSuchSimulation, SimulationOver.
    """
    if not by.has_perm(PERMISSION):
        raise MayNotPropose("you may not cancel this", permission=PERMISSION)
    simulation = queries.simulation(simulation_id=simulation_id)
    if not _end(simulation, State.CANCELLED, now=now):
        raise SimulationOver(f"it is {simulation.state} already", state=simulation.state)
    _audited("simulation.cancelled", simulation, by=by, now=now)
    return queries.simulation(simulation_id=simulation_id)


def run(
    *,
    simulation_id: int,
    clock: Clock = timezone.now,
    told: Told | None = None,
    spark_master: str | None = None,
) -> Simulation:
    """Simulate, outside any transaction, so that everybody sees how far it is. One that has ended is
    simply answered; one whose worker was killed begins anew.

    `told` hears the percentage. What goes wrong stands in the row, too. `spark_master` is the address of
    a cluster to read the events on.
    """
    taken = Simulation.objects.filter(pk=simulation_id, state__in=(State.WAITING, State.RUNNING))
    if taken.update(state=State.RUNNING, progress_percent=0, engine=engine.current()):
        simulation = queries.simulation(simulation_id=simulation_id)
        progress = _Progress(simulation_id, told)
        try:
            results = _simulated(simulation, progress, clock(), spark_master)
            _end(simulation, State.DONE, now=clock(), results=results, progress_percent=100)
            progress.show(100)
        except SimulationCancelled:
            log.info("simulation %s was cancelled", simulation_id)
        except ClubError as error:
            fail(simulation_id=simulation_id, note=error.message or error.code, now=clock())
        except Exception as error:
            fail(
                simulation_id=simulation_id,
                note=f"{type(error).__name__}: see the log",
                now=clock(),
            )
            raise
        except KeyboardInterrupt:
            _end(simulation, State.CANCELLED, now=clock())
            raise
    return queries.simulation(simulation_id=simulation_id)


def fail(*, simulation_id: int, note: str, now: datetime) -> None:
    """It will not be done; whoever asked reads why. Nothing where it has ended."""
    simulation = queries.simulation(simulation_id=simulation_id)
    _end(simulation, State.FAILED, now=now, note=note[:300])


def _simulated(
    simulation: Simulation, progress: _Progress, now: datetime, spark_master: str | None
) -> dict[str, Any]:
    span = Span(simulation.first_day, simulation.last_day)
    export.bring_up_to_date(now=now, told=lambda until: progress.show(0))
    file = campaign_files.read(campaign_files.as_text(simulation.document))
    worlds = running.worlds_of(file, versions_between(span.begins, span.ends))
    paths = export.files(first=span.first, last=span.last)
    opened = partial(spark.opened, master=spark_master) if spark_master else duck.opened
    with opened(paths, span) as events:
        if not events.count:
            raise _no_events(span)
        results = running.simulate(
            events,
            worlds,
            code=file.code,
            point_worth_tiyin=programme.current().point_worth_tiyin,
            told=lambda part: progress.show(int(part * 99)),
        )
        return results | {"warnings": _warnings(file, events, results)}


def _warnings(file: CampaignFile, events: Events, results: dict[str, Any]) -> list[dict[str, str]]:
    """What makes the figures say less than they seem to."""
    rules = [named.rule for named in file.rules.values()]
    facts = set[str]().union(*(facts_asked(rule.model_dump()) for rule in rules))
    types = set[str]().union(*(rule.trigger for rule in rules))
    lists = set[str]().union(*(rule.segments() for rule in rules))
    found = {
        "event_type_unknown": types - events.values("event_type"),
        "segment_unknown": lists and lists - events.values("segments"),
        "fact_unknown": {fact for fact in facts if not events.known_facts[fact]},
        "rule_brought_nothing": {line["rule"] for line in results["by_rule"] if not line["points"]},
    }
    return [
        {"code": code, "value": value} for code, some in found.items() for value in sorted(some)
    ]


def facts_asked(node: object) -> set[str]:
    """Every fact that a rule compares or counts, of its JSON."""
    if isinstance(node, dict):
        own = {node["field"]} if "field" in node else set()
        if node.get("kind") == "milestone":
            own.add("amount")
        return own.union(*map(facts_asked, node.values()))
    if isinstance(node, list | tuple):
        return set().union(*map(facts_asked, node))
    return set()


class _Progress:
    """Writes how far it is, and notices that somebody has cancelled it."""

    def __init__(self, simulation_id: int, told: Told | None) -> None:
        self.running = Simulation.objects.filter(pk=simulation_id, state=State.RUNNING)
        self.told = told
        self.written_at = 0.0

    def show(self, percent: int) -> None:
        """Raises SimulationCancelled."""
        if self.told:
            self.told(percent)
        if percent < 100 and time.monotonic() - self.written_at > PROGRESS_EVERY_S:
            self.written_at = time.monotonic()
            if not self.running.update(progress_percent=percent):
                raise SimulationCancelled("it was cancelled")


def _end(simulation: Simulation, state: State, *, now: datetime, **values: object) -> bool:
    """False when it has ended before: the first end counts."""
    open_ones = Simulation.objects.filter(
        pk=simulation.pk, state__in=(State.WAITING, State.RUNNING)
    )
    return bool(open_ones.update(state=state, finished_at=now, **values))


def _no_events(span: Span) -> NoEvents:
    return NoEvents(
        f"nothing happened from {span.first} to {span.last}: choose days with events",
        first_day=span.first.isoformat(),
        last_day=span.last.isoformat(),
    )


def _audited(action: str, simulation: Simulation, *, by: Staff, now: datetime) -> None:
    audit.record(
        action,
        by=by,
        subject_kind="accrual.campaign",
        subject_id=simulation.code,
        now=now,
        details={"simulation": simulation.pk, "digest": simulation.digest},
    )

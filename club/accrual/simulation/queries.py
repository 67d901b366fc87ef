"""Reads of simulations. Points are whole numbers."""

from django.db.models import QuerySet

from club.accrual.errors import NoSuchSimulation
from club.accrual.models import EventState, Export, Outcome, Simulation
from club.accrual.simulation import engine, export
from club.accrual.simulation.wants import Span, microseconds


def simulation(*, simulation_id: int) -> Simulation:
    """Raises NoSuchSimulation."""
    found = Simulation.objects.select_related("asked_by").filter(pk=simulation_id).first()
    if found is None:
        raise NoSuchSimulation(f"there is no simulation {simulation_id}")
    return found


def latest(*, limit: int, code: str | None = None) -> QuerySet[Simulation]:
    """The youngest first, without their results."""
    found = Simulation.objects.select_related("asked_by").defer("results", "document")
    return (found.filter(code=code) if code else found).order_by("-asked_at", "-pk")[:limit]


def of_document(*, digest: str) -> Simulation | None:
    """The youngest one of exactly this document that has ended well, without its results."""
    done = Simulation.objects.defer("results", "document")
    return done.filter(digest=digest, state=Simulation.State.DONE).order_by("-pk").first()


def last_draft(*, code: str) -> Simulation | None:
    """The youngest simulation of a campaign's code, whatever became of it."""
    return (
        Simulation.objects.defer("results").filter(code=code).order_by("-asked_at", "-pk").first()
    )


def is_simulated(digest: str) -> bool:
    """Whether exactly this document was simulated, by what decides today."""
    return Simulation.objects.filter(
        digest=digest, state=Simulation.State.DONE, engine=engine.current()
    ).exists()


def has_events(span: Span) -> bool:
    """Whether anything happened on these days, exported or not yet."""
    first_us, last_us = microseconds(span.begins), microseconds(span.ends) - 1
    if paths := export.files(first=span.first, last=span.last):
        with export.connected() as duck:
            found = duck.execute(
                "select 1 from read_parquet($files) where cancels is null"
                " and occurred_us between $first and $last limit 1",
                {"files": [str(path) for path in paths], "first": first_us, "last": last_us},
            ).fetchone()
        if found:
            return True
    mark = Export.objects.first()
    young = Outcome.objects.filter(
        state=EventState.DECIDED,
        facts__isnull=False,
        event__occurred_at__gte=span.begins,
        event__occurred_at__lt=span.ends,
    )
    if mark and mark.until:
        young = young.filter(decided_at__gte=mark.until - export.OVERLAP)
    return young.exists()

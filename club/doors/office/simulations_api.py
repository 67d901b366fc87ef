"""Simulations as data: asked for, looked at while they run, cancelled."""

import json
from datetime import date, datetime
from typing import Any

from django.http import Http404
from django.utils import timezone
from ninja import Router, Schema, Status

from club.accrual.errors import NoSuchSimulation
from club.accrual.models import Simulation
from club.accrual.simulation import actions, queries, tasks
from club.accrual.simulation.wants import Span
from club.doors.app.schemas import In
from club.doors.office.auth import StaffRequest, StaffWith

router = Router(auth=StaffWith(actions.PERMISSION))


class AskedIn(In):
    """`campaign` is the file itself; the days are those of Tashkent, both included."""

    campaign: dict[str, Any]
    first_day: date
    last_day: date


class SimulationOut(Schema):
    """`digest` is what a proposal of the same file is named by. `results` are there when it is done."""

    id: int
    code: str
    digest: str
    first_day: date
    last_day: date
    state: str
    progress_percent: int
    note: str
    asked_at: datetime
    finished_at: datetime | None
    results: dict[str, Any] | None


@router.post("/simulations", response={202: SimulationOut})
def ask_for_simulation(request: StaffRequest, body: AskedIn) -> Status[Simulation]:
    """A worker runs it; look at its address how far it is."""
    span = Span(body.first_day, body.last_day)
    return Status(202, tasks.start(text=json.dumps(body.campaign), span=span, by=request.auth))


@router.get("/simulations/{int:simulation_id}", response=SimulationOut)
def get_simulation(request: StaffRequest, simulation_id: int) -> Simulation:
    return _found(simulation_id)


@router.post("/simulations/{int:simulation_id}/cancel", response=SimulationOut)
def cancel_simulation(request: StaffRequest, simulation_id: int) -> Simulation:
    _found(simulation_id)
    return actions.cancel(simulation_id=simulation_id, by=request.auth, now=timezone.now())


def _found(simulation_id: int) -> Simulation:
    try:
        return queries.simulation(simulation_id=simulation_id)
    except NoSuchSimulation as missing:
        raise Http404 from missing

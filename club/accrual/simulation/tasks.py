"""Jobs of simulations. Each may run twice."""

import signal
import subprocess
import sys
import time
from functools import partial

from django.db import transaction
from django.utils import timezone
from procrastinate.contrib.django import app

from club.access.models import Staff
from club.accrual.models import Simulation
from club.accrual.simulation import actions, export, queries
from club.accrual.simulation.wants import Span
from club.processes import end_with_the_parent

LOOK_EVERY_S = 0.5


@transaction.atomic
def start(*, text: str, span: Span, by: Staff) -> Simulation:
    """Ask for a simulation, and leave it to a worker. Raises as `actions.ask` does."""
    simulation = actions.ask(text=text, span=span, by=by, now=timezone.now())
    simulate.defer(simulation_id=simulation.pk)
    return simulation


@app.task(name="accrual.simulate", lock="accrual.simulate")
def simulate(simulation_id: int) -> None:
    """In a process of its own: it is heavy, and payments go on being decided beside it."""
    child = subprocess.Popen(
        [sys.executable, "-m", "club", "campaign", "work-simulation", str(simulation_id)],
        preexec_fn=partial(end_with_the_parent, signal.SIGTERM)
        if sys.platform == "linux"
        else None,
    )
    while child.poll() is None:
        time.sleep(LOOK_EVERY_S)
        state = queries.simulation(simulation_id=simulation_id).state
        if state == Simulation.State.CANCELLED:
            child.terminate()
            child.wait()
            return
    actions.fail(  # nothing, if it has ended as it should
        simulation_id=simulation_id,
        note=f"its process ended early (status {child.returncode})",
        now=timezone.now(),
    )


@app.periodic(cron="35 * * * *")
@app.task(name="accrual.export", queueing_lock="accrual.export")
def bring_up_to_date(timestamp: int) -> None:
    export.bring_up_to_date(now=timezone.now())


@app.periodic(cron="50 21 * * *")
@app.task(name="accrual.tidy_export", queueing_lock="accrual.tidy_export")
def tidy_export(timestamp: int) -> None:
    """At 02:50 in Tashkent."""
    export.tidy(now=timezone.now())

"""`club campaign simulate …` and `club export …`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, TextIO

import click

from club.access.cli_options import by_option
from club.access.models import Staff
from club.accrual.errors import SimulationCancelled
from club.accrual.models import Simulation
from club.accrual.simulation import actions, export, memory
from club.accrual.simulation.wants import Span
from club.errors import ClubError

Day = click.DateTime(formats=["%Y-%m-%d"])
LINES_SHOWN = 10


class SimulationFailed(ClubError):
    code = "simulation_failed"


def clock() -> datetime:
    return datetime.now(UTC)


# ---- simulations -----------------------------------------------------------------------------
@click.command()
@click.argument("file", type=click.File(encoding="utf-8"))
@click.option("--from", "first", required=True, type=Day, help="The first day, in Tashkent.")
@click.option("--until", "last", required=True, type=Day, help="The last day.")
@click.option(
    "--spark", "master", metavar="URL", help="On a cluster, for what outgrows one machine."
)
@by_option
def simulate(file: TextIO, first: datetime, last: datetime, master: str | None, by: Staff) -> None:
    """What the campaign in FILE (-: standard input) would have done on past days."""
    span = Span(first.date(), last.date())
    asked = actions.ask(text=file.read(), span=span, by=by, now=clock())
    with click.progressbar(length=100, label=f"simulation {asked.pk}", file=sys.stderr) as bar:
        done = actions.run(
            simulation_id=asked.pk,
            clock=clock,
            told=lambda percent: bar.update(max(percent - bar.pos, 0)),
            spark_master=master,
        )
    if done.state == Simulation.State.CANCELLED:
        raise SimulationCancelled("it was cancelled")
    if done.state != Simulation.State.DONE:
        raise SimulationFailed(done.note)
    for line in told(done):
        click.echo(line)


@click.command(hidden=True)
@click.argument("simulation_id", type=int)
def work_simulation(simulation_id: int) -> None:
    """What the job starts: a process of its own, so that nothing else waits for it."""
    os.nice(10)
    memory.keep_what_is_freed()
    actions.run(simulation_id=simulation_id)


def told(done: Simulation) -> Iterator[str]:
    """The results as tables."""
    assert done.results is not None, "it is done"
    found = done.results
    totals, worth = found["totals"], found["point_worth_tiyin"]
    yield f"{done.code}, {done.first_day} to {done.last_day}: {found['events']:,} events"
    yield ""
    yield f"{'':24}{'as it was':>16}{'draft':>16}"
    for name, key in (
        ("points", "points"),
        ("subscribers reached", "subscribers"),
        ("subscribers held out", "held_out"),
        ("points, all campaigns", "points_of_all_campaigns"),
    ):
        yield f"{name:24}{totals['before'][key]:>16,}{totals['draft'][key]:>16,}"
    costs = [totals[side]["points"] * worth // 100 for side in ("before", "draft")]
    yield f"{'cost, so‘m':24}{costs[0]:>16,}{costs[1]:>16,}"
    for name in ("tier", "region", "tariff", "fund"):
        yield from _by(name, found[f"by_{name}"])
    yield ""
    yield f"{'rule':24}{'occasions':>16}{'times':>16}{'points':>16}"
    for line in found["by_rule"]:
        came = "-" if line["occasions"] is None else f"{line['occasions']:,}"
        yield f"{line['rule']:24}{came:>16}{line['times']:>16,}{line['points']:>16,}"
    yield ""
    for who, more in (("winners", "more"), ("losers", "fewer")):
        one = found[who]
        yield f"{who}: {one['subscribers']:,} subscribers, {one['points']:,} points {more}"
    turned = found["turned"]
    yield (
        f"in the opposite order of events {turned['subscribers']:,} subscribers would have got"
        f" {turned['points']:+,} points in all"
    )
    for budget in found["budgets"]:
        end = budget["used_up_on"]
        used = budget["used_by_day"][-1]
        yield f"budget of {budget['most']:,}: {f'used up on {end}' if end else f'{used:,} used'}"
    for warning in found["warnings"]:
        yield f"warning: {WARNINGS[warning['code']].format(warning['value'])}"
    yield f"digest {done.digest}"


WARNINGS = {
    "event_type_unknown": "none of these days' events is a {}, which a rule waits for",
    "segment_unknown": "no event of these days knows the list {}: it was not asked for then",
    "fact_unknown": "no event of these days knows {}, which a rule asks about",
    "rule_brought_nothing": "the rule {} brought nobody anything",
}


def _by(name: str, lines: Sequence[dict[str, Any]]) -> Iterator[str]:
    yield ""
    for line in lines[:LINES_SHOWN]:
        value = "-" if line["value"] is None else str(line["value"])
        yield f"{name:8}{value:16}{line['before']:>16,}{line['draft']:>16,}"
    if len(lines) > LINES_SHOWN:
        yield f"{name:8}and {len(lines) - LINES_SHOWN} more"


# ---- the export ------------------------------------------------------------------------------
@click.group("export")
def command() -> None:
    """The decided events as Parquet, which simulations read."""


@command.command()
def run() -> None:
    """Export what was decided since the last run, as the job does each hour."""

    def show(until: datetime) -> None:
        click.echo(f"until {until:%Y-%m-%d %H:%M}", err=True)

    found = export.bring_up_to_date(now=clock(), told=show)
    click.echo(f"{found:,} events and cancellations exported")


@command.command()
def tidy() -> None:
    """Make one file of a month's many, and take out whoever was erased."""
    months = export.tidy(now=clock())
    click.echo(f"{months} months written anew")


@command.command()
def show() -> None:
    """Until when events are exported, and in how many files."""
    state = export.state()
    until = f"{state.until:%Y-%m-%d %H:%M}" if state.until else "never run"
    click.echo(f"until {until}: {state.events:,} events and cancellations in {state.files:,} files")

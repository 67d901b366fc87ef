"""`club ledger …`: the proof of the books, and by hand what the jobs do by themselves."""

from datetime import UTC, date, datetime

import click

from club.clock import day_of
from club.ledger import actions, queries
from club.ledger.cli_days import Day, today
from club.ledger.cli_people import COMMANDS
from club.ledger.opening.cli import command as import_command

CHUNK = 2_000
BREACHES_SHOWN_MAX = 100


@click.group("ledger")
def command() -> None:
    """The books of the points."""


for of_another_file in (*COMMANDS, import_command):
    command.add_command(of_another_file)


@command.command()
def prove() -> None:
    """Print the sums if every law of the books holds; else name the rows, and exit with 1."""
    breaches = queries.prove()
    for breach in breaches[:BREACHES_SHOWN_MAX]:
        click.echo(
            f"subscriber {breach.subscriber_id}, {breach.place}: {breach.law};"
            f" expected {breach.expected}, found {breach.found}",
            err=True,
        )
    if breaches:
        raise click.ClickException(f"the books are broken in {len(breaches)} places")
    for name, value in queries.totals().figures().items():
        click.echo(f"{name:<12}{value:>20,}")


@command.command()
@click.option("--day", type=Day(), help="Expire what was good until before this day. [today]")
def expire(day: date | None) -> None:
    """Expire the lots whose last day is over."""
    before = day or today()
    lots = actions.walk(lambda after: actions.expire_due(day=before, limit=CHUNK, after=after))
    click.echo(f"{lots} lots expired")


@command.command("release-holds")
def release_holds() -> None:
    """Release the open holds whose time is up."""
    now, holds = datetime.now(UTC), 0
    while released := actions.release_expired_holds(now=now, day=day_of(now), limit=CHUNK):
        holds += released
    click.echo(f"{holds} holds released")


@command.command("keep-promises")
def keep_promises() -> None:
    """Post the promised points whose moment has come."""
    now, promises = datetime.now(UTC), 0
    while kept := actions.keep_promises(now=now, limit=CHUNK):
        promises += kept
    click.echo(f"{promises} promises kept")


@command.command("make-months")
@click.option("--first", type=Day(), help="The first month, by any of its days. [this month]")
@click.option("--months", type=click.IntRange(1, 240), default=25, show_default=True)
def make_months(first: date | None, months: int) -> None:
    """Make the journal's missing months, for days that the books do not take yet."""
    made = actions.make_months(first=first or today(), months=months)
    click.echo(f"{made} months made")

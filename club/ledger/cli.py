"""`club ledger …`: the proof of the books, and by hand what the jobs do by themselves."""

from datetime import UTC, date, datetime
from typing import BinaryIO

import click

from club.clock import day_of
from club.errors import ClubError
from club.ledger import actions
from club.ledger.cli_days import Day, today
from club.ledger.cli_people import COMMANDS as BETWEEN_PEOPLE
from club.ledger.cli_proof import COMMANDS as OF_THE_PROOF
from club.ledger.cli_reading import COMMANDS as FOR_READING
from club.ledger.opening.cli import command as import_command
from club.ledger.rules import Source

CHUNK = 2_000
BLOCK_BYTES = 1 << 18


@click.group("ledger")
def command() -> None:
    """The books of the points."""


for of_another_file in (*OF_THE_PROOF, *BETWEEN_PEOPLE, *FOR_READING, import_command):
    command.add_command(of_another_file)


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


@command.command("accrue")
@click.argument("file", type=click.File("rb"))
@click.option(
    "--prefix", required=True, help="Stands before each ref: whose file it is, as bank-11."
)
@click.option("--workers", type=click.IntRange(1, 32), default=2, show_default=True)
def accrue(file: BinaryIO, prefix: str, workers: int) -> None:
    """Post a CSV of accruals: ref,subscriber_id,points,occurred_on,expires_on,fund.

    Killed, it is begun again and posts what is missing. Exit status: 0 all lines are in the books,
    2 some refs were used before with other content, 1 not a file for us.
    """
    try:
        posted = actions.post_file(
            blocks=iter(lambda: file.read(BLOCK_BYTES), b""),
            source=Source.IMPORT,
            prefix=f"{prefix}:",
            workers=workers,
            echo=lambda lines: click.echo(f"\r{lines:,} lines", nl=False, err=True),
        )
    except ClubError as error:
        raise click.ClickException(f"{error.code}: {error.message}") from error
    click.echo(
        f"\n{posted.fresh:,} new, {posted.replayed:,} known, {len(posted.conflicts)} conflicting"
    )
    for ref in posted.conflicts:
        click.echo(f"{ref}: in the books with other content", err=True)
    if posted.conflicts:
        raise SystemExit(2)


@command.command("make-months")
@click.option("--first", type=Day(), help="The first month, by any of its days. [this month]")
@click.option("--months", type=click.IntRange(1, 240), default=25, show_default=True)
def make_months(first: date | None, months: int) -> None:
    """Make the journal's missing months, for days that the books do not take yet."""
    made = actions.make_months(first=first or today(), months=months)
    click.echo(f"{made} months made")

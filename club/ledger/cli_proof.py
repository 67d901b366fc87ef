"""`club ledger prove`, `seal`, `detach-month`: what proves the books, and what keeps them provable."""

from datetime import date

import click

from club.ledger import actions, queries
from club.ledger.cli_days import Day, Month, today
from club.ledger.seals import sealing

BREACHES_SHOWN_MAX = 100


@click.command()
@click.option(
    "--since",
    type=Day(),
    help="Only whoever got a posting since, and the seals since. [everything]",
)
def prove(since: date | None) -> None:
    """Print the sums if every law of the books holds; else name the rows, and exit with 1."""
    covered = queries.coverage(since=since)
    breaches = queries.prove(since=since)
    for breach in breaches[:BREACHES_SHOWN_MAX]:
        click.echo(breach.sentence(), err=True)
    if breaches:
        raise click.ClickException(f"the books are broken in {len(breaches)} places")
    if since is None:
        for name, value in queries.totals().figures().items():
            click.echo(f"{name:<12}{value:>20,}")
    else:
        click.echo(f"{covered.subscribers:,} subscribers with a posting since {since}")
    last = queries.last_proof()
    if last.sealed_on is None or last.digest is None:
        click.echo("no day is sealed yet", err=True)
    else:
        first = covered.first_day or "none of them"
        click.echo(f"seals from {first} to {last.sealed_on}, the last digest:", err=True)
        click.echo(last.digest.hex(), err=True)


@click.command()
@click.option("--day", type=Day(), help="This one, or its lost file again. [all that are over]")
def seal(day: date | None) -> None:
    """Seal the days that are over, as the job does each night."""
    if day is not None:
        header = sealing.seal(day=day)
        click.echo(f"{header.day}  {header.postings:,} postings  {header.digest.hex()}")
        return
    done = sealing.seal_closed_days()
    for header in done.headers:
        click.echo(f"{header.day}  {header.postings:,} postings  {header.digest.hex()}")
    if done.unfinished:
        raise click.ClickException(
            f"{done.unfinished} transactions may still post on the next day: try again later"
        )
    click.echo(f"{len(done.headers)} days sealed")


@click.command("detach-month")
@click.argument("month", type=Month())
def detach_month(month: date) -> None:
    """Take the oldest month out of the journal; a table that came back from a dump is taken up."""
    detached = actions.detach_month(month=month, today=today())
    if detached.is_fresh:
        click.echo(f"{detached.postings:,} postings detached; they stand in {detached.table}")
    else:
        click.echo("taken up again" if detached.is_attached else "detached before, nothing new")


COMMANDS = (prove, seal, detach_month)

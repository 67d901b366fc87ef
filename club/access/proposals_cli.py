"""`club proposals …`: what staff ask for, answered from the command line."""

from datetime import UTC, datetime

import click

from club.access import proposals, queries
from club.access.cli_options import by_option
from club.access.models import Staff

NOTHING = "—"


@click.group("proposals")
def command() -> None:
    """Changes that one asks for and another approves."""


@command.command("list")
def list_open() -> None:
    """What waits for an answer."""
    for one in queries.open_proposals():
        click.echo(f"{one.pk}  {one.kind} {one.subject_id}, by {one.asked_by}: {one.why}")


@command.command()
@click.argument("proposal", type=int)
def show(proposal: int) -> None:
    """What it would change, place by place, and the digest that approves it."""
    one = queries.proposal(proposal_id=proposal)
    click.echo(f"{one.kind} {one.subject_id}, {one.state}, asked by {one.asked_by}: {one.why}")
    if one.answered_by and one.answer:
        click.echo(f"{one.state} by {one.answered_by}: {one.answer}")
    for change in queries.changes_of(one):
        click.echo(f"  {change.place}")
        click.echo(f"    - {NOTHING if change.before is None else change.before}")
        click.echo(f"    + {NOTHING if change.after is None else change.after}")
    click.echo(f"digest {one.digest}")


@command.command()
@click.argument("proposal", type=int)
@click.argument("digest")
@by_option
def approve(proposal: int, digest: str, by: Staff) -> None:
    """Carry it out: DIGEST is what `show` printed."""
    proposals.approve(proposal_id=proposal, digest=digest, by=by, now=datetime.now(UTC))
    click.echo("approved, and carried out")


@command.command()
@click.argument("proposal", type=int)
@click.option("--why", required=True, help="What the one who asked reads.")
@by_option
def refuse(proposal: int, why: str, by: Staff) -> None:
    """Leave everything as it is."""
    proposals.refuse(proposal_id=proposal, why=why, by=by, now=datetime.now(UTC))
    click.echo("refused")


@command.command()
@click.argument("proposal", type=int)
@by_option
def withdraw(proposal: int, by: Staff) -> None:
    """Take your own back."""
    proposals.withdraw(proposal_id=proposal, by=by, now=datetime.now(UTC))
    click.echo("withdrawn")

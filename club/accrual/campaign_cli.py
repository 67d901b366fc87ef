"""`club campaign …`: campaigns as files, and changes of them proposed."""

from datetime import UTC, datetime
from typing import TextIO

import click

from club.access.cli_options import by_option
from club.access.models import Proposal, Staff
from club.accrual import campaign_files, campaigns, lifecycle
from club.accrual.simulation import cli as simulation

MOMENTS = ["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z"]
why_option = click.option("--why", required=True, help="What the approver reads as the reason.")


class Moment(click.DateTime):
    """A moment with its offset: 2026-12-01T00:00+05:00."""

    def __init__(self) -> None:
        super().__init__(formats=MOMENTS)


@click.group("campaign")
def command() -> None:
    """Campaigns: what subscribers get points for."""


command.add_command(simulation.simulate)
command.add_command(simulation.work_simulation)


@command.command("list")
def list_() -> None:
    """Every campaign, where it stands, and what is being made of it."""
    for one in lifecycle.standings(datetime.now(UTC)):
        now, following = one.now or "-", f"next: {one.next}" if one.next else ""
        click.echo(f"{one.code:30} {now:10} {one.rules:>3} rules  {following}".rstrip())


@command.command()
@click.argument("code")
@click.option("--at", type=Moment(), help="As it was in force then.  [default: now]")
def export(code: str, at: datetime | None) -> None:
    """Print a campaign as a file."""
    document = campaign_files.exported(code=code, at=at or datetime.now(UTC))
    click.echo(campaign_files.as_text(document), nl=False)


@command.command()
@click.argument("file", type=click.File(encoding="utf-8"))
@why_option
@by_option
def propose(file: TextIO, why: str, by: Staff) -> None:
    """Ask for the campaign in FILE (-: standard input)."""
    told(campaigns.propose(text=file.read(), why=why, by=by, now=datetime.now(UTC)))


@command.command()
@click.argument("code")
@click.option("--to", required=True, type=Moment(), help="When it was as it should be again.")
@why_option
@by_option
def roll_back(code: str, to: datetime, why: str, by: Staff) -> None:
    """Ask for a campaign as it was before."""
    told(campaigns.roll_back(code=code, to=to, why=why, by=by, now=datetime.now(UTC)))


def told(proposal: Proposal) -> None:
    click.echo(f"proposal {proposal.pk} waits for somebody else's approval; look at it with")
    click.echo(f"    club proposals show {proposal.pk}")

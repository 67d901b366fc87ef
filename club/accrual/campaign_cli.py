"""`club campaign …`: campaigns as files, and changes of them proposed."""

from datetime import UTC, datetime
from typing import TextIO

import click
from django.utils import translation

from club.access.cli_options import by_option
from club.access.models import Proposal, Staff
from club.accrual import campaign_files, campaigns
from club.accrual.campaign_words import in_one_line
from club.languages import ENGLISH

MOMENTS = ["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z"]
why_option = click.option("--why", required=True, help="What the approver reads as the reason.")


class Moment(click.DateTime):
    """A moment with its offset: 2026-12-01T00:00+05:00."""

    def __init__(self) -> None:
        super().__init__(formats=MOMENTS)


@click.group("campaign")
@click.pass_context
def command(context: click.Context) -> None:
    """Campaigns: what subscribers get points for."""
    context.with_resource(translation.override(ENGLISH))  # as all commands speak


@command.command()
@click.argument("code")
@click.option("--at", type=Moment(), help="As it was in force then.  [default: now]")
def export(code: str, at: datetime | None) -> None:
    """Print a campaign as a file."""
    document = campaign_files.exported(code=code, at=at or datetime.now(UTC))
    click.echo(campaign_files.as_text(document), nl=False)


@command.command()
@click.argument("file", type=click.File(encoding="utf-8"))
def check(file: TextIO) -> None:
    """Say what is wrong or doubtful about the campaign in FILE (-: standard input); ask for nothing."""
    if not tell_doubts(file.read()):
        click.echo("nothing is wrong with it")


@command.command()
@click.argument("file", type=click.File(encoding="utf-8"))
@why_option
@by_option
def propose(file: TextIO, why: str, by: Staff) -> None:
    """Ask for the campaign in FILE (-: standard input)."""
    text = file.read()
    proposal = campaigns.propose(text=text, why=why, by=by, now=datetime.now(UTC))
    tell_doubts(text)
    told(proposal)


@command.command()
@click.argument("code")
@click.option("--to", required=True, type=Moment(), help="When it was as it should be again.")
@why_option
@by_option
def roll_back(code: str, to: datetime, why: str, by: Staff) -> None:
    """Ask for a campaign as it was before."""
    told(campaigns.roll_back(code=code, to=to, why=why, by=by, now=datetime.now(UTC)))


def tell_doubts(text: str) -> bool:
    """Whether there were any. What is wrong raises."""
    doubts = campaigns.check(text=text, now=datetime.now(UTC))
    for doubt in doubts:
        click.echo(f"doubtful: {in_one_line(doubt)}")
    return bool(doubts)


def told(proposal: Proposal) -> None:
    click.echo(f"proposal {proposal.pk} waits for somebody else's approval; look at it with")
    click.echo(f"    club proposals show {proposal.pk}")

"""`club campaign …`: campaigns as files, and changes of them proposed."""

from datetime import UTC, datetime
from typing import TextIO

import click
from django.utils import translation

from club.access.cli_options import by_option
from club.access.models import Staff
from club.accrual import campaign_files, campaigns, clawback_cli, lifecycle, measuring_cli
from club.accrual.clawback import proposing as clawbacks
from club.accrual.cli_options import Moment, told, why_option
from club.accrual.simulation import cli as simulation
from club.documents.words import in_one_line
from club.languages import ENGLISH


@click.group("campaign")
@click.pass_context
def command(context: click.Context) -> None:
    """Campaigns: what subscribers get points for."""
    context.with_resource(translation.override(ENGLISH))  # as all commands speak


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
@click.option("--claw-back", is_flag=True, help="Also ask for what came since by other versions.")
@why_option
@by_option
def roll_back(code: str, to: datetime, claw_back: bool, why: str, by: Staff) -> None:
    """Ask for a campaign as it was before."""
    now = datetime.now(UTC)
    if claw_back:
        for proposal in clawbacks.roll_back(code=code, to=to, why=why, by=by, now=now):
            told(proposal)
    else:
        told(campaigns.roll_back(code=code, to=to, why=why, by=by, now=now))


def tell_doubts(text: str) -> bool:
    """Whether there were any. What is wrong raises."""
    doubts = campaigns.check(text=text, now=datetime.now(UTC))
    for doubt in doubts:
        click.echo(f"doubtful: {in_one_line(doubt)}")
    return bool(doubts)


for _other in (*clawback_cli.COMMANDS, *measuring_cli.COMMANDS):
    command.add_command(_other)

"""`club segments …`: lists of subscribers for rules."""

from datetime import UTC, datetime
from typing import BinaryIO

import click

from club.access.cli_options import by_option
from club.access.models import Staff
from club.accrual import segments
from club.accrual.errors import NobodyOnList, TooManyBroken
from club.accrual.models import Segment
from club.subscribers.rules import masked

SHOWN = 20
FAULTS = {
    segments.NO_NUMBER: "is no phone number",
    segments.UNKNOWN: "is nobody of the programme",
    segments.TWICE: "repeats an earlier line",
}


@click.group("segments")
def command() -> None:
    """Lists of subscribers that rules may ask for."""


@command.command("import")
@click.argument("code")
@click.argument("file", type=click.File("rb"))
@click.option("--name", help="What staff call it.  [default: as before, or the code]")
@click.option("--why", required=True, help="What an approver reads as the reason.")
@click.option("--report", type=click.File("wb"), help="Write every broken line there, as CSV.")
@click.option("--accept-broken", is_flag=True, help="Leave broken lines out, however many.")
@by_option
def import_(
    code: str,
    file: BinaryIO,
    name: str | None,
    why: str,
    report: BinaryIO | None,
    accept_broken: bool,
    by: Staff,
) -> None:
    """Make the list CODE what FILE says: a phone number a line (-: standard input)."""
    known = Segment.objects.filter(pk=code).first()
    try:
        done = segments.bring_in(
            code=code,
            name=name or (known.name if known else code),
            stream=file,
            why=why,
            by=by,
            now=datetime.now(UTC),
            accept_broken=accept_broken,
            faults_to=report,
        )
    except (TooManyBroken, NobodyOnList) as refused:
        found = refused.values["report"]
        assert isinstance(found, segments.Report)
        _tell(found)
        raise
    _tell(done)
    if not done.is_changed:
        click.echo("the list is exactly so already: nothing was changed")
    elif done.proposal is not None:
        click.echo(
            f"rules in force ask for it: proposal {done.proposal.pk} waits for somebody else's approval"
        )
    else:
        click.echo(f"{code} is in force: {done.joined:,} joined, {done.left:,} left")


@command.command("list")
def list_() -> None:
    """Every list with its size."""
    for one in segments.segments():
        click.echo(f"{one.code}  {one.list.members:>12,}  {one.list.made_at:%Y-%m-%d}  {one.name}")


@command.command()
@click.argument("code")
@click.option("--limit", default=10, show_default=True, type=click.IntRange(0, 1_000))
def show(code: str, limit: int) -> None:
    """One list: its size, which rules ask for it, and some of its numbers, masked."""
    found = segments.segment(code)
    asking = segments.rules_that_ask(code, datetime.now(UTC))
    click.echo(f"{found.name}: {found.list.members:,} members, {found.list.digest}")
    click.echo(f"asked for by {', '.join(asking) or 'no rule'}")
    for nth, number in enumerate(segments.members(code)):
        if nth == limit:
            break
        click.echo(f"    {masked(number)}")


@command.command()
@click.argument("code")
@by_option
def export(code: str, by: Staff) -> None:
    """Print the numbers of a list, one a line. They are personal data: it is audited."""
    for number in segments.exported(code=code, by=by, now=datetime.now(UTC)):
        click.echo(number)


@command.command()
@click.argument("code")
@by_option
def delete(code: str, by: Staff) -> None:
    """Delete a list that no rule asks for."""
    segments.delete(code=code, by=by, now=datetime.now(UTC))
    click.echo(f"{code} is deleted")


def _tell(report: segments.Report) -> None:
    click.echo(f"{report.lines:,} lines, {report.members:,} members, {report.broken:,} broken")
    for line, fault in report.shown[:SHOWN]:
        click.echo(f"    line {line} {FAULTS[fault]}")
    if report.broken > SHOWN:
        click.echo(f"    … and {report.broken - SHOWN:,} more: --report FILE writes all of them")

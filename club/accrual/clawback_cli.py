"""`club campaign claw-back …`: what a faulty version granted is looked at, asked back, given back."""

from datetime import UTC, datetime
from typing import TextIO

import click

from club.access.cli_options import by_option
from club.access.models import Staff
from club.accrual.clawback import preview, proposing, queries
from club.accrual.clawback.selecting import select
from club.accrual.cli_options import Moment, told, why_option
from club.ledger.rules import ClawbackPolicy
from club.programme import queries as programme

LISTED = 20


@click.command("claw-back")
@click.argument("code")
@click.option("--since", required=True, type=Moment(), help="Granted from this moment on.")
@click.option("--until", type=Moment(), help="Granted before this moment.  [default: now]")
@click.option("--rule", help="Of this rule only.")
@click.option("--version", "versions", multiple=True, help="Of versions whose hash begins so.")
@click.option("--policy", type=click.Choice([one.value for one in ClawbackPolicy]))
@click.option("--csv", "file", type=click.File("w", encoding="utf-8"), help="Every decision.")
@click.option("--propose", "is_asked", is_flag=True, help="Ask for it; without, look only.")
@click.option("--why", help="With --propose: what the approver reads as the reason.")
@click.option("--by", "name", help="With --propose: who asks.")
def claw_back(
    code: str,
    since: datetime,
    until: datetime | None,
    rule: str | None,
    versions: tuple[str, ...],
    policy: str | None,
    file: TextIO | None,
    is_asked: bool,
    why: str | None,
    name: str | None,
) -> None:
    """What would be taken back of what a campaign granted; with --propose, ask for it."""
    now = datetime.now(UTC)
    selection = select(
        campaign=code, rule_id=rule, versions=versions, since=since, until=until or now
    )
    chosen = ClawbackPolicy(policy or programme.current().clawback_policy)
    for line in sentences(preview.preview(selection, policy=chosen, now=now)):
        click.echo(line)
    if file is not None:
        file.writelines(preview.as_csv(selection, now=now))
    if is_asked:
        if not why or not name:
            raise click.UsageError("--propose needs --why and --by")
        by = Staff.objects.filter(username=name, is_active=True).first()
        if by is None:
            raise click.UsageError(f"nobody of the staff is called {name}")
        told(proposing.propose(selection=selection, policy=chosen, why=why, by=by, now=now))


def sentences(found: preview.Preview) -> list[str]:
    """A preview as the command prints it."""
    return [
        f"{found.points:,} points of {found.subscribers:,} subscribers,"
        f" granted by {found.decisions:,} decisions",
        f"{found.promised_points:,} of them are promised and not spendable yet",
        f"{found.spent_points:,} are spent; by the policy {found.policy.value}"
        f" {found.owing_subscribers:,} subscribers would owe {found.owed_points:,}",
        *(f"fund {fund}: {points:,}" for fund, points in found.points_by_fund.items()),
        *(
            f"subscriber {one.subscriber_id}: {one.points:,}, would owe {one.owed_points:,}"
            for one in found.most
        ),
    ]


@click.command("clawbacks")
@click.argument("code", required=False)
def list_clawbacks(code: str | None) -> None:
    """The latest clawbacks, and how far they are."""
    for one in queries.clawbacks(campaign=code, limit=LISTED):
        click.echo(one.sentence())


@click.command("stop-clawback")
@click.argument("clawback", type=int)
@click.option("--why", required=True, help="For the audit.")
@by_option
def stop(clawback: int, why: str, by: Staff) -> None:
    """End a clawback after the slice at work. What it has taken stays taken."""
    proposing.stop(clawback_id=clawback, why=why, by=by, now=datetime.now(UTC))
    click.echo(queries.clawback(clawback_id=clawback).sentence())


@click.command("restore")
@click.argument("clawback", type=int)
@why_option
@by_option
def restore(clawback: int, why: str, by: Staff) -> None:
    """Ask for giving back exactly what a clawback has taken."""
    told(proposing.propose_restoring(clawback_id=clawback, why=why, by=by, now=datetime.now(UTC)))


COMMANDS = (claw_back, list_clawbacks, stop, restore)

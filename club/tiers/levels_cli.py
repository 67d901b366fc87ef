"""`club levels …`: who stands where, what comes next, and changes of levels proposed."""

from datetime import UTC, datetime
from typing import TextIO

import click
from django.utils import translation

from club.access import queries as proposals
from club.access.cli_options import by_option
from club.access.models import Proposal, Staff
from club.clock import day_of
from club.languages import ENGLISH, in_language
from club.subscribers import queries as subscribers
from club.subscribers import rules as numbers
from club.subscribers.models import Subscriber
from club.tiers import actions, giving, queries, scheme_files, schemes
from club.tiers.errors import NobodyThere
from club.tiers.queries import Progress

why_option = click.option("--why", required=True, help="What the approver reads as the reason.")


@click.group("levels")
@click.pass_context
def command(context: click.Context) -> None:
    """Levels: schemes, who stands where, and what comes next."""
    context.with_resource(translation.override(ENGLISH))  # as all commands speak


@command.command()
def recompute() -> None:
    """Move whoever stands elsewhere than the books say; what the job of each night does."""
    moved = actions.recompute(now=datetime.now(UTC))
    click.echo(f"{moved.risen:,} rose, {moved.fallen:,} fell")


@command.command()
def forecast() -> None:
    """How many stand on each level, and will after the next review at their pace of 90 days."""
    for one in queries.forecasts(now=datetime.now(UTC)):
        click.echo(f"{one.scheme.code}, next review {one.review_on}")
        click.echo(f"  {'level':20} {'now':>11} {'rising':>11} {'falling':>11} {'then':>11}")
        for row in one.tiers:
            click.echo(
                f"  {row.tier.code:20} {row.standing:>11,} {row.rising:>11,} {row.falling:>11,}"
                f" {row.standing_then:>11,}"
            )


@command.command()
@click.argument("msisdn")
def show(msisdn: str) -> None:
    """One subscriber in every scheme."""
    for one in queries.progress(subscriber_id=_somebody(msisdn).id, now=datetime.now(UTC)):
        click.echo(_line(one))


@command.command("set")
@click.argument("msisdn")
@click.argument("level")
@click.option("--until", required=True, type=click.DateTime(["%Y-%m-%d"]), help="Its last day.")
@why_option
@by_option
def set_level(msisdn: str, level: str, until: datetime, why: str, by: Staff) -> None:
    """Ask that a subscriber stand at least on LEVEL until a day."""
    proposal = giving.propose(
        subscriber_id=_somebody(msisdn).id,
        level=level,
        ends_on=until.date(),
        why=why,
        by=by,
        now=datetime.now(UTC),
    )
    _told(proposal)


@command.command()
@click.argument("scheme")
def export(scheme: str) -> None:
    """Print a scheme as a file."""
    click.echo(scheme_files.as_text(scheme_files.exported(code=scheme)), nl=False)


@command.command()
@click.argument("file", type=click.File(encoding="utf-8"))
@why_option
@by_option
def propose(file: TextIO, why: str, by: Staff) -> None:
    """Ask for the scheme in FILE (-: standard input)."""
    now, text = datetime.now(UTC), file.read()
    proposal = schemes.propose(text=text, why=why, by=by, now=now)
    _tell_preview(proposal, now=now)
    _told(proposal)


@command.command()
@click.argument("proposal_id", metavar="PROPOSAL", type=int)
def preview(proposal_id: int) -> None:
    """How many a proposed scheme would move if it were in force today."""
    proposal = proposals.proposal(proposal_id=proposal_id)
    if proposal.kind != schemes.KIND:
        raise click.ClickException("this proposal is about no scheme of levels")
    _tell_preview(proposal, now=datetime.now(UTC))


def _tell_preview(proposal: Proposal, *, now: datetime) -> None:
    moved = schemes.preview(proposal.document, now=now)
    click.echo(f"today it would lift {moved.risen:,} and lower {moved.fallen:,} subscribers")


def _somebody(msisdn: str) -> Subscriber:
    found = subscribers.by_msisdn(numbers.msisdn(msisdn))
    if found is None:
        raise NobodyThere("nobody in the programme has this number")
    return found


def _line(one: Progress) -> str:
    parts = [f"{one.scheme.code}: {one.tier.code}, {one.measured:,} {one.scheme.measure}"]
    if one.since:
        parts.append(f"since {day_of(one.since)}")
    if one.given_until:
        parts.append(f"given until {one.given_until}")
    if one.next:
        when = f"by {one.reached_on} at this pace" if one.reached_on else "not at this pace"
        parts.append(f"{one.missing:,} to {in_language(one.next.names, ENGLISH)}, {when}")
    if one.falls_to:
        parts.append(f"falls to {one.falls_to.code} on {one.falls_on}")
    return "; ".join(parts)


def _told(proposal: Proposal) -> None:
    click.echo(f"proposal {proposal.pk} waits for somebody else's approval; look at it with")
    click.echo(f"    club proposals show {proposal.pk}")

"""`club ledger pot …`: a family's pot, by hand."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import click

from club.clock import day_of
from club.ledger import actions, policies, queries
from club.ledger.cli_days import today
from club.ledger.errors import NoSuchPot
from club.ledger.rules import Booked, PotSpender, Source, fingerprint_of

INVITATION_DAYS = 7
A_POT = {"ignore_unknown_options": True}  # Its id begins with a minus.


@click.group()
def pot() -> None:
    """Family pots; each has an id below zero."""


@pot.command("open")
@click.argument("owner", type=int)
@click.option("--all/--owner-only", "by_all", default=True, help="Who spends from it. [all]")
@click.option("--key", type=click.UUID, help="Repeated, it opens one pot. [a new one]")
def open_one(owner: int, by_all: bool, key: UUID | None) -> None:
    """Open a pot and print its id."""
    spent_by = PotSpender.EVERYBODY if by_all else PotSpender.OWNER
    click.echo(actions.open_pot(key=key or uuid4(), owner_id=owner, spent_by=spent_by))


@pot.command(context_settings=A_POT)
@click.argument("pot_id", metavar="POT", type=int)
@click.argument("subscriber", type=int)
@click.option("--by", type=int, required=True, help="The owner.")
def invite(pot_id: int, subscriber: int, by: int) -> None:
    """Let somebody join within seven days."""
    now = datetime.now(UTC)
    until = now + timedelta(days=INVITATION_DAYS)
    actions.invite_to_pot(pot_id=pot_id, by=by, subscriber_id=subscriber, now=now, until=until)
    click.echo(f"invited until {until:%Y-%m-%d %H:%M} UTC")


@pot.command(context_settings=A_POT)
@click.argument("pot_id", metavar="POT", type=int)
@click.argument("subscriber", type=int)
def join(pot_id: int, subscriber: int) -> None:
    """Take the seat one was invited to."""
    is_fresh = actions.join_pot(pot_id=pot_id, subscriber_id=subscriber, now=datetime.now(UTC))
    click.echo("joined" if is_fresh else "joined before, nothing new")


@pot.command(context_settings=A_POT)
@click.argument("pot_id", metavar="POT", type=int)
@click.argument("member", type=int)
@click.argument("points", type=int)
@click.option("--ref", required=True, help="A name for this payment: repeated, it counts once.")
def pay(pot_id: int, member: int, points: int, ref: str) -> None:
    """Pay a member's points in, on the terms in force."""
    now = datetime.now(UTC)
    paid = actions.pay_into_pot(
        pot_id=pot_id,
        subscriber_id=member,
        source=Source.STAFF,
        ref=ref,
        day=day_of(now),
        points=points,
        policy=policies.of_pots(),
        now=now,
        fingerprint=fingerprint_of("pot", pot_id, points),
    )
    told(paid, "paid in")


@pot.command(context_settings=A_POT)
@click.argument("pot_id", metavar="POT", type=int)
def show(pot_id: int) -> None:
    """Who is in the pot, and whose its points are today."""
    found = queries.pot(pot_id=pot_id, day=today())
    if found is None:
        raise NoSuchPot(f"there is no pot {pot_id}", pot_id=pot_id)
    state = "closed" if found.closed_at else f"spent by {found.spent_by.name.lower()}"
    click.echo(f"owner {found.owner_id}, {state}, {found.free_points:,} points")
    for member in found.members:
        click.echo(f"{member.subscriber_id:<20}{member.stake_points:>20,}")


@pot.command(context_settings=A_POT)
@click.argument("pot_id", metavar="POT", type=int)
@click.argument("member", type=int)
@click.option("--by", type=int, help="The owner, who sends them away. [the member]")
def leave(pot_id: int, member: int, by: int | None) -> None:
    """End a seat; the member's part comes home."""
    left = actions.leave_pot(pot_id=pot_id, subscriber_id=member, by=by or member, day=today())
    told(left, "left")


@pot.command(context_settings=A_POT)
@click.argument("pot_id", metavar="POT", type=int)
@click.option("--by", type=int, required=True, help="The owner.")
def close(pot_id: int, by: int) -> None:
    """Send everybody their part, and the owner the rest."""
    is_fresh = actions.close_pot(pot_id=pot_id, by=by, day=today())
    click.echo("closed" if is_fresh else "closed before, nothing new")


def told(booked: Booked, deed: str) -> None:
    """One line: what happened, and what is left to spend."""
    what = deed if booked.is_fresh else f"{deed} before, nothing new"
    click.echo(f"{what}; {booked.available_points:,} points left")

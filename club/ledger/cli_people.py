"""`club ledger merge …`: what staff do between people by hand. Subscribers are named by their ids, as the
proof names them: a number on the command line would stay in the shell's history. Sending asks for the
sender's level, so it is above: `club transfer` (club/engagement/transfer_cli.py)."""

from datetime import UTC, date, datetime, timedelta

import click

from club.ledger import actions, policies
from club.ledger.cli_days import Day, today
from club.ledger.cli_pots import pot, told
from club.ledger.rules import Source, fingerprint_of

CHUNK = 500


@click.command("reverse-transfer")
@click.argument("sender", type=int)
@click.option("--of-ref", required=True, help="The transfer's own ref.")
@click.option(
    "--of-source", type=int, default=Source.STAFF, show_default="staff", help="Its source."
)
@click.option("--of-day", type=Day(), required=True, help="The day of the transfer.")
@click.option("--ref", required=True, help="A name for this reversal: repeated, it counts once.")
@click.option("--points", type=int, help="Part of it. [what is left]")
@click.option("--with-fee", is_flag=True, help="Give the fee back as well.")
@click.option("--receiver-may-owe", is_flag=True, help="What the receiver spent becomes arrears.")
@click.option("--actor", help="Who asked for it.")
def reverse_transfer(
    sender: int,
    of_ref: str,
    of_source: int,
    of_day: date,
    ref: str,
    points: int | None,
    with_fee: bool,
    receiver_may_owe: bool,
    actor: str | None,
) -> None:
    """Take a transfer back on both sides."""
    back = actions.reverse_transfer(
        subscriber_id=sender,
        source=Source.STAFF,
        ref=ref,
        day=today(),
        of_source=of_source,
        of_ref=of_ref,
        of_day=of_day,
        points=points,
        fingerprint=fingerprint_of("reverse", of_source, of_ref, of_day, points, with_fee),
        with_fee=with_fee,
        receiver_may_owe=receiver_may_owe,
        actor=actor,
    )
    told(back, "taken back")


@click.command()
@click.argument("subscriber", type=int)
@click.option("--hours", type=click.IntRange(1), help="For so long. [CLUB_TRANSFER_FREEZE_HOURS]")
@click.option(
    "--reason",
    type=click.Choice(["sim_swap", "owner_changed", "staff"]),
    default="staff",
    show_default=True,
)
def freeze(subscriber: int, hours: int | None, reason: str) -> None:
    """Let nobody send points from this account for a while."""
    now = datetime.now(UTC)
    until = now + timedelta(hours=hours) if hours else policies.frozen_until(now)
    until = actions.freeze(subscriber_id=subscriber, until=until, reason=reason)
    click.echo(f"frozen until {until:%Y-%m-%d %H:%M} UTC")


@click.command()
@click.argument("subscriber", type=int)
def unfreeze(subscriber: int) -> None:
    """End a freeze before its time."""
    was_frozen = actions.unfreeze(subscriber_id=subscriber)
    click.echo("no longer frozen" if was_frozen else "was not frozen")


@click.command()
@click.argument("former", type=int)
@click.argument("new", type=int)
@click.option("--ref", required=True, help="A name for this merge: repeated, it counts once.")
@click.option("--actor", help="Who asked for it.")
def merge(former: int, new: int, ref: str, actor: str | None) -> None:
    """Move all that a subscriber has or owes to another one, for good."""
    merged = actions.merge(
        from_subscriber_id=former,
        to_subscriber_id=new,
        source=Source.STAFF,
        ref=ref,
        day=today(),
        actor=actor,
    )
    told(merged, "merged")


@click.command()
def follow() -> None:
    """Send after them what came to merged numbers and closed pots."""
    accounts = 0
    while moved := actions.follow_successors(day=today(), limit=CHUNK):
        accounts += moved
    click.echo(f"{accounts} accounts followed")


COMMANDS = (reverse_transfer, freeze, unfreeze, pot, merge, follow)

"""`club transfer …`: points from one subscriber to another. They are named by their ids: a number on the
command line would stay in the shell's history."""

from datetime import UTC, datetime

import click

from club.engagement import gifts
from club.ledger.cli_pots import told
from club.ledger.rules import Source


@click.command("transfer")
@click.argument("sender", type=int)
@click.argument("receiver", type=int)
@click.argument("points", type=int)
@click.option("--ref", required=True, help="A name for this transfer: repeated, it moves once.")
@click.option("--reason", help="A code, as gift.")
@click.option("--actor", help="Who asked for it.")
def command(
    sender: int, receiver: int, points: int, ref: str, reason: str | None, actor: str | None
) -> None:
    """Send points from one subscriber to another, on the terms of the sender's level."""
    sent = gifts.send(
        subscriber_id=sender,
        to_subscriber_id=receiver,
        points=points,
        source=Source.STAFF,
        ref=ref,
        now=datetime.now(UTC),
        reason=reason,
        actor=actor,
    )
    told(sent, "sent")

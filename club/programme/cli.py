"""`club programme …`: by hand what the programme's jobs do by themselves."""

from datetime import date

import click

from club.ledger.cli_days import Day, today
from club.programme import actions


@click.group("programme")
def command() -> None:
    """The terms of the programme."""


@command.command("expire-inactive")
@click.option("--day", type=Day(), help="Who is inactive on this day. [today]")
def expire_inactive(day: date | None) -> None:
    """Expire the points of whoever was inactive for longer than the programme allows."""
    lots = actions.expire_inactive(day=day or today())
    click.echo(f"{lots} lots expired")

"""`club programme …`: what the programme owes, and by hand what its jobs do by themselves."""

from datetime import date
from decimal import Decimal

import click

from club.ledger.cli_days import Day, today
from club.programme import actions, queries


@click.group("programme")
def command() -> None:
    """The terms of the programme."""


@command.command("expire-inactive")
@click.option("--day", type=Day(), help="Who is inactive on this day. [today]")
def expire_inactive(day: date | None) -> None:
    """Expire the points of whoever was inactive for longer than the programme allows."""
    lots = actions.expire_inactive(day=day or today())
    click.echo(f"{lots} lots expired")


@command.command()
@click.option("--day", type=Day(), help="At the end of this day. [today]")
def liability(day: date | None) -> None:
    """What the programme owes by fund, in points and in so'm, and how much of what ended expired."""
    found = queries.liabilities(day=day or today())
    _line("", "points", "so'm", "breakage")
    for one in found:
        rate = one.breakage_basis_points
        _line(
            one.code,
            f"{one.outstanding_points:,}",
            _som(one.worth_tiyin),
            "–" if rate is None else f"{Decimal(rate) / 100:.2f}%",
        )
    points = sum(one.outstanding_points for one in found)
    _line("all", f"{points:,}", _som(sum(one.worth_tiyin for one in found)), "")


def _line(fund: str, points: str, som: str, breakage: str) -> None:
    click.echo(f"{fund:<12}{points:>18}{som:>22}{breakage:>12}".rstrip())


def _som(tiyin: int) -> str:
    return f"{Decimal(tiyin) / 100:,.2f}"

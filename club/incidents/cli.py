"""`club incidents …`: what staff put right, from the command line. Subscribers are named by their
ids, as the proof names them: a number on the command line would stay in the shell's history."""

from datetime import UTC, date, datetime

import click

from club.access.cli_options import by_option
from club.access.models import Staff
from club.incidents import actions
from club.ledger import actions as ledger
from club.ledger import queries
from club.ledger.cli_days import Day
from club.ledger.rules import AdjustmentReason, Source

OWNERS_PER_CHUNK = 2_000
REASONS = [reason.value for reason in AdjustmentReason]

key_option = click.option(
    "--key", required=True, help="A name for this deed: repeated on the same day, it counts once."
)
fund_option = click.option("--fund", type=int, help="The number of a fund.")


@click.group("incidents")
def command() -> None:
    """What went wrong for somebody, and its repair."""


@command.command(context_settings={"ignore_unknown_options": True})  # -50 is a number here
@click.argument("subscriber", type=int)
@click.argument("points", type=int)
@click.option("--reason", type=click.Choice(REASONS), required=True)
@fund_option
@key_option
@by_option
def adjust(
    subscriber: int, points: int, reason: str, fund: int | None, key: str, by: Staff
) -> None:
    """Give points, or take them: a number below zero."""
    booked = actions.adjust(
        subscriber_id=subscriber,
        points=points,
        reason=AdjustmentReason(reason),
        fund=fund,
        key=key,
        by=by,
        now=datetime.now(UTC),
    )
    told("adjusted", booked.is_fresh, booked.available_points)


@command.command()
@click.argument("subscriber", type=int)
@click.argument("points", type=int)
@click.option("--budget", required=True, help="Which budget pays.")
@key_option
@by_option
def goodwill(subscriber: int, points: int, budget: str, key: str, by: Staff) -> None:
    """Give points from a goodwill budget."""
    booked = actions.give_goodwill(
        subscriber_id=subscriber,
        points=points,
        budget=budget,
        key=key,
        by=by,
        now=datetime.now(UTC),
    )
    told("given", booked.is_fresh, booked.available_points)


@command.command()
@click.argument("subscriber", type=int)
@click.option("--of-source", type=int, default=Source.ACCRUAL, show_default="accrual")
@click.option("--of-ref", required=True, help="The ref of the line to undo.")
@click.option("--of-day", type=Day(), required=True, help="Its day.")
@click.option("--points", type=int, help="Part of it. [what is left]")
@key_option
@by_option
def reverse(
    subscriber: int,
    of_source: int,
    of_ref: str,
    of_day: date,
    points: int | None,
    key: str,
    by: Staff,
) -> None:
    """Undo a line of the statement: a debit comes back, a credit is clawed back."""
    booked = actions.reverse(
        subscriber_id=subscriber,
        of_source=of_source,
        of_ref=of_ref,
        of_day=of_day,
        points=points,
        key=key,
        by=by,
        now=datetime.now(UTC),
    )
    told("reversed", booked.is_fresh, booked.available_points)


@command.command()
@click.argument("subscriber", type=int)
@click.option("--until", type=Day(), required=True, help="What expires up to this day …")
@click.option("--to", type=Day(), required=True, help="… lives until this one.")
@click.option("--reason", required=True, help="A code, as holidays.")
@fund_option
@key_option
@by_option
def extend(
    subscriber: int, until: date, to: date, reason: str, fund: int | None, key: str, by: Staff
) -> None:
    """Let one subscriber's points live longer."""
    extended = actions.extend(
        subscriber_id=subscriber,
        ending_until=until,
        to=to,
        reason=reason,
        fund=fund,
        key=key,
        by=by,
        now=datetime.now(UTC),
    )
    click.echo(f"{extended.extended_points} points are good until {to}")


@command.command("extend-everybody")
@click.option("--ending-on", type=Day(), required=True, help="All that expires on this day …")
@click.option("--to", type=Day(), required=True, help="… lives until this one.")
@click.option("--reason", required=True, help="A code, as holidays.")
@fund_option
@key_option
@by_option
def extend_everybody(
    ending_on: date, to: date, reason: str, fund: int | None, key: str, by: Staff
) -> None:
    """Let all points that expire on one day live longer; may be begun again after a crash."""
    owners = ledger.walk(
        lambda after: actions.extend_everybody(
            ending_on=ending_on,
            to=to,
            reason=reason,
            fund=fund,
            key=key,
            by=by,
            now=datetime.now(UTC),
            limit=OWNERS_PER_CHUNK,
            after=after,
        )
    )
    click.echo(f"points of {owners} subscribers are good until {to}")


@command.command()
@click.argument("number", type=int)
@click.argument("code")
@click.argument("name")
@by_option
def fund(number: int, code: str, name: str, by: Staff) -> None:
    """Make a fund (who pays for points), or name it anew."""
    actions.set_fund(fund=number, code=code, name=name, by=by, now=datetime.now(UTC))
    for each in queries.funds():
        click.echo(f"{each.fund:>6}  {each.code:<20}  {each.name}")


@command.command()
@click.argument("code")
@click.argument("points", type=int)
@click.option("--fund", type=int, default=0, show_default=True, help="Who pays.")
@click.option("--from", "valid_from", type=Day(), required=True, help="Its first day.")
@click.option("--until", "valid_until", type=Day(), required=True, help="Its last day.")
@by_option
def budget(
    code: str, points: int, fund: int, valid_from: date, valid_until: date, by: Staff
) -> None:
    """Make a goodwill budget, or alter it."""
    left_points = actions.set_budget(
        code=code,
        fund=fund,
        points=points,
        valid_from=valid_from,
        valid_until=valid_until,
        by=by,
        now=datetime.now(UTC),
    )
    click.echo(f"{left_points} points left in {code}")


@command.command()
def budgets() -> None:
    """What the goodwill budgets have left."""
    for each in queries.budgets():
        click.echo(
            f"{each.code:<20}{each.left_points:>16,} of {each.points:>16,}"
            f"  {each.valid_from} to {each.valid_until}, fund {each.fund}"
        )


def told(deed: str, is_fresh: bool, available_points: int) -> None:
    before = "" if is_fresh else " before, nothing new"
    click.echo(f"{deed}{before}; {available_points} points to spend")

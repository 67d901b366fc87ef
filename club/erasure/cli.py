"""`club subscribers erase MSISDN`."""

from datetime import UTC, datetime

import click

from club.access.models import Staff
from club.erasure import actions
from club.errors import ClubError


@click.group("subscribers")
def command() -> None:
    """The people in the programme."""


@command.command()
@click.argument("msisdn")
@click.option("--by", required=True, help="The login of the member of staff who does it.")
@click.confirmation_option(prompt="This cannot be taken back. Erase the person?")
def erase(msisdn: str, by: str) -> None:
    """Erase the person behind a number in every room; their points are forfeited.

    Again is harmless: it sweeps what came in about the number since then.
    """
    staff = Staff.objects.filter(username=by, is_active=True).first()
    if staff is None:
        raise click.ClickException("there is no such login, or it is closed")
    try:
        erased = actions.erase(msisdn=msisdn, by=staff, now=datetime.now(UTC))
    except ClubError as error:
        raise click.ClickException(f"{error.code}: {error.message}") from error
    if not erased.subscriber_ids:
        click.echo("nobody in the programme has this number; its traces were swept")
        return
    for subscriber_id in erased.subscriber_ids:
        click.echo(f"subscriber {subscriber_id} is erased")
    click.echo(f"{erased.forfeited_points:,} points are forfeited")

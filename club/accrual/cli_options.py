"""What the commands about campaigns have in common."""

import click

from club.access.models import Proposal

MOMENTS = ["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z"]
why_option = click.option("--why", required=True, help="What the approver reads as the reason.")


class Moment(click.DateTime):
    """A moment with its offset: 2026-12-01T00:00+05:00."""

    def __init__(self) -> None:
        super().__init__(formats=MOMENTS)


def told(proposal: Proposal) -> None:
    click.echo(f"proposal {proposal.pk} waits for somebody else's approval; look at it with")
    click.echo(f"    club proposals show {proposal.pk}")

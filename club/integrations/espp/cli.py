"""`club intake espp FILE`, beside `club intake events FILE` of our own format."""

from pathlib import Path

import click

from club.accrual import intake_cli


@click.group(name="intake")
def command() -> None:
    """Take in files of events."""


command.add_command(intake_cli.events)
command.add_command(intake_cli.adopt)


@command.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def espp(file: Path) -> None:
    """Take in a daily register of payments (comparePacket XML or semicolon CSV).

    Prints what became of its lines, and each rejected line with its reason. Exit status: 0 if
    every line is taken or known, 1 if the file cannot be taken at all, 2 if a line was rejected.
    """
    from django.utils import timezone

    from club.integrations.espp import register

    intake_cli.tell(
        file, lambda echo: register.take(file, name=file.name, now=timezone.now(), echo=echo)
    )

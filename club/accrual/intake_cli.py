"""`club intake events FILE` and `club intake adopt`."""

from collections.abc import Callable
from pathlib import Path

import click
from django.utils import timezone

from club.accrual import intake, kept
from club.accrual.counts import Counts
from club.errors import ClubError

BATCH_EVENTS = 2_000
Echo = Callable[[str], None]


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def events(file: Path) -> None:
    """Take in a file of events in our own format, one JSON object a line.

    Prints what became of its lines, and each rejected line with its reason. Exit status: 0 if
    every line is taken or known, 1 if the file cannot be taken at all, 2 if a line was rejected.
    """

    def take(echo: Echo) -> Counts:
        with file.open("rb") as stream:
            return intake.take_file(stream, name=file.name, now=timezone.now(), echo=echo)

    tell(file, take)


def tell(file: Path, take: Callable[[Echo], Counts]) -> None:
    """Take a file in, and say what became of its lines as the commands promise."""
    try:
        counts = take(lambda far: click.echo(far, err=True))
    except (ClubError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(counts.summary())
    for line, code, reason in counts.rejected:
        click.echo(f"{file.name}:{line or '-'}: {code}: {reason}")
    if counts.rejected:
        raise SystemExit(2)


@click.command()
def adopt() -> None:
    """Take up at once what was kept of types that are declared by now; a job does it each hour."""
    total = 0
    while taken := kept.adopt(now=timezone.now(), limit=BATCH_EVENTS):
        total += taken
    click.echo(f"{total:,} events of types that are declared by now were taken up")

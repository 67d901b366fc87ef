"""A short run of `make chaos`, as it is typed: the machinery works, and a dozen kills leave no fault."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

BASE = Path(__file__).resolve().parents[2]
KILLS = 12
TIMEOUT_S = 600


@pytest.mark.launcher
def test_a_dozen_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    environment = {
        **os.environ, "CHAOS_KILLS": str(KILLS), "CHAOS_SEED": "20", "TMPDIR": str(tmp_path)
    }  # fmt: skip
    tmp_path.chmod(0o755)

    done = subprocess.run(
        [sys.executable, "-m", "chaos"], cwd=BASE, env=environment, capture_output=True, text=True,
        timeout=TIMEOUT_S, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(rf"^ +together +{KILLS}$", done.stdout, re.MULTILINE)
    assert "faults 0, seed 20" in done.stdout
    assert list(tmp_path.iterdir()) == []  # nothing is left behind

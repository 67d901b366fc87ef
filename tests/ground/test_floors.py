"""The contracts in pyproject.toml are worth something only if they fail when they should."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BASE = Path(__file__).resolve().parents[2]


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the house with its contracts, to plant imports into."""
    only_python = shutil.ignore_patterns("__pycache__", "static", "templates", "locale", "*.csv")
    for package in ("club", "simulators"):
        shutil.copytree(BASE / package, tmp_path / package, ignore=only_python)
    shutil.copy(BASE / "pyproject.toml", tmp_path)
    return tmp_path


def lint_imports(house: Path) -> subprocess.CompletedProcess[str]:
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-c", program, "--no-cache", "--no-logo"],
        cwd=house,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_house_as_it_stands_keeps_its_contracts(house: Path):
    linted = lint_imports(house)

    assert linted.returncode == 0, linted.stdout
    assert "0 broken" in linted.stdout


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("club/ledger/planted.py", "import club.orders.models", "An import never goes up"),
        ("club/tiers/planted.py", "import club.catalogue.models", "An import never goes up"),
        ("club/accrual/planted.py", "import club.integrations.soap", "An import never goes up"),
        ("club/ports.py", "import club.subscribers.models", "An import never goes up"),
        (
            "club/orders/planted.py",
            "import club.ledger.models",
            "Only the ledger touches the ledger's tables",
        ),
        ("club/tiers/rules.py", "import django.db", "Rules are pure: no Django below them"),
        ("club/doors/planted.py", "import simulators", "The club knows nothing of the simulators"),
        (
            "simulators/planted.py",
            "import club.messages.models",
            "A simulator shares a protocol's codec with us, and nothing else",
        ),
    ],
)
def test_a_planted_import_breaks_exactly_its_contract(
    house: Path, file: str, line: str, contract: str
):
    with (house / file).open("a") as module:
        module.write(f"\n{line}\n")

    linted = lint_imports(house)

    broken = [row.removesuffix(" BROKEN") for row in linted.stdout.splitlines() if " BROKEN" in row]
    assert broken == [contract], linted.stdout
    assert linted.returncode == 1

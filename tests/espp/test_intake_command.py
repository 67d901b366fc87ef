"""`club intake espp FILE`, as an operator's night job calls it."""

import pytest
from click.testing import CliRunner

from club.accrual import intake
from club.integrations.espp.cli import command
from tests.espp.test_register import csv_of, payment


@pytest.fixture
def run(open_club):
    return lambda *arguments: CliRunner().invoke(command, ["espp", *map(str, arguments)])


def test_a_good_register_prints_its_counts_and_ends_with_zero(run, tmp_path):
    file = tmp_path / "2026-08-01.csv"
    file.write_bytes(csv_of([payment(1), payment(2)]))

    first, second = run(file), run(file)

    assert first.exit_code == 0
    assert first.stdout == "received 2, new 2, duplicate 0, conflicting 0, rejected 0\n"
    assert second.exit_code == 0
    assert second.stdout == "received 2, new 0, duplicate 2, conflicting 0, rejected 0\n"


def test_a_rejected_line_is_printed_with_its_number_and_the_end_is_two(run, tmp_path):
    file = tmp_path / "2026-08-01.csv"
    file.write_bytes(csv_of([payment(1), payment(2, amount_tiyin=-1), payment(3)]))

    result = run(file)

    assert result.exit_code == 2
    assert result.stdout.splitlines() == [
        "received 3, new 2, duplicate 0, conflicting 0, rejected 1",
        "2026-08-01.csv:3: not_positive: the amount must be more than zero",
    ]


def test_a_file_that_is_not_there_is_said_in_one_line(run, tmp_path):
    result = run(tmp_path / "absent.csv")
    assert result.exit_code == 2
    assert "absent.csv" in result.stderr


def test_a_file_that_is_too_large_is_refused_with_one(run, tmp_path, monkeypatch):
    monkeypatch.setattr(intake, "FILE_BYTES_MAX", 1)
    file = tmp_path / "large.csv"
    file.write_bytes(b"ab")
    result = run(file)
    assert result.exit_code == 1
    assert "a register has at most" in result.stderr

"""The chart's geometry: what it draws is what happened."""

from datetime import date

from club.doors.office import charts
from club.ledger.history import DayBalance


def days(*pairs: tuple[str, int]) -> list[DayBalance]:
    return [DayBalance(on=date.fromisoformat(on), points=points) for on, points in pairs]


def test_a_balance_stands_still_between_the_days_that_changed_it():
    history = days(("2026-01-01", 0), ("2026-07-02", 100), ("2027-01-01", 100))

    chart = charts.steps(history, width=364 + charts.LEFT + charts.RIGHT, height=240)

    assert chart.line.startswith(f"M{float(charts.LEFT)} 212.0H")
    assert chart.line.count("V") == 2
    assert [level.value for level in chart.levels] == [0, 50, 100]
    assert [month.on.month for month in chart.months] == [*range(2, 13), 1]
    assert chart.now == 100


def test_arrears_go_below_the_line():
    chart = charts.steps(
        days(("2026-01-01", 0), ("2026-02-01", -300), ("2026-03-01", 0)), width=720, height=240
    )

    assert [level.value for level in chart.levels] == [-300, -200, -100, 0]


def test_somebody_without_points_has_a_flat_chart():
    chart = charts.steps(days(("2026-01-01", 0), ("2027-01-01", 0)), width=720, height=240)

    assert [level.value for level in chart.levels] == [0, 1]
    assert chart.line == "M64.0 212.0H708.0V212.0"


def test_the_table_has_each_month_s_last_balance():
    history = days(("2026-01-01", 5), ("2026-01-20", 10), ("2026-03-02", 30), ("2026-03-09", 20))

    assert charts.month_ends(history) == days(("2026-01-20", 10), ("2026-03-09", 20))

"""What a file of opening balances comes to, beside what the books have: figures, a table, and two
files for whoever corrects it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from club.ledger.opening import stage

SHOWN_MAX = 20


@dataclass(frozen=True, slots=True)
class Sum:
    """Good lines and their points under one name: a fund, a month of expiry."""

    name: str
    lines: int
    points: int


@dataclass(frozen=True, slots=True)
class Difference:
    """A subscriber for whom the file's good lines and the books differ."""

    subscriber_id: int
    expected_points: int
    booked_points: int


@dataclass(frozen=True, slots=True)
class Faults:
    code: str
    lines: int
    first_line: int
    what: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Report:
    """`lines` are those with content, without the heading. Good ones have no fault; of these some
    are in the books, the others are to be written."""

    digest: str
    lines: int
    good_lines: int
    good_points: int
    booked_lines: int
    to_write_lines: int
    to_write_points: int
    broken_lines: int
    subscribers: int
    differing_subscribers: int
    foreign_lines: int
    """In the books from the same source, but not in this file."""
    faults: Sequence[Faults]
    funds: Sequence[Sum]
    months: Sequence[Sum]
    differences: Sequence[Difference]
    """The first of them; the file of differences has all."""

    @property
    def is_clean(self) -> bool:
        return not self.faults

    @property
    def is_written(self) -> bool:
        return not self.differing_subscribers

    def table(self) -> str:
        return "\n".join(_table(self))


FAULTS = """
    select line, nullif(field, '') as column, code, what, remedy
      from opening_fault order by line, field, code
"""
DIFFERENCES = "select * from opening_difference order by subscriber_id"


def of_stage(*, digest: str, lines: int) -> Report:
    """Some statements over the stage's tables; reads nothing else. Whole points."""
    ((good_lines, good_points, booked_lines, subscribers),) = stage.rows(
        """
        select count(*), coalesce(sum(points), 0)::bigint, count(*) filter (where is_booked),
               count(distinct subscriber_id)
          from opening_good
        """
    )
    ((to_write_lines, to_write_points),) = stage.rows(
        "select count(*), coalesce(sum(points), 0)::bigint from opening_ready"
    )
    ((foreign_lines,),) = stage.rows(
        """
        select count(*) from opening_booked b
         where not exists (select from opening_line l where l.ref = b.ref)
        """
    )
    ((differing,),) = stage.rows("select count(*) from opening_difference")
    return Report(
        digest=digest,
        lines=lines,
        good_lines=good_lines,
        good_points=good_points,
        booked_lines=booked_lines,
        to_write_lines=to_write_lines,
        to_write_points=to_write_points,
        broken_lines=lines - good_lines,
        subscribers=subscribers,
        differing_subscribers=differing,
        foreign_lines=foreign_lines,
        faults=[Faults(*row) for row in stage.rows(BY_CODE)],
        funds=[Sum(*row) for row in stage.rows(BY_FUND)],
        months=[Sum(*row) for row in stage.rows(BY_MONTH)],
        differences=[
            Difference(*row) for row in stage.rows(f"{DIFFERENCES} limit %s", [SHOWN_MAX])
        ],
    )


BY_CODE = """
    select code, count(distinct line), min(line), (array_agg(what order by line))[1],
           (array_agg(remedy order by line))[1]
      from opening_fault group by code order by count(distinct line) desc, code
"""
BY_FUND = """
    select fund_code, count(*), sum(points)::bigint from opening_good group by 1 order by 1
"""
BY_MONTH = """
    select to_char(expires_on, 'YYYY-MM'), count(*), sum(points)::bigint
      from opening_good group by 1 order by 1
"""


def write_faults(path: Path) -> None:
    """Every fault as CSV: line, column, what is wrong, what to do. An empty one says: none."""
    _write(path, FAULTS)


def write_differences(path: Path) -> None:
    """Every subscriber for whom file and books differ, as CSV."""
    _write(path, DIFFERENCES)


def _write(path: Path, query: str) -> None:
    with path.open("wb") as file:
        for block in stage.stream_csv(query):
            file.write(block)


def _table(report: Report) -> Iterator[str]:
    def row(name: str, lines: int, points: int | str = "") -> str:
        shown = f"{points:,}" if isinstance(points, int) else points
        return f"{name:<28}{lines:>14,}{shown:>22}"

    yield f"sha256 {report.digest}"
    yield f"{'':<28}{'lines':>14}{'points':>22}"
    yield row("in the file", report.lines)
    yield row("good", report.good_lines, report.good_points)
    yield row("  in the books already", report.booked_lines)
    yield row("  to be written", report.to_write_lines, report.to_write_points)
    yield row("broken", report.broken_lines)
    for fault in report.faults:
        yield row(f"  {fault.code}", fault.lines)
        yield f"      first in line {fault.first_line}: {fault.what}; {fault.remedy}"
    for title, sums in (("by fund", report.funds), ("by month of expiry", report.months)):
        yield title
        yield from (row(f"  {one.name}", one.lines, one.points) for one in sums)
    if report.foreign_lines:
        yield row("in the books, not in the file", report.foreign_lines)
    yield (
        f"{report.subscribers:,} subscribers, of whom {report.differing_subscribers:,} differ"
        " from the books"
    )
    for one in report.differences:
        yield (
            f"  subscriber {one.subscriber_id}: expected {one.expected_points:,},"
            f" in the books {one.booked_points:,}"
        )
    if (more := report.differing_subscribers - len(report.differences)) > 0:
        yield f"  and {more:,} more"

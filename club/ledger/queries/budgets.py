"""Who pays for points: the funds, and the budgets from which staff give."""

from dataclasses import dataclass
from datetime import date

from club.ledger.queries.reading import rows


@dataclass(frozen=True, slots=True)
class Fund:
    fund: int
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Budget:
    """Good from `valid_from` to `valid_until`, both included. `spent_points` nets out what was
    reversed."""

    code: str
    fund: int
    points: int
    spent_points: int
    valid_from: date
    valid_until: date

    @property
    def left_points(self) -> int:
        return self.points - self.spent_points


def funds() -> list[Fund]:
    """All funds by their numbers."""
    return [Fund(*row) for row in rows("select fund, code, name from ledger.fund order by fund")]


def budgets() -> list[Budget]:
    """All goodwill budgets, those that end last first."""
    found = rows(
        """
        select code, fund, points, spent, valid_from, valid_until
          from ledger.budget order by valid_until desc, code
        """
    )
    return [Budget(*row) for row in found]

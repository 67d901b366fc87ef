"""The programme's side of the books: what was issued, redeemed, expired, and is owed."""

from collections.abc import Mapping
from dataclasses import dataclass

from club.ledger.queries.reading import rows


@dataclass(frozen=True, slots=True)
class Totals:
    """The whole programme; each figure nets out what was reversed.

    outstanding = issued - redeemed - expired + adjusted = lots + held - arrears.
    """

    accounts: int
    postings: int
    issued_points: int
    redeemed_points: int
    expired_points: int
    adjusted_points: int
    outstanding_points: int
    lots_points: int
    held_points: int
    arrears_points: int
    pending_points: int

    def summary(self) -> str:
        """All figures in one line, for people."""
        return ", ".join(f"{value:,} {name}" for name, value in self.figures().items())

    def figures(self) -> Mapping[str, int]:
        return {name.removesuffix("_points"): getattr(self, name) for name in self.__slots__}


def totals() -> Totals:
    """The sums of the books, counted in the journal itself: reads all of it. Detached months count by
    what they carried."""
    (row,) = rows(
        """
        with journal as (select v.contra, sum(v.postings) as postings, sum(v.points)::bigint as points
                           from (select contra, count(*) as postings, sum(points)::bigint as points
                                   from ledger.posting group by contra
                                 union all
                                 select contra, postings, points from ledger.carried_total) v
                          group by v.contra)
        select (select count(*) from ledger.account),
               (select coalesce(sum(postings), 0)::bigint from journal),
               (select coalesce(sum(points), 0)::bigint from journal where contra = 10),
               (select coalesce(-sum(points), 0)::bigint from journal where contra = 20),
               (select coalesce(-sum(points), 0)::bigint from journal where contra = 30),
               (select coalesce(sum(points), 0)::bigint from journal where contra not in (10, 20, 30)),
               (select coalesce(sum(posted), 0)::bigint from ledger.account),
               (select coalesce(sum(points), 0)::bigint from ledger.lot),
               (select coalesce(sum(held), 0)::bigint from ledger.account),
               (select coalesce(sum(arrears), 0)::bigint from ledger.account),
               (select coalesce(sum(points), 0)::bigint from ledger.pending where state = 1)
        """
    )
    return Totals(*row)


def outstanding_points() -> int:
    """What the programme owes in all, by its accounts: cheaper than `totals`, still every account."""
    ((points,),) = rows("select coalesce(sum(posted), 0)::bigint from ledger.account")
    return int(points)

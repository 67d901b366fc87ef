"""The programme's side of the books: what was issued, redeemed, expired, and is owed, by fund and day.

A day here is the one on which something was posted, in Asia/Tashkent, whatever day it happened on:
so a day that is over never changes again. Counted days are read as they were counted, younger ones
from the journal, so today's figures are right as well.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from club.ledger.errors import TooMany
from club.ledger.queries.reading import rows
from club.ledger.rules import PROGRAMME_DAYS_MAX, Contra


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


@dataclass(frozen=True, slots=True)
class Account:
    """What moved in some days, and what was owed before (`opening_points`) and after them.

    Each figure nets out what was reversed. `expired_points` is the breakage, points of who left
    included. `transferred_points` is 0 over all funds; between two funds points move where a transfer
    is taken back and its receiver gives others. So is `repaid_points`: debts are the operator's, and
    another fund's points repay them.
    """

    opening_points: int
    issued_points: int = 0
    brought_points: int = 0
    redeemed_points: int = 0
    expired_points: int = 0
    adjusted_points: int = 0
    transferred_points: int = 0
    fees_points: int = 0
    repaid_points: int = 0

    @property
    def outstanding_points(self) -> int:
        return (
            self.opening_points
            + self.issued_points
            + self.brought_points
            - self.redeemed_points
            - self.expired_points
            + self.adjusted_points
            + self.transferred_points
            - self.fees_points
            + self.repaid_points
        )


@dataclass(frozen=True, slots=True)
class FundAccount:
    """The account of one fund, `code` by its name among people."""

    fund: int
    code: str
    account: Account


@dataclass(frozen=True, slots=True)
class DayAccount:
    """The account of one day; `is_counted` when it can change no more."""

    day: date
    is_counted: bool
    account: Account


def totals() -> Totals:
    """The sums of the books: of the counted days as they were counted, of the rest and of all that
    subscribers have now by adding it up."""
    (row,) = rows(
        """
        with programme as (select contra, sum(postings)::bigint as postings, sum(points)::bigint as points
                             from ledger.programme(null, 'infinity') group by contra)
        select (select count(*) from ledger.account),
               (select coalesce(sum(postings), 0)::bigint from programme),
               (select coalesce(-sum(points), 0)::bigint from programme where contra = 10),
               (select coalesce(sum(points), 0)::bigint from programme where contra = 20),
               (select coalesce(sum(points), 0)::bigint from programme where contra = 30),
               (select coalesce(-sum(points), 0)::bigint from programme where contra not in (10, 20, 30)),
               (select coalesce(sum(posted), 0)::bigint from ledger.account),
               (select coalesce(sum(points), 0)::bigint from ledger.lot),
               (select coalesce(sum(held), 0)::bigint from ledger.account),
               (select coalesce(sum(arrears), 0)::bigint from ledger.account),
               (select coalesce(sum(points), 0)::bigint from ledger.pending where state = 1)
        """
    )
    return Totals(*row)


def outstanding_points() -> int:
    """What the programme owes in all, by its own accounts: no subscriber's is read for it."""
    ((points,),) = rows(
        "select coalesce(-sum(points), 0)::bigint from ledger.programme(null, 'infinity')"
    )
    return int(points)


def counted_until() -> date | None:
    """The last day that is counted: no figure until then will ever change. None: no day yet."""
    day: date | None
    ((day,),) = rows("select max(day) from ledger.programme_day")
    return day


def programme_accounts(*, first: date, last: date) -> list[FundAccount]:
    """The account of every fund for these days, by the funds' numbers. A fund that the books do not
    name any more is called by its number."""
    assert first <= last
    found = rows(
        """
        select p.fund, coalesce(min(f.code), p.fund::text), p.day < %(first)s as is_before, p.contra,
               -sum(p.points)::bigint
          from ledger.programme(null, %(last)s) p left join ledger.fund f on f.fund = p.fund
         group by p.fund, is_before, p.contra order by p.fund
        """,
        {"first": first, "last": last},
    )
    codes = {fund: code for fund, code, *_ in found}
    return [
        FundAccount(
            fund,
            code,
            _account(
                opening=sum(n for of, _, is_before, _, n in found if of == fund and is_before),
                moved=[(c, n) for of, _, is_before, c, n in found if of == fund and not is_before],
            ),
        )
        for fund, code in codes.items()
    ]


def programme_days(*, first: date, last: date, fund: int | None = None) -> list[DayAccount]:
    """The account of every day from `first` to `last`, of one fund or of all (None).

    Raises TooMany beyond some three years.
    """
    assert first <= last
    if (last - first).days >= PROGRAMME_DAYS_MAX:
        raise TooMany(f"at most {PROGRAMME_DAYS_MAX} days at once", limit=PROGRAMME_DAYS_MAX)
    found = rows(
        """
        select greatest(day, %(first)s - 1) as on_day, contra, -sum(points)::bigint
          from ledger.programme(null, %(last)s)
         where %(fund)s::integer is null or fund = %(fund)s
         group by on_day, contra
        """,
        {"first": first, "last": last, "fund": fund},
    )
    counted = counted_until()
    owed = sum(points for day, _, points in found if day < first)
    days = []
    for day in (first + timedelta(days=n) for n in range((last - first).days + 1)):
        account = _account(opening=owed, moved=[(c, n) for on, c, n in found if on == day])
        days.append(DayAccount(day, counted is not None and day <= counted, account))
        owed = account.outstanding_points
    return days


# Where the subscribers' legs against an account stand in ours, and with which sign.
_PLACES = {
    Contra.ISSUED: ("issued_points", 1),
    Contra.OPENING: ("brought_points", 1),
    Contra.REDEEMED: ("redeemed_points", -1),
    Contra.EXPIRED: ("expired_points", -1),
    Contra.ADJUSTED: ("adjusted_points", 1),
    Contra.TRANSFERS: ("transferred_points", 1),
    Contra.FEES: ("fees_points", -1),
    Contra.NONE: ("repaid_points", 1),
}


def _account(*, opening: int, moved: Iterable[tuple[int, int]]) -> Account:
    figures = {}
    for contra, points in moved:
        name, sign = _PLACES[Contra(contra)]
        figures[name] = sign * points
    return Account(opening_points=opening, **figures)

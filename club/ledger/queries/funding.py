"""Who funded what: the figures a partner is settled by.

By the day of posting, Asia/Tashkent: whatever comes late belongs to the period in which it came, so
a period that was settled never changes. `occurred_on` of every line says when it happened.
"""

from dataclasses import dataclass
from datetime import date, datetime

from club.ledger.errors import WrongFund
from club.ledger.queries.reading import rows
from club.ledger.rules import Contra, Kind


@dataclass(frozen=True, slots=True)
class Part:
    """What one source did to a fund in one way. `points` are the subscribers': below zero they went.
    `cancelled_points` were given by this fund once, and taken back."""

    source: int
    kind: Kind
    contra: Contra
    points: int
    cancelled_points: int


@dataclass(frozen=True, slots=True)
class Funding:
    """What moved of one fund's points in a period.

    Points were spent of a fund when its lots paid, and returned to it when they went back there. Of
    what it issued, `cancelled_points` were taken back, whoever's lots paid for that;
    `clawed_back_points` were taken out of this fund's lots, whoever had issued what was cancelled; what
    is owed then is among the operator's (fund 0).
    """

    fund: int
    code: str
    name: str
    parts: tuple[Part, ...]

    @property
    def issued_points(self) -> int:
        return self._points(Contra.ISSUED, Kind.ACCRUAL)

    @property
    def cancelled_points(self) -> int:
        return sum(part.cancelled_points for part in self.parts if part.contra is Contra.ISSUED)

    @property
    def clawed_back_points(self) -> int:
        return -self._points(Contra.ISSUED, Kind.CLAWBACK)

    @property
    def spent_points(self) -> int:
        return -self._points(Contra.REDEEMED, Kind.SPEND, Kind.CAPTURE)

    @property
    def returned_points(self) -> int:
        return self._points(Contra.REDEEMED, Kind.RETURN)

    @property
    def expired_points(self) -> int:
        """Net of expiries that were reversed; those who left included."""
        return -self._points(Contra.EXPIRED, *Kind)

    @property
    def adjusted_points(self) -> int:
        return self._points(Contra.ADJUSTED, *Kind)

    def _points(self, contra: Contra, *kinds: Kind) -> int:
        return sum(p.points for p in self.parts if p.contra is contra and p.kind in kinds)


@dataclass(frozen=True, slots=True)
class FundedLine:
    """The part of one posting that one fund's points are; signed as in the statement."""

    posted_at: datetime
    occurred_on: date
    kind: Kind
    source: int
    ref: str
    fund: int
    points: int


def funding(*, first: date, last: date, fund: int | None = None) -> list[Funding]:
    """What moved of the points of each fund, or of one, from `first` to `last`.

    Funds that nothing moved of are left out; one that is asked for by its number is there in any case.
    Raises WrongFund when there is none with this number.
    """
    assert first <= last
    found = rows(
        """
        select coalesce(p.fund, f.fund) as fund, coalesce(min(f.code), p.fund::text),
               coalesce(min(f.name), ''), p.source, p.kind, p.contra, -sum(p.points)::bigint,
               sum(p.cancelled)::bigint
          from ledger.programme(%(first)s, %(last)s) p full join ledger.fund f on f.fund = p.fund
         where coalesce(p.fund, f.fund) = %(fund)s or %(fund)s::integer is null and p.fund is not null
         group by p.fund, f.fund, p.source, p.kind, p.contra
         order by 1, p.contra, p.kind, p.source
        """,
        {"first": first, "last": last, "fund": fund},
    )
    if fund is not None and not found:
        raise WrongFund(f"there is no fund {fund}", fund=fund)
    names = {number: (code, name) for number, code, name, *_ in found}
    return [
        Funding(
            number,
            code,
            name,
            tuple(
                Part(source, Kind(kind), Contra(contra), points, cancelled)
                for of, _, _, source, kind, contra, points, cancelled in found
                if of == number and kind is not None
            ),
        )
        for number, (code, name) in names.items()
    ]


def funded_lines(
    *, subscriber_id: int, first: date, last: date, limit: int = 1_000
) -> list[FundedLine]:
    """Of one subscriber: each posting from `first` to `last`, split by the funds whose points moved;
    the last posted first, and at most `limit` lines."""
    found = rows(
        """
        select posted_at, occurred_on, kind, source, ref, fund, -sum(points)::bigint as moved
          from ledger.programme_leg
         where subscriber_id = %s and posted_at >= ledger.day_start(%s)
           and posted_at < ledger.day_start(%s + 1)
         group by posted_at, occurred_on, kind, source, ref, fund having sum(points) <> 0
         order by posted_at desc, occurred_on desc, source desc, ref desc, fund
         limit %s
        """,
        [subscriber_id, first, last, limit],
    )
    return [
        FundedLine(at, on, Kind(kind), source, ref, fund, points)
        for at, on, kind, source, ref, fund, points in found
    ]

"""Who pays: a fund, or several that share. The ledger knows one number for either."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from club.accrual.models import SharedFund
from club.ledger import actions as ledger

Shares = tuple[tuple[int, int], ...]
"""Each fund with its percent; they add up to 100."""


class Part(NamedTuple):
    fund: int
    points: int


def number_of(shares: Iterable[tuple[int, int]]) -> int:
    """The ledger's number of the purse out of which these pay. The same shares have the same one."""
    ordered = sorted(shares)
    if len(ordered) == 1:
        return ordered[0][0]
    row, is_new = SharedFund.objects.get_or_create(shares=[list(share) for share in ordered])
    number = SharedFund.FIRST + row.pk
    if is_new:
        payers = ", ".join(f"{fund}: {percent} %" for fund, percent in ordered)
        ledger.make_fund(fund=number, code=f"shared-{row.pk}", name=payers)
    return number


def shares_of(number: int) -> Shares:
    """Who pays out of a purse. Raises SharedFund.DoesNotExist."""
    if number <= SharedFund.FIRST:
        return ((number, 100),)
    shares = SharedFund.objects.get(pk=number - SharedFund.FIRST).shares
    return tuple((fund, percent) for fund, percent in shares)


def split(points: int, shares: Sequence[tuple[int, int]]) -> list[Part]:
    """What each fund pays of so many points, to the point: what division leaves goes to those whose
    part was cut most, the first of equals.

    >>> split(101, [(0, 50), (7, 50)])
    [Part(fund=0, points=51), Part(fund=7, points=50)]
    >>> split(-10, [(0, 67), (7, 33)])
    [Part(fund=0, points=-7), Part(fund=7, points=-3)]
    """
    whole = [points * percent // 100 for _, percent in shares]
    cut = [points * percent % 100 for _, percent in shares]
    order = sorted(range(len(shares)), key=lambda place: -cut[place])
    for place in order[: points - sum(whole)]:
        whole[place] += 1
    return [Part(fund, part) for (fund, _), part in zip(shares, whole, strict=True)]

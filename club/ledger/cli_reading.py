"""`club ledger balance`, `accounts`, `funding`: what the books say, now and of any day before."""

import csv
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import click

from club.clock import TASHKENT, day_of
from club.ledger import queries
from club.ledger.cli_days import Day, Moment, today
from club.ledger.errors import UnknownSubscriber, WrongFund
from club.ledger.queries import Account, Funding
from club.subscribers import queries as subscribers
from club.subscribers.rules import masked, msisdn

AN_ID = r"-\d{1,19}|\d{1,11}"  # A number has twelve digits, with its country.

FIRST = click.option("--from", "first", type=Day(), help="The first day. [the last one]")
LAST = click.option("--until", "last", type=Day(), help="The last day. [today]")
FUND = click.option("--fund", "code", help="One fund, by its code.")


@click.command(context_settings={"ignore_unknown_options": True})  # A pot's id is below zero.
@click.argument("subscriber", metavar="MSISDN|ID")
@click.option("--at", type=Moment(), help="As of this moment in Tashkent. [now]")
def balance(subscriber: str, at: datetime | None) -> None:
    """What a subscriber or a family pot has, or had at a past moment, with the lots."""
    who, named = _named(subscriber)
    moment = at or datetime.now(UTC)
    if at is None:
        found = queries.balance(subscriber_id=who, day=day_of(moment))
        lots = queries.lots(subscriber_id=who, day=day_of(moment))
    else:
        found = queries.balance_at(subscriber_id=who, at=at)
        lots = queries.lots_at(subscriber_id=who, at=at)
    click.echo(f"{named} at {moment.astimezone(TASHKENT):%Y-%m-%d %H:%M:%S} in Tashkent")
    for name in ("spendable", "held", "pending", "arrears"):
        click.echo(f"{name:<30}{getattr(found, name + '_points'):>20,}")
    codes = {fund.fund: fund.code for fund in queries.funds()}
    for lot in lots:
        fund = codes.get(lot.fund, str(lot.fund))
        click.echo(f"good until {lot.expires_on} {fund:<8}{lot.points:>20,}")


@click.command()
@click.option("--day", type=Day(), help="One day. [today]")
@FIRST
@LAST
@click.option("--by-day", is_flag=True, help="A line a day instead of a line a fund.")
@FUND
def accounts(
    day: date | None, first: date | None, last: date | None, by_day: bool, code: str | None
) -> None:
    """The programme's accounts: what was owed before, what moved, and what is owed."""
    first, last = _period(day or first, day or last)
    fund = _fund(code)
    if by_day:
        days = queries.programme_days(first=first, last=last, fund=fund)
        lines = [(str(one.day), one.account) for one in days]
    else:
        funds = queries.programme_accounts(first=first, last=last)
        lines = [(one.code, one.account) for one in funds if fund in (None, one.fund)]
    _table(
        [name.removesuffix("_points") for name in _FIGURES],
        [(name, [getattr(account, figure) for figure in _FIGURES]) for name, account in lines],
    )
    _say_what_may_change(last)


@click.command()
@FIRST
@LAST
@FUND
@click.option(
    "--csv", "file", type=click.Path(path_type=Path, dir_okay=False), help="Write the parts there."
)
def funding(first: date | None, last: date | None, code: str | None, file: Path | None) -> None:
    """Who funded what was spent: the figures that partners are settled by."""
    first, last = _period(first, last)
    found = queries.funding(first=first, last=last, fund=_fund(code))
    _table(
        [figure.removesuffix("_points").replace("_", " ") for figure in _FUNDED],
        [(one.code, [getattr(one, figure) for figure in _FUNDED]) for one in found],
    )
    if file is not None:
        _write(file, found)
    _say_what_may_change(last)


COMMANDS = (balance, accounts, funding)

_FIGURES = (*(name for name in Account.__slots__), "outstanding_points")
_FUNDED = (
    "issued_points", "cancelled_points", "clawed_back_points", "spent_points", "returned_points",
    "expired_points", "adjusted_points",
)  # fmt: skip


def _named(text: str) -> tuple[int, str]:
    """Whom a word on the command line means, by number or by id, and how to name them."""
    if re.fullmatch(AN_ID, text):
        who = int(text)
        found = subscribers.by_id(who) if who > 0 else None
    else:
        found = subscribers.by_msisdn(msisdn(text))
        if found is None:
            raise UnknownSubscriber("nobody has this number")
        who = found.id
    return who, f"subscriber {who}, {masked(found.msisdn)}" if found else f"account {who}"


def _period(first: date | None, last: date | None) -> tuple[date, date]:
    last = last or today()
    first = first or last
    if first > last:
        raise click.UsageError(f"{first} is after {last}")
    return first, last


def _fund(code: str | None) -> int | None:
    if code is None:
        return None
    for fund in queries.funds():
        if code in (fund.code, str(fund.fund)):
            return fund.fund
    raise WrongFund(f"there is no fund {code}", fund=code)


def _table(names: Sequence[str], lines: Iterable[tuple[str, Sequence[int]]]) -> None:
    click.echo(f"{'':<12}" + "".join(f"{name:>15}" for name in names))
    for first, figures in lines:
        click.echo(f"{first:<12}" + "".join(f"{figure:>15,}" for figure in figures))


def _write(file: Path, found: Iterable[Funding]) -> None:
    with file.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["fund", "account", "kind", "source", "points", "cancelled_points"])
        writer.writerows(
            [one.code, part.contra.name.lower(), part.kind.name.lower(), part.source, part.points,
             part.cancelled_points]
            for one in found
            for part in one.parts
        )  # fmt: skip


def _say_what_may_change(last: date) -> None:
    counted = queries.counted_until()
    if counted is None or counted < last:
        until = f"after {counted}" if counted else "of these days"
        click.echo(f"figures {until} may still change", err=True)

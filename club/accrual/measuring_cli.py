"""`club campaign budgets` and `uplift`: how a campaign does."""

from datetime import UTC, datetime

import click

from club.accrual import budgets as budgets_of
from club.accrual import uplift as uplift_of
from club.accrual.budgets import Forecast
from club.accrual.cli_options import Moment
from club.accrual.rules.comparing import Difference
from club.accrual.uplift import Uplift
from club.clock import TASHKENT

TIYIN = 100


@click.command("budgets")
@click.argument("code", required=False)
def budgets(code: str | None) -> None:
    """What is left of each budget, and the hour in which it runs out."""
    found = budgets_of.forecasts(now=datetime.now(UTC), campaign=code)
    for one in found:
        click.echo(budget_sentence(one))
    if not found:
        click.echo("no budget is in force")


@click.command("uplift")
@click.argument("code")
@click.option("--from", "since", required=True, type=Moment(), help="Payments from this moment on.")
@click.option("--to", "until", type=Moment(), help="Payments before this moment.  [default: now]")
def uplift(code: str, since: datetime, until: datetime | None) -> None:
    """What a campaign brought, against the subscribers held out of it."""
    now = datetime.now(UTC)
    for line in uplift_sentences(
        uplift_of.uplift(campaign=code, since=since, until=min(until or now, now))
    ):
        click.echo(line)


def budget_sentence(one: Forecast) -> str:
    budget, limit = one.budget, one.budget.limit
    told = (
        f"{budget.name}  {budget.used:,} of {limit.most:,} {limit.unit}"
        f" {'ever' if limit.period == 'ever' else f'a {limit.period}'} ({budget.percent} %)"
    )
    if one.is_stopped:
        since = _moment(one.stopped_since) if one.stopped_since else "more than a week"
        return f"{told}; used up since {since}"
    if one.runs_out_at is None:
        return f"{told}; its end is not in sight"
    return f"{told}; runs out at {_moment(one.runs_out_at)}"


def uplift_sentences(found: Uplift) -> list[str]:
    treated, held_out = found.treated, found.held_out
    return [
        f"in the campaign  {treated.subscribers:,} subscribers, {treated.paying_share:.1%} paid,"
        f" {treated.mean_tiyin / TIYIN:,.0f} so'm each",
        f"held out ({found.holdout_percent} %)  {held_out.subscribers:,} subscribers,"
        f" {held_out.paying_share:.1%} paid, {held_out.mean_tiyin / TIYIN:,.0f} so'm each",
        f"difference  {_interval(found.mean, 1 / TIYIN, ' so’m')} each"
        + (f", {found.percent:+.1f} %" if found.percent is not None else ""),
        f"paying  {_interval(found.paying, 100, ' points of percent')}",
        f"brought  {found.brought_tiyin // TIYIN:,} so'm;"
        f" cost  {found.granted_points:,} points, {found.cost_tiyin // TIYIN:,} so'm"
        + (f"; return {found.return_percent:,} %" if found.return_percent is not None else ""),
        verdict(found),
    ]


def verdict(found: Uplift) -> str:
    """The answer in words."""
    match found.weeks_more, found.mean.value > 0:
        case 0, True:
            return "those in the campaign paid more, and it is no chance"
        case 0, False:
            return "those in the campaign paid less, and it is no chance"
        case None, _:
            return "not distinguishable from chance, and at this size not within a year"
        case weeks, _:
            return f"not distinguishable from chance yet: about {weeks} more weeks"


def _interval(one: Difference, factor: float, unit: str) -> str:
    value, low, high = (figure * factor for figure in (one.value, one.low, one.high))
    return f"{value:+,.1f}{unit} ({low:+,.1f} to {high:+,.1f}, 95 of 100 times)"


def _moment(at: datetime) -> str:
    return f"{at.astimezone(TASHKENT):%d.%m.%Y %H:%M}"


COMMANDS = (budgets, uplift)

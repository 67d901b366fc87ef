"""How the ledger's commands read days and moments."""

from datetime import UTC, date, datetime

import click

from club.clock import TASHKENT, day_of


class Day(click.ParamType[date]):
    name = "YYYY-MM-DD"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> date:
        try:
            return value if isinstance(value, date) else date.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value} is not a day written as 2026-11-22", param, ctx)


class Month(click.ParamType[date]):
    """A month, as its first day."""

    name = "YYYY-MM"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> date:
        try:
            return value if isinstance(value, date) else date.fromisoformat(f"{value}-01")
        except ValueError:
            self.fail(f"{value} is not a month written as 2026-11", param, ctx)


class Moment(click.ParamType[datetime]):
    """Without a zone it is Tashkent's; a day alone is its first moment."""

    name = "YYYY-MM-DDTHH:MM"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        try:
            at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value} is not a moment written as 2026-11-22T14:00", param, ctx)
        return at if at.tzinfo else at.replace(tzinfo=TASHKENT)


def today() -> date:
    return day_of(datetime.now(UTC))

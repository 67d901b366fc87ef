"""What commands of staff have in common: who does it."""

from collections.abc import Callable
from typing import Any

import click

from club.access.models import Staff


class StaffName(click.ParamType[Staff]):
    name = "STAFF"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Staff:
        if isinstance(value, Staff):
            return value
        found = Staff.objects.filter(username=str(value), is_active=True).first()
        if found is None:
            self.fail(f"nobody of the staff is called {value}", param, ctx)
        return found


def by_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--by", required=True, type=StaffName(), help="Who does it: the audit line's name."
    )(command)

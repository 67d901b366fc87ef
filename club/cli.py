"""`club …`: what an operator or a newcomer types. Every command calls one function.

Django is loaded by the commands that need it, so that `club run`, which only watches over its
children, stays small. A room adds its own commands in `club/<room>/cli.py` as a click command or
group named `command`.
"""

import gc
import importlib
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from club.errors import ClubError

BASE = Path(__file__).resolve().parent.parent


class Commands(click.Group):
    """Finds the rooms' own commands by their files, and loads one only when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *rooms_with_commands()})

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if own := super().get_command(ctx, name):
            return own
        if module := rooms_with_commands().get(name):
            set_up_django()
            command = importlib.import_module(module).command
            assert isinstance(command, click.Command)
            return command
        return None

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except ClubError as error:
            raise click.ClickException(error.message or error.code) from error


def rooms_with_commands() -> dict[str, str]:
    """Name of the command -> module. The room gives the name: club/ledger/cli.py is `club ledger`."""
    here = Path(__file__).parent
    rooms = {file.parent.name: f"club.{file.parent.name}.cli" for file in here.glob("*/cli.py")}
    return rooms | {
        "intake": "club.integrations.espp.cli",  # `club intake espp FILE`
        "subscribers": "club.erasure.cli",  # erasing a person concerns every room
        "levels": "club.tiers.levels_cli",
        "transfer": "club.engagement.transfer_cli",
        "campaign": "club.accrual.campaign_cli",
        "segments": "club.accrual.segments_cli",
        "export": "club.accrual.simulation.cli",
        "proposals": "club.access.proposals_cli",
    }


def set_up_django() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "club.settings")
    import django

    django.setup()
    # What is loaded now stays. And a batch makes a hundred thousand objects that live until its
    # end: looking for garbage at every 700th took a quarter of the time of a batch.
    gc.freeze()
    gc.set_threshold(50_000)


@click.group(cls=Commands)
def club() -> None:
    """The loyalty platform of a mobile operator."""


@club.command()
@click.option(
    "--port", envvar="PORT", default=8000, show_default=True, type=click.IntRange(1, 65535)
)
@click.option("--demo/--no-demo", envvar="CLUB_DEMO", default=True, show_default=True)
def run(port: int, demo: bool) -> None:
    """Everything on this machine; Ctrl-C stops everything it started."""
    from club import launcher

    launcher.run(
        home=Path(os.environ.get("CLUB_HOME") or BASE / ".club").absolute(),
        port=port,
        database_url=os.environ.get("DATABASE_URL") or None,
        is_demo=demo,
        echo=click.echo,
    )


@club.command()
@click.option(
    "--port", envvar="PORT", default=8000, show_default=True, type=click.IntRange(1, 65535)
)
def serve(port: int) -> None:
    """The web server."""
    from club import serving

    serving.serve(port=port)


@club.command()
def worker() -> None:
    """Works off the jobs."""
    set_up_django()
    from club import serving

    serving.work()


@club.command()
def sms() -> None:
    """Sends what waits in the outbox, over one SMPP session."""
    set_up_django()
    from club.integrations.smsc import service

    service.main()


@club.command()
def broker() -> None:
    """Takes in the events that a broker has (CLUB_BROKER_URL)."""
    set_up_django()
    from club.accrual import streaming

    streaming.main()


@club.command()
def simulators() -> None:
    """The operator's systems, simulated on loopback."""
    from club import launcher

    launcher.simulate(echo=click.echo)


@club.command()
def migrate() -> None:
    """Bring the database and the sentences to this release."""
    set_up_django()
    from club import upgrade

    upgrade.upgrade(echo=click.echo)


@club.command()
@click.option("--demo", is_flag=True, help="Also load the demo, and print its logins.")
def prepare(demo: bool) -> None:
    """What `run` does before it serves: migrate, and load the demo."""
    set_up_django()
    from club import upgrade

    upgrade.upgrade(echo=to_stderr)
    if demo:
        load_demo()


@club.group(name="demo")
def demo_group() -> None:
    """The demo programme, its subscribers and its logins."""


@demo_group.command()
def load() -> None:
    """The programme: rates, tiers, rewards, texts."""
    set_up_django()
    from club.demo import programme

    programme.load(now=now())


@demo_group.command()
def seed() -> None:
    """Subscribers and their payments, taken in through the register."""
    set_up_django()
    from club.demo import purchases

    purchases.seed(now=now(), echo=click.echo)


@club.command()
def locale() -> None:
    """Compile the sentences people edit (django.po)."""
    from club import translations

    for source in translations.compile_stale():
        click.echo(source.relative_to(BASE))


def load_demo() -> None:
    from club.access import demo as staff
    from club.demo import programme, purchases

    purchases.require_demo_database()
    programme.load(now=now())
    purchases.seed(now=now(), echo=to_stderr)
    for login, password, role in staff.create_demo_staff(now=now()):
        click.echo(f"{login} / {password}  ({role})")


def to_stderr(line: str) -> None:
    click.echo(line, err=True)


def now() -> datetime:
    return datetime.now(tz=UTC)


def main() -> None:
    sys.argv[0] = "club"
    club(prog_name="club")


if __name__ == "__main__":
    main()

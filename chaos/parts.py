"""Who does what in a run: drivers of the ledger, the sweeps, and those who bring things in."""

import contextlib
import io
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import click

from chaos import events, verbs
from chaos.cast import REWARD, Cast
from chaos.choosing import Memory, next_deed
from chaos.diary import Outcome, Page
from club.accrual import inbox
from club.ledger import actions as ledger
from club.ledger.cli import command as ledger_command
from club.ledger.rules import Source
from club.orders import actions as orders

SWEPT_PER_CALL = 5
LONG_TO_SHORT = 500  # files, by their lines: each proof reads them all again
FAR_MONTHS = 24  # how many of these the sweep makes, one at a time


@dataclass
class Driver:
    """Calls the verbs of the ledger in a random mixture."""

    number: int
    cast: Cast
    seed: int
    pause_s: float = 0.05
    memory: Memory = field(init=False)

    def __post_init__(self) -> None:
        self.name = f"driver-{self.number}"
        self.memory = Memory(self.number)

    def learn(self, number: int, page: Page) -> None:
        self.memory.learn(number, page)

    def choose(self, number: int) -> dict[str, Any]:
        return next_deed(number, memory=self.memory, cast=self.cast, seed=self.seed)

    def perform(self, deed: dict[str, Any]) -> Outcome:
        return verbs.VERBS[deed["verb"]](deed, self.cast)


@dataclass
class Sweeper:
    """All that runs over many accounts, as the jobs and the night shift start it."""

    cast: Cast
    seed: int
    name: str = "sweeper"
    pause_s: float = 0.05

    def learn(self, number: int, page: Page) -> None:
        pass

    def choose(self, number: int) -> dict[str, Any]:
        return {"verb": list(self._sweeps())[number % len(self._sweeps())], "number": number}

    def perform(self, deed: dict[str, Any]) -> Outcome:
        return {"count": int(self._sweeps()[deed["verb"]](deed["number"]))}

    def _sweeps(self) -> dict[str, Any]:
        cast, few = self.cast, SWEPT_PER_CALL
        return {
            "expire_due": lambda n: ledger.expire_due(day=cast.day, limit=few).taken,
            "release_expired_holds": lambda n: ledger.release_expired_holds(
                now=datetime.now(UTC), day=cast.day, limit=few
            ),
            "keep_promises": lambda n: ledger.keep_promises(now=datetime.now(UTC), limit=few),
            "extend_many": lambda n: ledger.extend_many(
                source=Source.STAFF, ref="sweep", day=cast.day, ending_on=cast.ending_on,
                to=cast.moved_to, reason="chaos", actor=verbs.ACTOR, limit=few,
            ).taken,
            "expire_inactive": lambda n: ledger.expire_inactive(
                day=cast.day, active_since=cast.day - timedelta(days=200), after=None, limit=few
            ).taken,
            "follow_successors": lambda n: ledger.follow_successors(day=cast.day, limit=few),
            "make_months": lambda n: ledger.make_months(
                first=cast.day.replace(year=2040, month=1 + n % 12), months=1 + n % FAR_MONTHS
            ) if n % 49 == 0 else 0,
        }  # fmt: skip


@dataclass
class Intake:
    """Payments and their cancellations, in slices; some come twice, some out of order."""

    cast: Cast
    seed: int
    name: str = "intake"
    pause_s: float = 0.15
    delivered: int = 0

    def learn(self, number: int, page: Page) -> None:
        if page.is_done:
            self.delivered = max(self.delivered, page.deed["until"])

    def choose(self, number: int) -> dict[str, Any]:
        rng = Random(f"{self.seed}:intake:{number}")
        if self.delivered and rng.random() < 0.2:  # a slice that comes again
            first = rng.randrange(self.delivered)
            until = min(self.delivered, first + 10)
        else:
            first, until = self.delivered, self.delivered + rng.randint(1, 20)
        return {"verb": "receive", "first": first, "until": until}

    def perform(self, deed: dict[str, Any]) -> Outcome:
        slice_ = events.between(deed["first"], deed["until"], cast=self.cast, seed=self.seed)
        receipts = inbox.receive(slice_, now=datetime.now(UTC))
        verdicts = {str(receipt.verdict) for receipt in receipts}
        return {"conflicts": sorted(verdicts & {"conflicting", "rejected"})}


@dataclass
class Buyer:
    """Orders of rewards, some pressed twice; the worker has them delivered."""

    cast: Cast
    seed: int
    name: str = "buyer"
    pause_s: float = 0.15

    def learn(self, number: int, page: Page) -> None:
        pass

    def choose(self, number: int) -> dict[str, Any]:
        rng = Random(f"{self.seed}:buyer:{number}")
        pressed = number - (number > 1 and rng.random() < 0.1)  # or the button of the last one
        who, _ = Random(f"{self.seed}:order:{pressed}").choice(self.cast.buyers)
        return {"verb": "place", "who": who, "key": f"order-{pressed}"}

    def perform(self, deed: dict[str, Any]) -> Outcome:
        order = orders.place(
            subscriber_id=deed["who"], reward_code=REWARD, key=deed["key"], price_points=None,
            now=datetime.now(UTC),
        )  # fmt: skip
        return {"order": str(order.id)}


@dataclass
class Importer:
    """`club ledger import FILE --write` and `club ledger accrue FILE` in turn: long files first, of
    several transactions each, then short ones."""

    cast: Cast
    seed: int
    lines: dict[str, int]
    """Of the first file of each verb."""
    name: str = "importer"
    pause_s: float = 1.5

    def learn(self, number: int, page: Page) -> None:
        pass

    def choose(self, number: int) -> dict[str, Any]:
        verb = ("import", "accrue")[number % 2]
        long = self.lines[verb]
        return {
            "verb": verb,
            "file": number,
            "lines": long if number <= 2 else long // LONG_TO_SHORT,
        }

    def perform(self, deed: dict[str, Any]) -> Outcome:
        file = self.cast.folder / f"{deed['verb']}-{deed['file']}.csv"
        file.write_text(self._content(deed))
        options = {
            "import": ["--write", "--day", self.cast.day.isoformat()],
            "accrue": ["--prefix", "bank"],
        }[deed["verb"]]
        said = io.StringIO()
        try:
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                ledger_command.main([deed["verb"], str(file), *options], standalone_mode=False)
        except (SystemExit, click.ClickException) as error:
            raise RuntimeError(
                f"fault was found with the file: {error} {said.getvalue()}"
            ) from error
        for report in Path(self.cast.folder).glob(f"{file.name}.*"):
            report.unlink()
        return {}

    def _content(self, deed: dict[str, Any]) -> str:
        day = {"import": "earned_on", "accrue": "occurred_on"}[deed["verb"]]
        heading = f"ref,subscriber_id,points,{day},expires_on,fund\n"
        people = self.cast.veterans
        return heading + "".join(
            f"f{deed['file']}-{line},{people[line % len(people)]},{1 + line % 50},"
            f"{self.cast.brought_on},{self.cast.good_until},operator\n"
            for line in range(deed["lines"])
        )

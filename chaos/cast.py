"""Who takes part: subscribers by the part they play, so that a plain sum tells what each must have."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from club.catalogue.models import Reward
from club.clock import day_of
from club.demo import programme
from club.ledger import actions as ledger
from club.ledger.rules import Accrual, Source, fingerprint_of
from club.subscribers.models import Subscriber

DRIVERS = 3
REWARD = "minutes-100"
BUDGET, BUDGET_FUND = "chaos", 1
BUDGET_POINTS = 10_000_000
START_POINTS = 100_000
# How the simulator of provisioning behaves for a number with this end.
ENDINGS = ("001", "002", "003", "004", "422", "404", "503", "504", "505", "506")
NOBODYS = 10**12  # from here on: accounts without a subscriber, as a former number has


@dataclass
class Cast:
    folder: Path
    day: date
    now: datetime
    crowd: list[int] = field(default_factory=list)
    """Everybody's: all drivers earn, spend, hold, send and reverse on these at the same time."""
    families: list[list[int]] = field(default_factory=list)
    heirs: list[int] = field(default_factory=list)
    """By driver: the one into whom former numbers are merged."""
    expiring: list[int] = field(default_factory=list)
    """Their points are past their day when they come: the sweep takes them all."""
    extended: list[int] = field(default_factory=list)
    """Their points end on one day, and are moved to another."""
    idle: list[int] = field(default_factory=list)
    """They earned long ago, and have done nothing since."""
    promised: list[int] = field(default_factory=list)
    payers: list[tuple[int, str]] = field(default_factory=list)
    buyers: list[tuple[int, str]] = field(default_factory=list)
    veterans: list[int] = field(default_factory=list)
    """Whose balances come from the system before, and who are in files of accruals."""

    @property
    def good_until(self) -> date:
        return self.day + timedelta(days=400)

    @property
    def past(self) -> date:
        return self.day - timedelta(days=1)

    @property
    def ending_on(self) -> date:
        return self.day + timedelta(days=20)

    @property
    def long_ago(self) -> date:
        return self.day - timedelta(days=400)

    @property
    def brought_on(self) -> date:
        return self.day - timedelta(days=10)

    @property
    def moved_to(self) -> date:
        return self.day + timedelta(days=50)

    def diary(self, name: str) -> Path:
        return self.folder / f"{name}.jsonl"

    def former(self, driver: int, number: int) -> int:
        return NOBODYS + driver * 10**6 + number


def assembled(folder: Path) -> Cast:
    """The programme of the demo, and everybody who takes part, with the points they begin with."""
    now = datetime.now(UTC)
    cast = Cast(folder, day=day_of(now), now=now)
    programme.load(now=now)
    Reward.objects.get(code=REWARD)
    cast.crowd = _ids(_people(now, 24))
    cast.families = [_ids(_people(now, 4)) for _ in range(DRIVERS)]
    cast.heirs = _ids(_people(now, DRIVERS))
    cast.expiring, cast.extended = _ids(_people(now, 12)), _ids(_people(now, 12))
    cast.idle, cast.promised = _ids(_people(now, 12)), _ids(_people(now, 12))
    cast.payers = _people(now, 150)
    cast.buyers = [one for ending in ENDINGS for one in _people(now, 2, ending=ending)]
    cast.veterans = _ids(_people(now, 100))

    ledger.make_fund(fund=BUDGET_FUND, code=BUDGET, name="Chaos")
    ledger.make_budget(
        code=BUDGET, fund=BUDGET_FUND, points=BUDGET_POINTS,
        valid_from=cast.day - timedelta(days=2), valid_until=cast.good_until,
    )  # fmt: skip
    purses = [*cast.crowd, *(who for who, _ in cast.buyers)]
    ledger.post_many(
        source=Source.PARTNER,
        accruals=[
            Accrual(who, "start", cast.day, START_POINTS, cast.good_until, 0, fingerprint_of(who))
            for who in purses
        ],
    )
    return cast


def _people(now: datetime, count: int, *, ending: str | None = None) -> list[tuple[int, str]]:
    there = Subscriber.objects.count()
    joined_at = now - timedelta(days=500)
    made = Subscriber.objects.bulk_create(
        Subscriber(
            msisdn=f"99890{there + n:04}{ending or '000'}",
            tariff="start",
            region="TAS",
            language="uz",
            joined_at=joined_at,
        )
        for n in range(count)
    )
    return [(one.id, one.msisdn) for one in made]


def _ids(people: list[tuple[int, str]]) -> list[int]:
    return [who for who, _ in people]

"""Builders that speak the domain: a test says what it needs in three lines.

Everything goes through the actions of the product; nothing is written into its tables from here
but subscribers.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

from club.access import groups, proposals
from club.access.models import Staff
from club.accrual import actions as accrual
from club.accrual import campaign_files, inbox
from club.accrual.models import Kind, Simulation
from club.accrual.simulation import engine
from club.clock import day_of
from club.demo import programme
from club.ledger import queries as books
from club.subscribers.models import Subscriber

NOW = datetime(2026, 11, 18, 7, 0, tzinfo=UTC)  # a Wednesday, noon in Tashkent
_numbers = count(1)


@dataclass
class Club:
    """The programme with a clock set by hand."""

    now: datetime = NOW

    def open(self) -> "Club":
        programme.load(now=self.now)
        return self

    def subscriber(self, **attributes: Any) -> Subscriber:
        """Somebody with a number of their own; `tariff`, `language`, `birth_date` … as given."""
        number = next(_numbers)
        defaults: dict[str, Any] = {
            "msisdn": f"99891{number:07}",
            "tariff": "start",
            "region": "TAS",
            "language": "uz",
            "birth_date": date(1990, 1, 15),
            "joined_at": self.now - timedelta(days=400),
        }
        return Subscriber.objects.create(**defaults | attributes)

    def pays(
        self,
        who: Subscriber | str,
        amount_uzs: int,
        *,
        at: datetime | None = None,
        channel: str = "app",
        external_id: str | None = None,
    ) -> inbox.Receipt:
        """A payment that is received; `decide` turns it into points."""
        (receipt,) = inbox.receive(
            [
                inbox.Incoming(
                    source="espp",
                    kind=Kind.PAYMENT,
                    external_id=external_id or f"test:{next(_numbers)}",
                    msisdn=who if isinstance(who, str) else who.msisdn,
                    occurred_at=at or self.now,
                    amount_tiyin=amount_uzs * 100,
                    channel=channel,
                    details={},
                )
            ],
            now=self.now,
        )
        return receipt

    def cancels(self, external_id: str) -> inbox.Receipt:
        """A payment is undone; `decide` takes back what it brought."""
        (receipt,) = inbox.receive(
            [
                inbox.Incoming(
                    source="espp",
                    kind=Kind.CANCELLATION,
                    external_id=external_id,
                    msisdn="",
                    occurred_at=self.now,
                    amount_tiyin=0,
                    channel="app",
                    details={},
                )
            ],
            now=self.now,
        )
        return receipt

    def decide(self) -> None:
        while accrual.decide_batch(now=self.now, limit=500).taken:
            pass

    def earns(self, who: Subscriber, amount_uzs: int, **payment: Any) -> int:
        """A payment received and decided; answers the spendable points afterwards."""
        self.pays(who, amount_uzs, **payment)
        self.decide()
        return self.balance(who).spendable_points

    def balance(self, who: Subscriber) -> books.Balance:
        return books.balance(subscriber_id=who.id, day=day_of(self.now))

    def later(self, **delta: float) -> datetime:
        self.now += timedelta(**delta)
        return self.now


def simulated(text: str, *, by: Staff, now: datetime) -> str:
    """A campaign's file of which staff have seen a simulation; written here, for the tests of all that
    comes afterwards. What a simulation finds is told in tests/simulation."""
    document = campaign_files.read(text).document()
    Simulation.objects.create(
        digest=proposals.digest(document),
        code=document["code"],
        document=document,
        first_day=day_of(now),
        last_day=day_of(now),
        engine=engine.current(),
        state=Simulation.State.DONE,
        results={},
        asked_by=by,
        asked_at=now,
    )
    return text


def member(name: str, role: str) -> Staff:
    """Somebody of the staff with the rights of a role."""
    staff = Staff.objects.create_user(name, password="of the tests")
    staff.groups.add(groups.ensure()[role])
    return staff

"""A campaign whose second version is faulty, and staff who take back what it granted."""

import json
from datetime import datetime
from typing import Any

from club.access import groups, proposals
from club.access.models import Proposal
from club.accrual import campaigns, inbox
from club.accrual.clawback import proposing as clawbacks
from club.accrual.clawback import working
from club.accrual.clawback.preview import Preview, preview
from club.accrual.clawback.selecting import Selection, select
from club.accrual.models import Clawback, Kind, Used
from club.accrual.rules.model import Rule, digest
from club.clock import day_of
from club.ledger import actions as ledger
from club.ledger import queries as books
from club.ledger.rules import ClawbackPolicy, Source
from club.subscribers.models import Subscriber
from tests.accrual.conftest import PAYMENT, TEXTS, Office
from tests.builders import member, simulated

FUND = 3
PAID_BY = [{"fund": FUND, "percent": 100}]
MONTH: list[dict[str, Any]] = [{"period": "month", "unit": "points", "most": 100_000}]


def rule(points: int, **reward: Any) -> Rule:
    fixed = {"kind": "fixed", "points": points, "cap_per_event": 10_000} | reward
    gift = {"id": "gift", "when": PAYMENT, "reward": fixed, "limits": MONTH}
    return Rule.model_validate_json(json.dumps(gift))


def file(points: int, **reward: Any) -> str:
    named = {"gift": {"names": TEXTS, "rule": rule(points, **reward).model_dump(mode="json")}}
    return json.dumps({"code": "spring", "names": TEXTS, "paid_by": PAID_BY, "rules": named})


class Story:
    """The campaign "spring" should bring 10 points a payment; its second version brings 100."""

    def __init__(self, club: Office) -> None:
        self.club = club
        self.marketer = member("malika", groups.MARKETING)
        self.head = member("rustam", groups.MARKETING_HEADS)
        ledger.make_fund(fund=FUND, code="bank", name="A bank")
        self.runs(file(10))
        self.good = club.now
        club.later(days=1)
        self.faulty_since = club.now
        self.runs(file(100))

    def approves(self, proposal: Proposal) -> Proposal:
        return proposals.approve(
            proposal_id=proposal.pk, digest=proposal.digest, by=self.head, now=self.club.now
        )

    def runs(self, text: str) -> None:
        simulated(text, by=self.marketer, now=self.club.now)
        asked = campaigns.propose(text=text, why="spring", by=self.marketer, now=self.club.now)
        self.approves(asked)

    def pays(self, who: Subscriber, **more: Any) -> str:
        """A payment too small for the everyday rule; answers its external id."""
        external_id = f"pay:{who.pk}:{self.club.now.isoformat()}:{len(more)}"
        self.club.earns(who, 900, external_id=external_id, **more)
        return external_id

    def cancels(self, who: Subscriber, external_id: str) -> None:
        self.sends_cancellation(who, external_id)
        self.club.decide()

    def sends_cancellation(self, who: Subscriber, external_id: str) -> None:
        inbox.receive(
            [
                inbox.Incoming(
                    source="espp", kind=Kind.CANCELLATION, external_id=external_id,
                    msisdn=who.msisdn, occurred_at=self.club.now, amount_tiyin=900 * 100,
                    channel="app", details={},
                )
            ],
            now=self.club.now,
        )  # fmt: skip

    def spends(
        self, who: Subscriber, points: int, fund: int | None = None, ref: str = "spend"
    ) -> None:
        ledger.spend(
            subscriber_id=who.pk, source=Source.ORDER, ref=ref, day=self.today,
            points=points, fingerprint=b"f" * 16, fund=fund,
        )  # fmt: skip

    @property
    def today(self) -> Any:
        return day_of(self.club.now)

    @property
    def faulty(self) -> str:
        return digest(rule(100).canonical())

    def selection(self, **more: Any) -> Selection:
        span: dict[str, datetime] = {"since": self.faulty_since, "until": self.club.now}
        return select(campaign="spring", **{"versions": [self.faulty[:10]]} | span | more)

    def looks(self) -> Preview:
        return preview(self.selection(), policy=ClawbackPolicy.OTHER_LOTS, now=self.club.now)

    def asks(self, **more: Any) -> Proposal:
        return clawbacks.propose(
            selection=self.selection(), why="ten times too much", by=self.marketer,
            now=self.club.now, **more,
        )  # fmt: skip

    def works(self, clawback: Clawback, limit: int = 7) -> None:
        while working.work(clawback_id=clawback.pk, now=self.club.now, limit=limit):
            pass
        clawback.refresh_from_db()

    def takes_back(self, **more: Any) -> Clawback:
        self.club.later(minutes=1)
        self.approves(self.asks(**more))
        clawback = Clawback.objects.latest("pk")
        self.works(clawback)
        return clawback

    def gives_back(self, clawback: Clawback) -> None:
        self.approves(
            clawbacks.propose_restoring(
                clawback_id=clawback.pk, why="it was right", by=self.marketer, now=self.club.now
            )
        )
        self.works(clawback)

    def has(self, who: Subscriber) -> tuple[int, int]:
        """Spendable and owed points."""
        balance = self.club.balance(who)
        return balance.spendable_points, balance.arrears_points

    def lots(self, who: Subscriber) -> list[books.Lot]:
        return books.lots(subscriber_id=who.pk, day=self.today)

    def used_this_month(self, who: Subscriber) -> tuple[int, int]:
        used = Used.objects.get(counter__counted="rule:gift", subscriber_id=who.pk)
        return used.points, used.times


def assert_books_hold() -> None:
    assert books.prove() == []

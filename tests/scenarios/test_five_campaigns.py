"""Five campaigns of a marketer, over real purchases: written, simulated, approved by somebody else, run,
explained, and rolled back with what they gave.

What a simulation finds is computed here once more, in plain Python over the same events.
"""

import json
from calendar import monthrange
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import groupby
from pathlib import Path
from random import Random
from typing import Any

import pytest

from club.access import groups, proposals
from club.access.errors import OwnProposal
from club.access.models import Proposal, Staff
from club.accrual import actions as accrual
from club.accrual import campaigns, inbox, own_events
from club.accrual.clawback import proposing as clawbacks
from club.accrual.clawback import working
from club.accrual.errors import NotSimulated
from club.accrual.models import Clawback, DayMade, Event
from club.accrual.simulation import actions as simulation
from club.accrual.simulation.wants import Span
from club.clock import TASHKENT, day_of
from club.demo import programme, purchases
from club.languages import CODES
from club.ledger import actions as ledger
from club.ledger import queries as books
from club.reports import decisions
from club.reports.why import telling
from club.subscribers.models import Subscriber
from club.tiers import actions as tiers
from club.tiers import queries as standings
from tests.builders import member

pytestmark = pytest.mark.django_db

FILES = Path(__file__).resolve().parents[2] / "docs" / "campaigns"
NOW = datetime(2026, 11, 22, 18, 0, tzinfo=TASHKENT)  # a Sunday
DAYS = 84
SPAN = Span(day_of(NOW) - timedelta(days=DAYS), day_of(NOW))
BANK = 7
ASKED, MEMBERS, SEED = 200, 500, 5
QUARTERS = 15  # months after which this club congratulates, too


@dataclass
class Story:
    """The club with its history, a marketer and their head."""

    marketer: Staff
    head: Staff
    now: datetime = NOW
    people: dict[int, Subscriber] = field(default_factory=dict)
    told: list[inbox.Incoming] = field(default_factory=list)
    """What came in from outside in the days that are simulated."""

    # ---- what happened -----------------------------------------------------------------------
    def comes_in(self, events: Iterable[inbox.Incoming], *, now: datetime) -> None:
        whole = list(events)
        for first in range(0, len(whole), 2_000):
            receipts = inbox.receive(whole[first : first + 2_000], now=now)
            assert {one.verdict for one in receipts} <= {inbox.Verdict.NEW}, receipts
        while accrual.decide_batch(now=now, limit=2_000).taken:
            pass

    def happens(self, kind: str, who: Subscriber, **more: Any) -> Event:
        """One event of now, decided."""
        found: dict[str, Any] = {"amount_tiyin": 0, "channel": "bank", "details": {}} | more
        number = Event.objects.count()
        at = found.pop("at", self.now)
        one = inbox.Incoming("espp", kind, f"now-{number}", who.msisdn, at, **found)
        self.comes_in([one], now=self.now)
        return Event.objects.get(external_id=f"now-{number}")

    # ---- the way of a campaign ---------------------------------------------------------------
    def simulates(self, text: str) -> dict[str, Any]:
        asked = simulation.ask(text=text, span=SPAN, by=self.marketer, now=self.now)
        done = simulation.run(simulation_id=asked.pk, clock=lambda: self.now + timedelta(minutes=1))
        assert done.state == "done", done.note
        assert done.results is not None
        return dict(done.results)

    def proposes(self, text: str) -> Proposal:
        return campaigns.propose(text=text, why="for autumn", by=self.marketer, now=self.now)

    def approves(self, proposal: Proposal) -> None:
        proposals.approve(
            proposal_id=proposal.pk, digest=proposal.digest, by=self.head, now=self.now
        )

    def takes_back(self, code: str, *, to: datetime) -> Clawback:
        """One step: the campaign as it was before, and what it gave is taken back."""
        for asked in clawbacks.roll_back(
            code=code, to=to, why="a mistake", by=self.marketer, now=self.now
        ):
            self.approves(asked)
        clawback = Clawback.objects.get(campaign=code)
        while working.work(clawback_id=clawback.pk, now=self.now):
            pass
        return Clawback.objects.get(pk=clawback.pk)

    def balance(self, who: Subscriber) -> int:
        found = books.balance(subscriber_id=who.id, day=day_of(self.now))
        return found.spendable_points + found.pending_points

    def sentences(self, event: Event) -> dict[str, str]:
        assert event.subscriber_id is not None
        reader = telling.reader_of(
            subscriber_id=event.subscriber_id, language="uz", today=day_of(self.now)
        )
        explained = telling.event_of(subscriber_id=event.subscriber_id, event_id=event.id)
        return dict(telling.reason_in_all_languages(explained, reader))


@pytest.fixture
def story(settings: Any, tmp_path: Path) -> Story:
    settings.EXPORT = tmp_path / "export"
    settings.TENURE_MONTHS = (QUARTERS,)
    programme.load(now=NOW)
    ledger.make_fund(fund=BANK, code="bank", name="A bank")
    tale = Story(member("malika", groups.MARKETING), member("rustam", groups.MARKETING_HEADS))
    history(tale)
    return tale


def history(story: Story) -> None:
    """Real purchases, month by month, as levels rise; then what other systems and the club itself tell."""
    rows = sorted(purchases.purchases(), key=lambda row: (row.on, row.line))
    moved_by = day_of(NOW) - timedelta(days=1) - rows[-1].on
    joined: dict[int, date] = {}
    for row in rows:
        joined.setdefault(row.customer, row.on + moved_by)
    Subscriber.objects.bulk_create(
        [purchases.subscriber(who, joined_on=on) for who, on in joined.items()], batch_size=2_000
    )
    ids = {one.msisdn: one for one in Subscriber.objects.all()}
    story.people = {who: ids[purchases.msisdn(who)] for who in joined}
    for _, month in groupby(rows, key=lambda row: (row.on + moved_by).replace(day=1)):
        paid = [payment(row, moved_by) for row in month if row.amount_tiyin]
        latest = paid[-1].occurred_at
        story.comes_in(paid, now=latest)
        if day_of(latest) >= SPAN.first - timedelta(days=40):
            tiers.recompute(now=latest)
        story.told += [one for one in paid if day_of(one.occurred_at) >= SPAN.first]
    told = [*months_closed(story), *referrals(story)]
    story.comes_in(told, now=NOW)
    story.told += told
    for kind in ("birthday", "tenure"):
        DayMade.objects.create(kind=kind, day=SPAN.first - timedelta(days=1))
    own_events.make_birthdays(now=NOW)
    own_events.make_tenure(now=NOW)
    story.comes_in([], now=NOW)


def payment(row: purchases.Purchase, moved_by: timedelta) -> inbox.Incoming:
    at = datetime.combine(row.on + moved_by, time(10), TASHKENT) + timedelta(seconds=row.line)
    return inbox.Incoming(
        "espp", "payment", f"demo-{row.line}", purchases.msisdn(row.customer), at,
        row.amount_tiyin, purchases.AGENTS[row.line % len(purchases.AGENTS)], {},
    )  # fmt: skip


def months_closed(story: Story) -> list[inbox.Incoming]:
    """What billing says at each month's end: the lowest balance of some hundreds of subscribers."""
    random = Random(SEED)
    ends = [datetime(2026, month, 1, 1, tzinfo=TASHKENT) for month in (9, 10, 11)]
    return [
        inbox.Incoming(
            "billing",
            "month_closed",
            f"closed-{who}-{at:%Y-%m}",
            story.people[who].msisdn,
            at,
            0,
            "",
            {"lowest_balance_tiyin": random.choice([-5_000, 0, 10_000, 900_000])},
        )
        for who in sorted(story.people)[:MEMBERS]
        for at in ends
    ]


def referrals(story: Story) -> list[inbox.Incoming]:
    random = Random(SEED)
    found = []
    for number in range(ASKED):
        who = story.people[sorted(story.people)[random.randrange(20)]]
        at = NOW - timedelta(days=random.randrange(1, DAYS - 2), minutes=number)
        details: dict[str, object] = {"referral_code": f"F{number}"}
        found.append(
            inbox.Incoming("site", "referral", f"friend-{number}", who.msisdn, at, 0, "", details)
        )
    return found


# ---- what each campaign should bring, in plain Python ------------------------------------------
def level_of(story: Story, msisdn: str, at: datetime) -> str:
    who = next(one for one in story.people.values() if one.msisdn == msisdn)
    return standings.tiers_at([(who.id, at)], base="bronze").get((who.id, at), "bronze")


def golden_weekends(story: Story) -> int:
    by_month: Counter[tuple[str, int]] = Counter()
    for one in story.told:
        at = one.occurred_at.astimezone(TASHKENT)
        is_meant = (
            one.kind == "payment"
            and at.weekday() >= 5
            and one.channel == "bank"
            and one.amount_tiyin > 2_000_000
        )
        if is_meant and level_of(story, one.msisdn, one.occurred_at) == "gold":
            by_month[one.msisdn, at.month] += min(one.amount_tiyin // 100_000, 5_000)
    return sum(min(points, 5_000) for points in by_month.values())


def birthdays(story: Story) -> int:
    percents = {"gold": 150, "platinum": 200}
    found = 0
    for day in span_days():
        for who in story.people.values():
            assert who.birth_date is not None
            born = (who.birth_date.month, who.birth_date.day)
            at = datetime.combine(day, time(9), TASHKENT)
            if born == (day.month, day.day) and who.joined_at <= at:
                level = standings.tiers_at([(who.id, at)], base="bronze").get(
                    (who.id, at), "bronze"
                )
                found += 200 * percents.get(level, 100) // 100
    return found


def without_debt(story: Story) -> int:
    by_person: Counter[str] = Counter()
    for one in story.told:
        if one.kind == "month_closed" and one.details["lowest_balance_tiyin"] >= 0:  # type: ignore[operator]
            by_person[one.msisdn] += 1
    return 300 * sum(months == 3 for months in by_person.values())


def friends(story: Story) -> int:
    by_month = Counter(
        (one.msisdn, one.occurred_at.astimezone(TASHKENT).month)
        for one in story.told
        if one.kind == "referral"
    )
    return 150 * sum(min(count, 3) for count in by_month.values())


def years(story: Story) -> int:
    """Everybody of the demo joined between fifteen and eighteen months ago."""
    joined = [day_of(who.joined_at) for who in story.people.values()]
    return 200 * sum(SPAN.first <= months_after(day, QUARTERS) <= SPAN.last for day in joined)


def months_after(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 + months
    year, month = index // 12, index % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def span_days() -> list[date]:
    return [SPAN.first + timedelta(days=n) for n in range(DAYS + 1)]


# ---- the stories -------------------------------------------------------------------------------
@dataclass
class Tale:
    """A campaign, what it would have brought, and an event that it is for."""

    code: str
    simulated_points: int
    who: Subscriber
    kind: str
    event: dict[str, Any]
    points: int
    misses: dict[str, Any]
    """What of the event is otherwise when it brings nothing."""
    moments: Sequence[datetime] = ()
    """When it happens, if more than once."""


def test_five_campaigns_from_a_draft_to_their_rollback(story: Story) -> None:
    old = story.people[min(story.people)]
    new = Subscriber.objects.create(
        msisdn="998939999999", language="kaa", joined_at=NOW - timedelta(days=100)
    )
    gold = next(one for one in story.people.values() if level_of(story, one.msisdn, NOW) == "gold")
    ends = [datetime(*month, 1, 1, tzinfo=TASHKENT) for month in ((2026, 12), (2027, 1), (2027, 2))]
    debt, none = ({"details": {"lowest_balance_tiyin": tiyin}} for tiyin in (-1, 0))
    tales = (
        Tale("weekend-gold", golden_weekends(story), gold, "payment",
             {"amount_tiyin": 3_000_000}, 30, {"amount_tiyin": 2_000_000}),
        Tale("birthday", birthdays(story), old, "birthday", {}, 200, {}),
        Tale("bring-a-friend", friends(story), old, "referral", {}, 150, {}),
        Tale("years-together", years(story), old, "tenure", {}, 200, {"who": new}),
        Tale("never-in-debt", without_debt(story), old, "month_closed", none, 300, debt, ends),
    )  # fmt: skip
    for tale in tales:
        assert tale.simulated_points > 0, tale.code
        tells(story, tale, (FILES / f"{tale.code}.json").read_text("utf-8"))
        story.now += timedelta(minutes=10)
    assert books.prove() == []


def tells(story: Story, tale: Tale, text: str) -> None:
    with pytest.raises(NotSimulated):
        story.proposes(text)
    found = story.simulates(text)
    assert found["totals"]["draft"]["points"] == tale.simulated_points, tale.code
    assert found["totals"]["before"]["points"] == 0
    assert sum(day["draft"] for day in found["by_day"]) == tale.simulated_points
    if tale.code == "weekend-gold":
        assert [line["value"] for line in found["by_fund"] if line["draft"]] == [0, BANK]

    before = story.now - timedelta(minutes=1)
    proposal = story.proposes(text)
    with pytest.raises(OwnProposal):
        proposals.approve(
            proposal_id=proposal.pk, digest=proposal.digest, by=story.marketer, now=story.now
        )
    story.approves(proposal)

    story.now += timedelta(minutes=1)
    for moment in tale.moments or [story.now]:
        story.now = moment
        had = story.balance(tale.who)
        event = story.happens(tale.kind, tale.who, **tale.event)
    (rule_id,) = json.loads(text)["rules"]
    brought = granted(event)
    assert brought.pop(rule_id) == (tale.points, "granted")
    everyday = sum(points for points, _ in brought.values())
    assert story.balance(tale.who) == had + tale.points + everyday
    assert_told(story, event)
    if tale.misses:
        missed = story.happens(tale.kind, **{"who": tale.who} | tale.event | tale.misses)
        assert granted(missed)[rule_id] == (0, "condition")
        assert_told(story, missed)
        everyday += story.balance(tale.who) - had - tale.points - everyday

    story.now += timedelta(minutes=1)
    taken = story.takes_back(tale.code, to=before)
    assert (taken.state, taken.taken_points) == ("taken", tale.points)
    assert story.balance(tale.who) == had + everyday
    again = story.happens(tale.kind, tale.who, **tale.event)
    assert rule_id not in granted(again), "it has ended"
    assert books.prove() == []


def granted(event: Event) -> dict[str, tuple[int, str]]:
    assert event.subscriber_id is not None
    found = decisions.explained(
        subscriber_id=event.subscriber_id, event_ids=[event.id], fruitless_max=0
    )
    return {one.rule_id: (one.granted, one.reason) for one in found[event.id].decisions}


def assert_told(story: Story, event: Event) -> None:
    """One plain sentence in each language, and not the same in two of them."""
    told = story.sentences(event)
    assert set(told) == set(CODES)
    assert all(told.values())
    assert len(set(told.values())) == len(CODES), told

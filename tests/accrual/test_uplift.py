"""What a campaign brought, against those whom the lot kept out of it."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from club.access import groups, proposals
from club.accrual import campaigns, uplift
from club.accrual.errors import EmptySpan, HoldoutChanged, NoHoldout, NoSuchCampaign
from club.accrual.measuring_cli import verdict
from club.accrual.rows import rows
from club.accrual.rules.comparing import Arm, Difference
from club.accrual.rules.granting import is_held_out
from club.cli import club as command
from club.subscribers.models import Subscriber
from tests.accrual.conftest import PAYMENT, TEXTS, Office
from tests.builders import NOW, member, simulated

GIFT = {"kind": "fixed", "points": 5, "cap_per_event": 5}


class Holding(Office):
    """The club with a campaign that holds out a share."""

    def open(self) -> "Holding":
        super().open()
        self.marketer = member("malika", groups.MARKETING)
        self.head = member("rustam", groups.MARKETING_HEADS)
        return self

    def runs(self, percent: int) -> None:
        rule = {"id": "gift", "when": PAYMENT, "reward": GIFT}
        file = {
            "code": "spring", "names": TEXTS, "holdout_percent": percent,
            "rules": {"gift": {"names": TEXTS, "rule": rule}},
        }  # fmt: skip
        text = simulated(json.dumps(file), by=self.marketer, now=self.now)
        asked = campaigns.propose(text=text, why="w", by=self.marketer, now=self.now)
        proposals.approve(proposal_id=asked.pk, digest=asked.digest, by=self.head, now=self.now)


@pytest.fixture
def office(db: None) -> Holding:
    return Holding().open()


def crowd(club: Office, held_out: int, treated: int) -> tuple[list[Subscriber], list[Subscriber]]:
    """So many of each arm of spring at 30 percent, as the lot has it."""
    arms: tuple[list[Subscriber], list[Subscriber]] = ([], [])
    while len(arms[0]) < held_out or len(arms[1]) < treated:
        who = club.subscriber()
        arm, most = (arms[0], held_out) if is_held_out("spring", who.pk, 30) else (arms[1], treated)
        if len(arm) < most:
            arm.append(who)
        else:
            who.delete()
    return arms


def test_the_arms_are_everybody_whom_the_lot_put_there_and_what_they_paid(office: Holding):
    held_out, treated = crowd(office, 5, 15)
    office.runs(30)
    since = office.now
    office.later(hours=1)
    for nth, who in enumerate(treated[:10]):
        office.pays(who, 20_000 + nth * 1_000)
    for nth, who in enumerate(held_out[:2]):
        office.pays(who, 10_000 + nth * 500)
    office.decide()
    office.later(days=6)

    found = uplift.uplift(campaign="spring", since=since, until=office.now)

    assert found.holdout_percent == 30
    assert (found.treated.subscribers, found.treated.paying) == (15, 10)
    assert (found.held_out.subscribers, found.held_out.paying) == (5, 2)
    assert found.treated.sum_tiyin == 24_500_000
    assert found.held_out.sum_tiyin == 2_050_000
    assert found.mean.value == pytest.approx(24_500_000 / 15 - 2_050_000 / 5)
    assert found.mean.low < found.mean.value < found.mean.high
    assert found.percent == pytest.approx(100 * (24_500_000 / 15 / 410_000 - 1))
    assert found.granted_points == 50  # nobody who is held out got any
    assert found.cost_tiyin == 50 * 200
    assert found.brought_tiyin == round(found.mean.value * 15)


def test_a_cancelled_payment_and_one_outside_the_span_count_nothing(office: Holding):
    _, (who,) = crowd(office, 0, 1)
    office.runs(30)
    since = office.now
    office.earns(who, 5_000)
    office.later(days=2)
    office.earns(who, 7_000)

    found = uplift.uplift(campaign="spring", since=since, until=since + timedelta(days=1))

    assert found.treated.sum_tiyin == 500_000
    assert found.mean.is_chance


def test_the_database_draws_the_same_lots_as_the_rules(office: Holding):
    for code in ("spring", "autumn", "x"):
        for percent in (1, 30, 50):
            found = rows(
                f"select s.id, {uplift.IS_HELD_OUT} from (select generate_series(1, 500) as id"
                " union all select generate_series(9000000, 9000500)) s",
                **uplift.holdout_terms(code, percent),
            )
            assert found == [(id_, is_held_out(code, id_, percent)) for id_, _ in found]


def test_without_one_holdout_for_the_whole_span_there_is_nothing_to_compare(office: Holding):
    office.runs(0)
    since = office.now
    until = since + timedelta(days=3)
    with pytest.raises(NoHoldout, match="held nobody out"):
        uplift.uplift(campaign="spring", since=since, until=until)
    office.later(days=1)
    office.runs(30)
    with pytest.raises(HoldoutChanged, match="0 %, 30 %"):
        uplift.uplift(campaign="spring", since=since, until=until)
    with pytest.raises(EmptySpan):
        uplift.uplift(campaign="spring", since=until, until=since)
    with pytest.raises(NoSuchCampaign):
        uplift.uplift(campaign="winter", since=since, until=until)
    assert uplift.uplift(campaign="spring", since=office.now, until=until).mean.is_chance
    assert uplift.comparable_since(campaign="spring", since=since, until=until) == office.now
    later = office.now + timedelta(hours=1)
    assert uplift.comparable_since(campaign="spring", since=later, until=until) == later


def test_the_command_says_in_words_what_it_brought(office: Holding):
    office.now = datetime.now(UTC).replace(microsecond=0) - timedelta(days=20)
    held_out, treated = crowd(office, 5, 15)
    office.runs(30)
    since = office.now.isoformat()
    office.later(hours=1)
    for nth, who in enumerate([*treated, *held_out]):
        office.pays(who, 50_000 + nth * 10 if who in treated else 10_000 + nth * 10)
    office.decide()

    told = CliRunner().invoke(command, ["campaign", "uplift", "spring", "--from", since])

    assert told.exit_code == 0, told.output
    assert "in the campaign  15 subscribers, 100.0% paid, 50,070 so'm each" in told.output
    assert "held out (30 %)  5 subscribers, 100.0% paid, 10,170 so'm each" in told.output
    assert "cost  75 points, 150 so'm" in told.output
    assert "paid more, and it is no chance" in told.output


@pytest.mark.parametrize(
    ("mean", "words"),
    [
        (Difference(10, 1, 19), "paid more"),
        (Difference(-10, -19, -1), "paid less"),
        (Difference(10, -10, 30), "about 6 more weeks"),
        (Difference(0.1, -10, 10.2), "not within a year"),
    ],
)
def test_the_verdict_follows_from_the_interval(mean: Difference, words: str):
    arm = Arm(2, 1, 10, 100)
    found = uplift.Uplift(
        campaign="spring", since=NOW, until=NOW + timedelta(weeks=2), holdout_percent=30,
        treated=arm, held_out=arm, mean=mean, paying=mean, granted_points=0, cost_tiyin=0,
    )  # fmt: skip

    assert words in verdict(found)

"""A marketer asks what a campaign would have done, before anybody approves it."""

import io
from datetime import date, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from club.access import proposals
from club.access.errors import MayNotPropose
from club.access.models import AuditLine, Staff
from club.accrual import campaigns, segments
from club.accrual.errors import BadCampaign, BadSpan, FundIsFixed, NoEvents, NotSimulated
from club.accrual.models import Simulation
from club.accrual.rules.granting import is_held_out
from club.accrual.simulation import actions, engine, export
from club.accrual.simulation.wants import Span
from club.cli import club as command
from tests.accrual.conftest import PAYMENT, Office
from tests.builders import NOW, member
from tests.simulation.conftest import draft, gift

NOVEMBER = Span(date(2026, 11, 1), date(2026, 11, 18))


class Story:
    def __init__(self, club: Office, marketer: Staff) -> None:
        self.club, self.marketer = club, marketer

    def pays(self, who: object, *amounts_uzs: int, days_ago: int = 1) -> None:
        for number, amount in enumerate(amounts_uzs):
            at = NOW - timedelta(days=days_ago, hours=-number)
            self.club.pays(who, amount, at=at)  # type: ignore[arg-type]
        self.club.decide()

    def simulates(self, text: str, span: Span = NOVEMBER) -> Simulation:
        asked = actions.ask(text=text, span=span, by=self.marketer, now=self.club.now)
        return self.runs(asked)

    def runs(self, asked: Simulation, told: actions.Told | None = None) -> Simulation:
        """A minute later: what was decided until then is there."""
        return actions.run(
            simulation_id=asked.pk, clock=lambda: self.club.now + timedelta(minutes=1), told=told
        )

    def finds(self, text: str, span: Span = NOVEMBER) -> dict:
        done = self.simulates(text, span)
        assert done.state == "done", done.note
        return done.results


@pytest.fixture
def story(club: Office, marketer: Staff) -> Story:
    club.now += timedelta(minutes=1)
    return Story(club, marketer)


def test_a_new_campaign_tells_points_cost_and_who_would_get_them(story: Story) -> None:
    ali, vali = story.club.subscriber(), story.club.subscriber(tariff="vip")
    story.pays(ali, 1_000, 2_000, 3_000)
    story.pays(vali, 900, days_ago=2)

    found = story.finds(draft(gift(5)))

    assert found["events"] == 4
    assert found["totals"]["draft"]["points"] == 20
    assert found["totals"]["before"]["points"] == 0
    assert found["totals"]["draft"]["subscribers"] == 2
    assert found["point_worth_tiyin"] == 200
    assert [(line["day"], line["draft"]) for line in found["by_day"] if line["draft"]] == [
        ("2026-11-16", 5),
        ("2026-11-17", 15),
    ]
    assert found["by_tariff"] == [
        {"value": "start", "before": 0, "draft": 15},
        {"value": "vip", "before": 0, "draft": 5},
    ]
    assert found["most"] == [
        {"subscriber_id": ali.id, "draft": 15, "before": 0},
        {"subscriber_id": vali.id, "draft": 5, "before": 0},
    ]
    assert (found["winners"]["subscribers"], found["losers"]["subscribers"]) == (2, 0)


def test_a_change_is_compared_with_what_was_in_force(story: Story) -> None:
    rich, poor = story.club.subscriber(), story.club.subscriber()
    story.pays(rich, 50_000)
    story.pays(poor, 2_000)
    flat = gift(10) | {"id": "everyday"}

    found = story.finds(draft(flat, code="fund-0"))

    assert found["totals"]["before"]["points"] == 52
    assert found["totals"]["draft"]["points"] == 20
    assert found["winners"] == {
        "subscribers": 1, "points": 8,
        "most": [{"subscriber_id": poor.id, "before": 2, "draft": 10}],
    }  # fmt: skip
    assert found["losers"] == {
        "subscribers": 1, "points": 40,
        "most": [{"subscriber_id": rich.id, "before": 50, "draft": 10}],
    }  # fmt: skip


def test_a_budget_burns_down_and_the_day_of_its_end_is_told(story: Story) -> None:
    who = story.club.subscriber()
    for days_ago in (5, 4, 3, 2):
        story.pays(who, 1_000, days_ago=days_ago)
    budget = {
        "of": "campaign",
        "each": "all",
        "period": "ever",
        "unit": "points",
        "most": 12,
    }

    (burnt,) = story.finds(draft(gift(5, limits=[budget])))["budgets"]

    assert burnt["most"] == 12
    assert burnt["used_up_on"] == "2026-11-15"
    assert burnt["used_by_day"][-6:] == [5, 10, 12, 12, 12, 12]


def test_how_much_the_order_of_events_matters_is_told(story: Story) -> None:
    """Fifty points a payment for each ten thousand so'm, one payment a day: the first or the last."""
    who = story.club.subscriber()
    story.pays(who, 10_000, 70_000)
    reward = {"kind": "per_unit", "per": 100_000, "points": 1, "cap_per_event": 500}
    once = {"period": "day", "unit": "times", "most": 1}

    found = story.finds(draft({"id": "gift", "when": PAYMENT, "reward": reward, "limits": [once]}))

    assert found["totals"]["draft"]["points"] == 10
    assert found["turned"] == {"subscribers": 1, "points": 60, "moved_points": 60}


def test_a_cancelled_payment_brings_nothing_whenever_it_was_cancelled(story: Story) -> None:
    who = story.club.subscriber()
    story.club.pays(who, 1_000, at=NOW - timedelta(days=1), external_id="bad")
    story.pays(who, 2_000)
    assert story.finds(draft(gift(5)))["totals"]["draft"]["points"] == 10
    story.club.later(hours=5)
    story.club.cancels("bad")
    story.club.decide()

    found = story.finds(draft(gift(6)))

    assert found["events"] == 1
    assert found["totals"]["draft"]["points"] == 6


def test_days_on_which_nothing_happened_are_refused_in_words_before_anything_runs(
    story: Story,
) -> None:
    story.pays(story.club.subscriber(), 1_000)
    with pytest.raises(NoEvents, match="nothing happened from 2026-10-01 to 2026-10-31"):
        story.simulates(draft(gift()), Span(date(2026, 10, 1), date(2026, 10, 31)))
    export.bring_up_to_date(now=story.club.now)
    with pytest.raises(NoEvents):
        story.simulates(draft(gift()), Span(date(2026, 11, 1), date(2026, 11, 16)))
    assert not Simulation.objects.exists()


@pytest.mark.parametrize(
    "span",
    [
        Span(date(2026, 11, 2), date(2026, 11, 1)),
        Span(date(2026, 11, 1), date(2026, 11, 19)),
        Span(date(2023, 1, 1), date(2026, 11, 1)),
    ],
)
def test_days_that_are_none_are_refused(story: Story, span: Span) -> None:
    with pytest.raises(BadSpan):
        story.simulates(draft(gift()), span)


def test_what_could_not_be_put_in_force_is_not_simulated_either(story: Story) -> None:
    story.pays(story.club.subscriber(), 1_000)
    with pytest.raises(BadCampaign):
        story.simulates("{}")
    with pytest.raises(FundIsFixed):
        story.simulates(
            draft(gift() | {"id": "everyday"}, code="fund-0", paid_by=[{"fund": 7, "percent": 100}])
        )
    with pytest.raises(MayNotPropose):
        actions.ask(text=draft(gift()), span=NOVEMBER, by=member("dilnoza", "Call centre"), now=NOW)


def test_a_fact_that_nobody_knows_and_a_rule_that_brings_nothing_are_warned_of(
    story: Story,
) -> None:
    story.pays(story.club.subscriber(birth_date=None), 1_000)
    birthday = {"kind": "compare", "field": "is_birthday", "op": "eq", "value": True}

    found = story.finds(draft(gift(when=birthday)))

    assert found["warnings"] == [
        {"code": "fact_unknown", "value": "is_birthday"},
        {"code": "rule_brought_nothing", "value": "gift"},
    ]


def test_a_type_of_event_and_a_list_that_no_event_knows_are_warned_of(story: Story) -> None:
    who = story.club.subscriber()
    story.pays(who, 1_000)
    numbers = io.BytesIO(who.msisdn.encode())
    segments.bring_in(
        code="vip", stream=numbers, name="VIP", why="new", by=story.marketer, now=story.club.now
    )
    on_it = {"kind": "in_segment", "segment": "vip"}
    charged = gift(trigger=["payment", "charge"], when=on_it)

    found = story.finds(draft(charged))

    assert found["warnings"] == [
        {"code": "event_type_unknown", "value": "charge"},
        {"code": "segment_unknown", "value": "vip"},
        {"code": "rule_brought_nothing", "value": "gift"},
    ]


def test_how_often_an_occasion_came_and_who_is_held_out_is_told(story: Story) -> None:
    people = [story.club.subscriber() for _ in range(12)]
    for who in people:
        story.pays(who, 1_000, 1_000, 1_000)
    second = gift(5, occasion={"kind": "nth", "n": 2, "period": "ever"})
    out = [who for who in people if is_held_out("spring", who.id, 40)]
    assert 0 < len(out) < 12

    found = story.finds(draft(second, holdout_percent=40))

    assert found["totals"]["draft"]["held_out"] == len(out)
    assert found["totals"]["draft"]["subscribers"] == 12 - len(out)
    assert found["by_rule"] == [
        {"rule": "gift", "occasions": 12 - len(out), "times": 12 - len(out), "points": 60 - 5 * len(out)}
    ]  # fmt: skip
    assert found["turned"]["subscribers"] == 0, "the second is in the middle"


def test_backwards_another_payment_may_be_the_occasion(story: Story) -> None:
    """The first payment that is counted is a small one, the other way round the large one."""
    story.pays(story.club.subscriber(), 10_000, 70_000)
    reward = {"kind": "per_unit", "per": 100_000, "points": 1, "cap_per_event": 500}
    first = {"kind": "nth", "n": 1, "period": "ever"}

    found = story.finds(draft({"id": "gift", "when": PAYMENT, "reward": reward, "occasion": first}))

    assert found["totals"]["draft"]["points"] == 10
    assert found["turned"] == {"subscribers": 1, "points": 60, "moved_points": 60}


def test_only_what_was_simulated_is_proposed_and_only_exactly_that(
    story: Story, head: Staff
) -> None:
    story.pays(story.club.subscriber(), 1_000)
    with pytest.raises(NotSimulated):
        campaigns.propose(text=draft(gift(5)), why="spring", by=story.marketer, now=NOW)
    story.simulates(draft(gift(5)))
    with pytest.raises(NotSimulated):
        campaigns.propose(text=draft(gift(6)), why="spring", by=story.marketer, now=NOW)

    asked = campaigns.propose(text=draft(gift(5)), why="spring", by=story.marketer, now=NOW)
    proposals.approve(proposal_id=asked.pk, digest=asked.digest, by=head, now=NOW)

    actions_ = AuditLine.objects.filter(subject_id="spring").order_by("pk")
    assert [line.action for line in actions_] == [
        "simulation.asked", "proposal.made", "proposal.approved",
    ]  # fmt: skip


def test_what_another_release_simulated_is_not_approved(
    story: Story, head: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.pays(story.club.subscriber(), 1_000)
    story.simulates(draft(gift(5)))
    asked = campaigns.propose(text=draft(gift(5)), why="spring", by=story.marketer, now=NOW)

    monkeypatch.setattr(engine, "current", lambda: "another")
    with pytest.raises(NotSimulated):
        proposals.approve(proposal_id=asked.pk, digest=asked.digest, by=head, now=NOW)


def test_what_was_in_force_before_comes_back_without_a_simulation(
    story: Story, head: Staff
) -> None:
    story.pays(story.club.subscriber(), 1_000)
    before = story.club.now
    changed = draft(gift(7) | {"id": "everyday"}, code="fund-0")
    story.simulates(changed)
    asked = campaigns.propose(text=changed, why="more", by=story.marketer, now=story.club.now)
    proposals.approve(
        proposal_id=asked.pk, digest=asked.digest, by=head, now=story.club.later(hours=1)
    )

    back = campaigns.roll_back(
        code="fund-0", to=before, why="worse", by=story.marketer, now=story.club.later(hours=1)
    )
    proposals.approve(
        proposal_id=back.pk, digest=back.digest, by=head, now=story.club.later(hours=1)
    )


def test_a_campaign_is_ended_without_a_simulation(story: Story, head: Staff) -> None:
    asked = campaigns.propose(
        text=draft(code="fund-0"), why="stop", by=story.marketer, now=story.club.now
    )
    proposals.approve(proposal_id=asked.pk, digest=asked.digest, by=head, now=story.club.now)


def test_a_cancelled_simulation_stops_and_stays_cancelled(story: Story) -> None:
    story.pays(story.club.subscriber(), 1_000)
    asked = actions.ask(text=draft(gift()), span=NOVEMBER, by=story.marketer, now=NOW)

    def stop(percent: int) -> None:
        if Simulation.objects.get(pk=asked.pk).state == "running":
            actions.cancel(simulation_id=asked.pk, by=story.marketer, now=NOW)

    ended = story.runs(asked, told=stop)

    assert (ended.state, ended.results) == ("cancelled", None)
    assert story.runs(asked).state == "cancelled"


def test_a_simulation_from_the_command_line_ends_in_a_table(
    story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("club.accrual.simulation.cli.clock", lambda: story.club.now)
    story.pays(story.club.subscriber(), 1_000, 30_000)
    story.club.later(minutes=1)
    path = tmp_path / "spring.json"
    path.write_text(draft(gift(5)))

    def simulate(first: str, last: str) -> tuple[int, str]:
        days = ("--from", first, "--until", last)
        words = ("campaign", "simulate", str(path), *days, "--by", "malika")
        result = CliRunner().invoke(command, words)
        return result.exit_code, result.output

    status, told = simulate("2026-11-01", "2026-11-18")
    assert status == 0, told
    lines = [" ".join(line.split()) for line in told.splitlines()]
    assert "spring, 2026-11-01 to 2026-11-18: 2 events" in lines
    assert "points 0 10" in lines
    assert "subscribers held out 0 0" in lines
    assert "gift - 2 10" in lines
    assert "winners: 1 subscribers, 10 points more" in lines
    assert "spring - 0 rules next: simulated" in " ".join(
        CliRunner().invoke(command, ("campaign", "list")).output.split()
    )
    status, told = simulate("2026-01-01", "2026-01-31")
    assert status == 1
    assert "nothing happened from 2026-01-01 to 2026-01-31: choose days with events" in told

"""Staff see of each budget what is left, when it runs out, and since when it stands still."""

from datetime import timedelta

from click.testing import CliRunner
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from club.accrual import budgets, inbox, paces
from club.accrual.models import Decision, Kind, RuleHour
from club.cli import club as command
from tests.accrual.conftest import Office

GIFT = {"kind": "fixed", "points": 10, "cap_per_event": 10}
BUDGET = {"of": "campaign", "each": "all", "period": "ever", "unit": "points", "most": 1_000}
DAILY = {"each": "all", "period": "day", "unit": "times", "most": 3}


def test_a_budget_is_used_up_at_the_pace_of_its_hours_so_far(club: Office):
    club.publish("gift", reward=GIFT, limits=[BUDGET], fund=1)
    who = club.subscriber()
    for _ in range(5):
        for _ in range(2):
            club.earns(who, 900)
        club.later(hours=1)

    (found,) = budgets.forecasts(now=club.now, campaign="fund-1")

    assert (found.budget.name, found.budget.rules) == ("fund-1", ("gift",))
    assert (found.budget.used, found.budget.left, found.budget.percent) == (100, 900, 10)
    assert found.pace == 100
    assert found.runs_out_at == club.now + timedelta(hours=44)  # 20 points an hour
    assert (found.is_stopped, found.stopped_since) == (False, None)


def test_a_budget_of_a_day_that_begins_anew_before_is_no_alarm(club: Office):
    club.publish("gift", reward=GIFT, limits=[DAILY], fund=1)
    club.earns(club.subscriber(), 900)
    club.later(hours=10)  # ten in the evening

    (found,) = budgets.forecasts(now=club.now)

    assert found.budget.ends_at == club.now + timedelta(hours=2)
    assert (found.budget.left, found.runs_out_at) == (2, None)


def test_a_budget_that_is_used_up_says_since_when(club: Office):
    club.publish("gift", reward=GIFT, limits=[DAILY], fund=1)
    who = club.subscriber()
    for _ in range(3):
        club.later(minutes=5)
        club.earns(who, 900)
    last = club.now
    club.later(minutes=30)
    assert club.earns(who, 900) == 30

    (found,) = budgets.forecasts(now=club.now)

    assert (found.is_stopped, found.stopped_since, found.runs_out_at) == (True, last, None)
    assert found.budget.name == "gift"


def test_limits_of_one_subscriber_and_rules_out_of_force_are_no_budgets(club: Office):
    mine = {"period": "day", "unit": "points", "most": 50}
    ended = DateTimeTZRange(None, club.now - timedelta(days=1))
    club.publish("mine", reward=GIFT, limits=[mine], fund=1)
    club.publish("ended", reward=GIFT, limits=[DAILY], in_force=ended, fund=1)

    assert budgets.budgets(now=club.now) == []


def test_an_end_of_the_campaign_ends_its_budget(club: Office):
    end = club.now + timedelta(hours=30)
    club.publish("gift", reward=GIFT, limits=[BUDGET], in_force=DateTimeTZRange(None, end), fund=1)
    club.earns(club.subscriber(), 900)
    club.later(hours=1)

    (found,) = budgets.forecasts(now=club.now)

    assert found.budget.ends_at == end
    assert found.runs_out_at is None  # in 99 hours, but it has 29


def test_a_cancelled_payment_gives_a_budget_its_room_back_and_slows_its_pace(club: Office):
    club.publish("gift", reward=GIFT, limits=[BUDGET], fund=1)
    who = club.subscriber()
    club.earns(who, 900, external_id="kept")
    club.earns(who, 900, external_id="cancelled")
    inbox.receive(
        [
            inbox.Incoming(
                source="espp", kind=Kind.CANCELLATION, external_id="cancelled", msisdn=who.msisdn,
                occurred_at=club.now, amount_tiyin=900 * 100, channel="app", details={},
            )
        ],
        now=club.now,
    )  # fmt: skip
    club.decide()
    club.later(hours=1)

    (found,) = budgets.forecasts(now=club.now)

    assert (found.budget.used, found.pace) == (10, 10)


def test_hours_that_were_counted_once_tell_the_same_as_their_decisions(club: Office):
    club.publish("gift", reward=GIFT, limits=[BUDGET], fund=1)
    for _ in range(30):
        club.earns(club.subscriber(), 900)
        club.later(hours=3, minutes=7)
    asked_afresh = budgets.forecasts(now=club.now)

    assert paces.note_hours(now=club.now) == 168
    assert budgets.forecasts(now=club.now) == asked_afresh
    assert paces.note_hours(now=club.now) == 0, "once is enough"

    Decision.objects.all().delete()
    assert budgets.forecasts(now=club.now)[0].pace > 250, "what is counted is not read again"
    club.earns(club.subscriber(), 900)
    club.later(hours=1)
    after = budgets.forecasts(now=club.now)[0].pace
    paces.note_hours(now=club.now + timedelta(hours=1))
    assert budgets.forecasts(now=club.now)[0].pace == after


def test_an_hour_is_counted_when_nothing_can_be_decided_in_it_any_more_and_kept_two_weeks(
    club: Office,
):
    club.now = club.now.replace(minute=10)
    paces.note_hours(now=club.now)
    newest = RuleHour.objects.order_by("-hour").values_list("hour", flat=True).first()
    assert newest == club.now.replace(minute=0) - timedelta(hours=2)

    club.later(days=20)
    paces.note_hours(now=club.now)

    assert RuleHour.objects.count() == 168, "the gap is longer than what anybody asks for"


def test_budgets_are_listed_on_the_command_line(club: Office):
    club.now = club.now.replace(year=2020)
    club.publish("gift", reward=GIFT, limits=[BUDGET], fund=1)

    told = CliRunner().invoke(command, ["campaign", "budgets"])

    assert told.exit_code == 0, told.output
    assert "fund-1  0 of 1,000 points ever (0 %)" in told.output
    assert "not in sight" in told.output

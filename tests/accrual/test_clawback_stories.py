"""A faulty version was live for two days: it is rolled back, and what it granted is taken back."""

from datetime import datetime, timedelta

import pytest
from django.db import transaction

from club.access import proposals, queries
from club.access.errors import MayNotAnswer, Outdated, OwnProposal
from club.access.models import AuditLine, Proposal
from club.accrual.clawback import proposing as clawbacks
from club.accrual.clawback import working
from club.accrual.clawback.preview import CSV_HEADING, Most, as_csv, preview
from club.accrual.errors import ClawbackElsewhere, EmptySpan, NoSuchVersion, NothingToTake
from club.accrual.grants import ref
from club.accrual.models import Clawback, Clawed, Decision
from club.ledger import actions as ledger
from club.ledger.rules import ClawbackPolicy, Source
from club.reports import statement
from club.reports.why.telling import of_line
from tests.accrual.clawing import FUND, Story, assert_books_hold
from tests.accrual.conftest import Office


@pytest.fixture
def story(club: Office) -> Story:
    return Story(club)


def test_a_faulty_version_is_rolled_back_taken_back_half_way_killed_and_given_back(
    story: Story,
) -> None:
    crowd = [story.club.subscriber() for _ in range(60)]
    paid = {who.pk: story.pays(who) for who in crowd}
    story.club.later(days=1)
    for who in crowd[:20]:
        story.pays(who)
    spenders, cancelled = crowd[:10], crowd[10:15]
    for who in spenders:
        story.spends(who, 150)
    for who in cancelled:
        story.cancels(who, paid[who.pk])
    before = {who.pk: story.has(who) for who in crowd}
    assert {before[who.pk] for who in spenders} == {(50, 0)}
    assert {before[who.pk] for who in cancelled} == {(100, 0)}

    story.club.later(minutes=1)
    rolled_back, asked = clawbacks.roll_back(
        code="spring", to=story.good, why="ten times too much", by=story.marketer,
        now=story.club.now,
    )  # fmt: skip
    story.approves(rolled_back)
    told = {change.place: (change.before, change.after) for change in queries.changes_of(asked)}
    assert told["taken/decisions"] == (0, 75)
    assert told["taken/points"] == (0, 7_500)
    assert told["taken/subscribers"] == (0, 60)
    assert told["points_by_fund/3"] == (None, 7_500)
    assert told["owed_points"] == (None, 1_500)
    assert told["versions/01"] == (None, story.faulty)
    story.approves(asked)
    clawback = Clawback.objects.get()

    working.work(clawback_id=clawback.pk, now=story.club.now, limit=20)
    killed_before_its_commit(clawback, story.club.now)
    assert Clawed.objects.filter(state="open").count() == 55
    story.works(clawback)

    assert (clawback.state, clawback.taken_points, clawback.lines_done) == ("taken", 7_500, 75)
    assert {story.has(who) for who in spenders} == {(0, 150)}
    assert {story.has(who) for who in crowd[10:]} == {(0, 0)}
    assert_books_hold()
    assert (
        story.club.earns(story.club.subscriber(), 900) == 10
    )  # the good version is in force again

    story.gives_back(clawback)

    assert clawback.state == "restored"
    assert clawback.restored_points == 7_500
    assert {who.pk: story.has(who) for who in crowd} == before
    assert {lot.fund for who in crowd for lot in story.lots(who)} == {FUND}
    assert_books_hold()
    story.works(clawback)
    assert {who.pk: story.has(who) for who in crowd} == before


def killed_before_its_commit(clawback: Clawback, now: datetime) -> None:
    """A slice whose transaction the database rolls back, as it does when its worker is gone."""
    with transaction.atomic():
        assert working.work(clawback_id=clawback.pk, now=now, limit=20) >= 20
        transaction.set_rollback(True)


def test_a_subscriber_reads_that_points_were_taken_back_and_no_more_once_they_are_given_back(
    story: Story,
) -> None:
    who = story.club.subscriber()
    story.pays(who)
    story.takes_back()

    def why() -> str:
        (grant,) = Decision.objects.filter(subscriber_id=who.pk)
        line = f"{grant.decided_at:%Y-%m-%d}:{Source.ACCRUAL.value}:{ref(grant.event_id, grant.rule_id)}"
        told = of_line(subscriber_id=who.pk, line_id=line, language="en", now=story.club.now)
        return told.reason

    assert why() == "These points had been credited by mistake, and were taken back"

    story.gives_back(Clawback.objects.get())

    assert why() == "This offer counts in full: 100 points"


def test_a_payment_cancelled_after_the_clawback_is_not_taken_twice(story: Story) -> None:
    who = story.club.subscriber()
    paid = story.pays(who)
    story.takes_back()

    story.cancels(who, paid)

    assert story.has(who) == (0, 0)
    line = Decision.objects.get(subscriber_id=who.pk, reason="clawed")
    assert (line.wanted, line.granted) == (-100, 0)
    assert story.used_this_month(who) == (0, 0)
    assert_books_hold()


def test_a_payment_cancelled_between_approval_and_its_turn_is_spared(story: Story) -> None:
    who = story.club.subscriber()
    paid = story.pays(who)
    story.club.later(minutes=1)
    story.approves(story.asks())
    story.cancels(who, paid)

    story.works(Clawback.objects.get())

    assert story.has(who) == (0, 0)
    line = Clawed.objects.get()
    assert (line.state, line.note, line.taken_points) == ("spared", "cancelled", 0)
    assert_books_hold()


def test_arrears_by_policy_are_told_before_and_made_as_told(story: Story) -> None:
    rich, poor = story.club.subscriber(), story.club.subscriber()
    for who in (rich, poor):
        story.pays(who)
    story.club.pays(rich, 500_000)
    story.club.decide()
    for who in (rich, poor):
        story.spends(who, 60, fund=FUND)
    story.club.later(minutes=1)

    by_others = story.looks()
    by_arrears = preview(story.selection(), policy=ClawbackPolicy.ARREARS, now=story.club.now)

    assert (by_others.points, by_others.spent_points, by_others.owed_points) == (300, 120, 60)
    assert by_others.owing_subscribers == 1
    assert by_others.most == [Most(200, 0, rich.pk), Most(100, 60, poor.pk)]
    assert (by_arrears.spent_points, by_arrears.owed_points) == (120, 120)
    story.takes_back(policy=ClawbackPolicy.ARREARS)
    assert [story.has(who)[1] for who in (rich, poor)] == [60, 60]
    assert_books_hold()


def test_what_is_approved_is_what_was_previewed(story: Story) -> None:
    who = story.club.subscriber()
    paid = story.pays(who)
    story.pays(story.club.subscriber())
    story.club.later(minutes=1)
    asked = story.asks()
    story.cancels(who, paid)

    with pytest.raises(Outdated):
        story.approves(asked)

    assert not Clawback.objects.exists()
    proposals.withdraw(proposal_id=asked.pk, by=story.marketer, now=story.club.now)
    assert story.asks().document["taken"] == {"decisions": 1, "subscribers": 1, "points": 100}


def test_whoever_asks_for_a_clawback_does_not_approve_it(story: Story) -> None:
    who = story.club.subscriber()
    story.pays(who)
    story.club.later(minutes=1)
    asked = clawbacks.propose(
        selection=story.selection(), why="mine", by=story.head, now=story.club.now
    )

    with pytest.raises(OwnProposal):
        story.approves(asked)

    assert story.has(who) == (100, 0)


def test_a_clawback_is_stopped_between_slices_and_what_it_took_can_come_back(story: Story) -> None:
    crowd = [story.club.subscriber() for _ in range(6)]
    for who in crowd:
        story.pays(who)
    story.club.later(minutes=1)
    story.approves(story.asks())
    clawback = Clawback.objects.get()
    working.work(clawback_id=clawback.pk, now=story.club.now, limit=2)
    with pytest.raises(MayNotAnswer):
        clawbacks.stop(clawback_id=clawback.pk, why="x", by=story.marketer, now=story.club.now)

    clawbacks.stop(clawback_id=clawback.pk, why="wait", by=story.head, now=story.club.now)
    story.works(clawback)

    assert [story.has(who)[0] for who in crowd] == [0, 0, 100, 100, 100, 100]
    (line,) = AuditLine.objects.filter(action="clawback.stopped")
    assert (line.by, line.details["taken_points"], line.details["lines_left"]) == (
        story.head, 200, 4,
    )  # fmt: skip
    story.gives_back(clawback)
    assert {story.has(who) for who in crowd} == {(100, 0)}
    with pytest.raises(ClawbackElsewhere):
        clawbacks.stop(clawback_id=clawback.pk, why="x", by=story.head, now=story.club.now)


def test_a_clawback_leaves_the_good_version_and_other_campaigns_alone(story: Story) -> None:
    who = story.club.subscriber()
    story.club.pays(who, 5_000, at=story.good + timedelta(hours=1))
    story.club.pays(who, 5_000)
    story.club.decide()
    assert story.has(who) == (5 + 10 + 5 + 100, 0)

    story.takes_back()

    assert story.has(who) == (5 + 10 + 5, 0)


def test_nothing_is_asked_for_twice_or_for_nothing(story: Story) -> None:
    story.club.later(minutes=1)
    with pytest.raises(NothingToTake):
        story.asks()
    story.pays(story.club.subscriber())
    clawback = story.takes_back()
    with pytest.raises(NothingToTake):
        story.asks()
    story.gives_back(clawback)
    with pytest.raises(ClawbackElsewhere):
        story.gives_back(clawback)
    with pytest.raises(EmptySpan):
        story.selection(until=story.faulty_since)
    with pytest.raises(NoSuchVersion, match="0 versions"):
        story.selection(versions=["zz"])


def test_the_file_for_review_has_a_line_for_each_decision(story: Story) -> None:
    who = story.club.subscriber()
    story.pays(who)
    story.club.later(minutes=1)

    heading, line = "".join(as_csv(story.selection(), now=story.club.now)).splitlines()

    assert heading == CSV_HEADING
    subscriber_id, _, rule, version, _, granted, left, promised, fund = line.split(",")
    assert (int(subscriber_id), rule, version) == (who.pk, "gift", story.faulty)
    assert (granted, left, promised, fund) == ("100", "100", "0", "3")


def test_the_statement_tells_what_was_taken_and_what_came_back(story: Story) -> None:
    who = story.club.subscriber()
    story.pays(who)
    clawback = story.takes_back()
    story.gives_back(clawback)

    lines = statement.page(subscriber_id=who.pk, language="en").lines

    told = {line.reason: line.points for line in lines}
    assert told["These points had been credited by mistake"] == -100
    assert told["These points had been taken back, and belong to you after all"] == 100
    assert {line.rule_id for line in lines} == {"gift"}


def test_the_staff_who_asked_are_in_the_audit(story: Story) -> None:
    story.pays(story.club.subscriber())
    story.takes_back()
    found = AuditLine.objects.filter(subject_kind="accrual.clawback", subject_id="spring")
    assert [(line.action, line.by) for line in found.order_by("id")] == [
        ("proposal.made", story.marketer), ("proposal.approved", story.head),
    ]  # fmt: skip
    assert Clawback.objects.get().digest == Proposal.objects.latest("pk").digest


def test_points_that_expired_meanwhile_are_no_debt(story: Story) -> None:
    late, fresh = story.club.subscriber(), story.club.subscriber()
    story.pays(late)
    story.club.later(days=400)
    ledger.make_months(first=story.today.replace(day=1), months=2)
    story.pays(fresh)

    clawback = story.takes_back()

    assert (clawback.lines_count, clawback.taken_points) == (1, 100)
    assert [story.has(who) for who in (late, fresh)] == [(0, 0), (0, 0)]
    assert_books_hold()

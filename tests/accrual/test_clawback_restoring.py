"""A clawback that was the mistake itself is given back, exactly as it was taken."""

from datetime import timedelta

import pytest

from club.accrual.clawback import proposing as clawbacks
from club.accrual.clawback.preview import preview
from club.accrual.models import Clawback, Clawed, Decision
from club.accrual.rules.model import digest
from club.ledger import actions as ledger
from club.ledger import queries as books
from club.ledger.rules import ClawbackPolicy, Source
from club.programme.models import Programme
from tests.accrual.clawing import FUND, Story, assert_books_hold, file, rule
from tests.accrual.conftest import Office


@pytest.fixture
def story(club: Office) -> Story:
    return Story(club)


def test_what_was_cancelled_while_it_was_taken_is_not_given_back(story: Story) -> None:
    who, other = story.club.subscriber(), story.club.subscriber()
    paid = story.pays(who)
    story.pays(other)
    clawback = story.takes_back()
    story.cancels(who, paid)

    story.gives_back(clawback)

    assert story.has(who) == (0, 0)
    assert story.has(other) == (100, 0)
    assert Clawed.objects.get(subscriber_id=who.pk).state == "gone"
    assert_books_hold()


def test_a_payment_cancelled_after_its_points_came_back_takes_them_with_it(story: Story) -> None:
    who = story.club.subscriber()
    paid = story.pays(who)
    clawback = story.takes_back()
    story.club.later(days=2)
    story.gives_back(clawback)
    assert story.has(who) == (100, 0)
    assert story.used_this_month(who) == (100, 1)

    story.cancels(who, paid)

    assert story.has(who) == (0, 0)
    assert story.used_this_month(who) == (0, 0)
    assert Decision.objects.get(subscriber_id=who.pk, reason="reversed").granted == -100
    assert_books_hold()


def test_what_came_back_can_be_taken_again(story: Story) -> None:
    who = story.club.subscriber()
    story.pays(who)
    first = story.takes_back()
    story.gives_back(first)

    second = story.takes_back()

    assert story.has(who) == (0, 0)
    story.gives_back(second)
    assert story.has(who) == (100, 0)
    assert_books_hold()


def test_other_peoples_lots_come_back_as_they_were(story: Story) -> None:
    who = story.club.subscriber()
    story.pays(who)
    story.club.later(days=40)  # into another month: another lot, of another fund
    story.club.pays(who, 80_000)
    story.club.decide()
    story.spends(who, 100)
    had = story.lots(who)
    assert {lot.fund for lot in had} == {0, FUND}

    clawback = story.takes_back()
    story.gives_back(clawback)

    assert story.lots(who) == had
    assert_books_hold()


def test_points_whose_day_passed_meanwhile_come_back_for_some_days_or_lapse(story: Story) -> None:
    who = story.club.subscriber()
    story.pays(who)
    clawback = story.takes_back()
    story.club.later(days=600)
    ledger.make_months(first=story.today.replace(day=1), months=2)

    story.gives_back(clawback)

    (lot,) = story.lots(who)
    assert (lot.points, lot.expires_on) == (100, story.today + timedelta(days=7))

    Programme.objects.update(return_grace_days=0)
    other = story.club.subscriber()
    story.pays(other)
    lapsing = story.takes_back()
    story.club.later(days=600)
    ledger.make_months(first=story.today.replace(day=1), months=2)
    story.gives_back(lapsing)
    assert story.lots(other) == []
    assert lapsing.state == "restored"


def test_a_promise_is_withdrawn_and_promised_again(story: Story) -> None:
    story.runs(file(100, confirm_after_days=14))
    version = digest(rule(100, confirm_after_days=14).canonical())
    story.faulty_since = story.club.now
    who = story.club.subscriber()
    paid = story.pays(who)
    story.club.later(minutes=1)
    chosen = story.selection(versions=[version])
    shown = preview(chosen, policy=ClawbackPolicy.OTHER_LOTS, now=story.club.now)
    assert (shown.points, shown.promised_points, shown.owed_points) == (100, 100, 0)
    assert shown.points_by_fund == {FUND: 100}
    pending = books.promised(subscriber_id=who.pk, limit=2)

    story.approves(
        clawbacks.propose(selection=chosen, why="faulty", by=story.marketer, now=story.club.now)
    )
    clawback = Clawback.objects.get()
    story.works(clawback)
    assert books.promised(subscriber_id=who.pk, limit=2) == []
    story.gives_back(clawback)
    assert books.promised(subscriber_id=who.pk, limit=2) == pending

    story.club.later(days=15)
    ledger.keep_promises(now=story.club.now, limit=10)
    assert story.has(who) == (100, 0)
    story.cancels(who, paid)
    assert story.has(who) == (0, 0)
    assert_books_hold()


def test_a_promise_that_went_to_another_number_and_was_kept_there_is_spared(story: Story) -> None:
    story.runs(file(100, confirm_after_days=14))
    story.faulty_since = story.club.now
    who, heir, other = (story.club.subscriber() for _ in range(3))
    for one in (who, other):
        story.pays(one)
    story.club.later(minutes=1)
    ledger.merge(
        from_subscriber_id=who.pk, to_subscriber_id=heir.pk, source=Source.STAFF, ref="sim",
        day=story.today,
    )  # fmt: skip
    version = digest(rule(100, confirm_after_days=14).canonical())
    chosen = story.selection(versions=[version])
    story.approves(
        clawbacks.propose(selection=chosen, why="faulty", by=story.marketer, now=story.club.now)
    )
    story.club.later(days=15)
    ledger.keep_promises(now=story.club.now, limit=10)

    clawback = Clawback.objects.get()
    story.works(clawback)

    notes = dict(Clawed.objects.values_list("subscriber_id", "note"))
    assert notes == {who.pk: "moved", other.pk: ""}
    assert [story.has(one)[0] for one in (heir, other)] == [100, 0]
    assert_books_hold()

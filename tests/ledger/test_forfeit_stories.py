"""Who leaves the programme leaves nothing behind, and the books say where it went."""

from datetime import UTC, date, datetime, timedelta
from itertools import count
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from club.ledger import actions as ledger
from club.ledger import queries
from club.ledger.errors import BadPosting, DayOutsideBooks, KeyReused, OpenHolds
from club.ledger.rules import Kind, Source, fingerprint_of
from tests.ledger.plain import account, lots

pytestmark = pytest.mark.django_db
DAY, NOW = date(2026, 11, 22), datetime(2026, 11, 22, 9, tzinfo=UTC)
PAST, SOON, LATER = date(2026, 10, 31), date(2026, 12, 31), date(2027, 6, 30)
AZIZA = 77
strangers = count(10_000)


def earns(points: int, *, ref: str = "earned", expires_on: date = SOON, who: int = AZIZA) -> None:
    accrual = ledger.Accrual(who, ref, DAY, points, expires_on, 0, fingerprint_of(points))
    assert ledger.post_many(source=Source.ACCRUAL, accruals=[accrual]).fresh == 1


def owes(points: int) -> None:
    """What was earned is spent, and then its payment is cancelled."""
    earns(points)
    ledger.spend(
        subscriber_id=AZIZA, source=Source.ORDER, ref="spent", day=DAY, points=points,
        fingerprint=fingerprint_of("spent"),
    )  # fmt: skip
    ledger.reverse(
        subscriber_id=AZIZA, source=Source.ACCRUAL, ref="cancelled", day=DAY,
        of_source=Source.ACCRUAL, of_ref="earned", of_day=DAY, points=None,
        fingerprint=fingerprint_of("cancelled"),
    )  # fmt: skip


def leaves(*, ref: str = "leaves", day: date = DAY, reason: str = "left") -> ledger.Booked:
    return ledger.forfeit(
        subscriber_id=AZIZA, source=Source.STAFF, ref=ref, day=day, actor="dilnoza", reason=reason
    )


def promise(points: int, *, ref: str = "later") -> None:
    made = ledger.Promise(
        AZIZA, ref, DAY, points, SOON, 0, fingerprint_of(points), NOW + timedelta(days=3)
    )
    assert ledger.promise_many(source=Source.ACCRUAL, promises=[made]).fresh == 1


def journal() -> list[tuple[Kind, int]]:
    page = queries.statement(subscriber_id=AZIZA, limit=100)
    return sorted((line.kind, line.points) for line in page.lines)


def test_who_leaves_loses_every_lot_even_one_that_no_run_has_expired_yet() -> None:
    earns(30, ref="a", expires_on=LATER)
    earns(20, ref="b", expires_on=SOON)
    earns(10, ref="c", expires_on=PAST)

    assert leaves() == ledger.Booked(is_fresh=True, available_points=0)

    assert account(AZIZA) == (0, 0, 0)
    assert lots(AZIZA) == []
    assert journal()[-1] == (Kind.FORFEIT, -60)
    assert queries.totals().expired_points == 60  # the same programme account as points that lapse
    assert queries.prove() == []


def test_leaving_twice_is_leaving_once() -> None:
    earns(30)
    leaves()
    earns(5, ref="came back")

    assert leaves() == ledger.Booked(is_fresh=False, available_points=5)

    assert account(AZIZA) == (5, 0, 0)
    assert queries.prove() == []


def test_a_debt_is_written_off_where_everybody_sees_it() -> None:
    owes(40)
    assert account(AZIZA) == (-40, 0, 40)

    assert leaves().is_fresh

    assert account(AZIZA) == (0, 0, 0)
    assert (Kind.FORFEIT, 40) in journal()
    assert (Kind.REPAYMENT, 0) in journal()
    assert lots(AZIZA) == []
    assert queries.prove() == []


def test_promised_points_are_withdrawn() -> None:
    promise(15)

    assert leaves().is_fresh

    assert queries.balance(subscriber_id=AZIZA, day=DAY).pending_points == 0
    assert ledger.keep_promises(now=NOW + timedelta(days=4), limit=10) == 0
    assert account(AZIZA) == (0, 0, 0)
    assert queries.prove() == []


def test_who_has_nothing_leaves_without_a_trace() -> None:
    assert leaves() == ledger.Booked(is_fresh=False, available_points=0)
    assert journal() == []


def test_points_on_hold_are_somebodys_order_and_stop_it() -> None:
    earns(30)
    promise(15)
    ledger.hold(
        subscriber_id=AZIZA, hold_id=UUID(int=5), day=DAY, points=10, now=NOW,
        lifetime=timedelta(hours=1), fingerprint=fingerprint_of("order"),
    )  # fmt: skip

    with pytest.raises(OpenHolds) as told:
        leaves()

    assert told.value.code == "open_holds"
    assert told.value.values == {"held_points": 10}
    assert account(AZIZA) == (30, 10, 0)
    assert queries.balance(subscriber_id=AZIZA, day=DAY).pending_points == 15
    assert queries.prove() == []


def test_the_same_key_with_another_reason_is_refused() -> None:
    earns(30)
    leaves()
    with pytest.raises(KeyReused):
        leaves(reason="erased")
    assert queries.prove() == []


def test_a_day_without_a_month_and_an_endless_ref_are_refused_and_nothing_moves() -> None:
    earns(30)
    with pytest.raises(DayOutsideBooks):
        leaves(day=date(1999, 1, 1))
    with pytest.raises(BadPosting):
        leaves(ref="x" * 201)
    assert account(AZIZA) == (30, 0, 0)


def test_the_journal_says_who_did_it_and_why() -> None:
    earns(30)
    leaves()
    (line,) = [
        line
        for line in queries.statement(subscriber_id=AZIZA, limit=10).lines
        if line.kind == Kind.FORFEIT
    ]
    assert (line.actor, line.reason) == ("dilnoza", "left")


@given(
    earned=st.lists(
        st.tuples(st.integers(1, 50), st.sampled_from([PAST, SOON, LATER])), max_size=4
    ),
    spent=st.integers(0, 60),
    clawed=st.integers(0, 50),
)
@settings(max_examples=40, deadline=None)
def test_whatever_came_before_nothing_is_left_and_the_books_balance(
    earned: list[tuple[int, date]], spent: int, clawed: int
) -> None:
    who = next(strangers)
    for number, (points, expires_on) in enumerate(earned):
        earns(points, ref=f"e{number}", expires_on=expires_on, who=who)
    if 0 < spent <= queries.balance(subscriber_id=who, day=DAY).spendable_points:
        ledger.spend(
            subscriber_id=who, source=Source.ORDER, ref="s", day=DAY, points=spent,
            fingerprint=fingerprint_of("s"),
        )  # fmt: skip
    if earned and 0 < clawed <= earned[0][0]:
        ledger.reverse(
            subscriber_id=who, source=Source.ACCRUAL, ref="c", day=DAY, of_source=Source.ACCRUAL,
            of_ref="e0", of_day=DAY, points=clawed, fingerprint=fingerprint_of("c"),
        )  # fmt: skip

    ledger.forfeit(
        subscriber_id=who, source=Source.STAFF, ref="f", day=DAY, actor=None, reason="left"
    )

    balance = queries.balance(subscriber_id=who, day=PAST)
    assert (balance.spendable_points, balance.arrears_points) == (0, 0)
    assert lots(who) == []
    assert [breach for breach in queries.prove() if breach.subscriber_id == who] == []

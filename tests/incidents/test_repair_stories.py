"""What staff put right for somebody: once, on the programme's terms, and with one line of audit."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from club.access.models import AuditLine, Staff
from club.clock import day_of
from club.incidents import actions as incidents
from club.ledger import actions as ledger
from club.ledger import queries as books
from club.ledger.errors import BudgetSpent, LedgerError, NotEnoughPoints, UnknownSubscriber
from club.ledger.queries import Lot
from club.ledger.rules import AdjustmentReason, Booked, Kind, Source, fingerprint_of
from club.programme.models import Programme
from tests.builders import NOW, Club

pytestmark = pytest.mark.django_db
TODAY = day_of(NOW)
LAST_DAY = date(2027, 11, 30)  # twelve months on, to the end of the month
FAULT = AdjustmentReason.SYSTEM_FAULT


@pytest.fixture
def club() -> Club:
    return Club().open()


@pytest.fixture
def dilnoza() -> Staff:
    return Staff.objects.create(username="dilnoza")


@pytest.fixture
def aziza(club: Club) -> int:
    return club.subscriber().id


def audited() -> list[tuple[str, str, dict[str, Any]]]:
    """Deed, subject and details of every line, in their order."""
    return [
        (line.action, f"{line.subject_kind} {line.subject_id}", line.details)
        for line in AuditLine.objects.order_by("id")
    ]


def lots(who: int) -> list[Lot]:
    return books.lots(subscriber_id=who, day=TODAY)


def test_missing_points_are_given_once_and_live_as_earned_ones(aziza: int, dilnoza: Staff) -> None:
    for _ in range(2):
        booked = incidents.adjust(
            subscriber_id=aziza, points=50, reason=FAULT, key="complaint 7", by=dilnoza, now=NOW
        )

    assert booked == Booked(is_fresh=False, available_points=50)
    assert lots(aziza) == [Lot(LAST_DAY, 0, 50)]
    (line,) = books.statement(subscriber_id=aziza, limit=9).lines
    assert (line.kind, line.reason, line.actor) == (Kind.ADJUSTMENT, "system_fault", "dilnoza")
    details = {"points": 50, "reason": "system_fault", "fund": None, "key": "complaint 7"}
    assert audited() == [("points.adjusted", f"subscriber {aziza}", details)]
    assert AuditLine.objects.get().by == dilnoza
    assert books.prove() == []


def test_a_present_is_paid_by_its_budget(aziza: int, dilnoza: Staff) -> None:
    incidents.set_fund(fund=12, code="korzinka", name="Korzinka", by=dilnoza, now=NOW)
    terms: dict[str, Any] = {
        "code": "autumn", "fund": 12, "valid_from": TODAY, "valid_until": LAST_DAY,
        "by": dilnoza, "now": NOW,
    }  # fmt: skip
    incidents.set_budget(points=50, **terms)
    assert incidents.set_budget(points=100, **terms) == 100

    incidents.give_goodwill(
        subscriber_id=aziza, points=70, budget="autumn", key="late", by=dilnoza, now=NOW
    )

    assert lots(aziza) == [Lot(LAST_DAY, 12, 70)]
    assert [deed for deed, _, _ in audited()] == [
        "fund.set", "budget.set", "budget.set", "points.given",
    ]  # fmt: skip
    assert audited()[0][2]["before"] is None
    assert audited()[2][2]["before"]["points"] == 50
    assert audited()[2][2]["after"]["points"] == 100
    assert books.prove() == []


@pytest.mark.parametrize(
    ("deed", "error"),
    [
        (
            lambda who, by: incidents.adjust(
                subscriber_id=who, points=-1, reason=FAULT, key="k", by=by, now=NOW
            ),
            NotEnoughPoints,
        ),
        (
            lambda who, by: incidents.adjust(
                subscriber_id=404, points=1, reason=FAULT, key="k", by=by, now=NOW
            ),
            UnknownSubscriber,
        ),
        (
            lambda who, by: incidents.give_goodwill(
                subscriber_id=who, points=11, budget="small", key="k", by=by, now=NOW
            ),
            BudgetSpent,
        ),
        (
            lambda who, by: incidents.give_goodwill(
                subscriber_id=404, points=1, budget="small", key="k", by=by, now=NOW
            ),
            UnknownSubscriber,
        ),
    ],
)
def test_a_refused_deed_moves_nothing_and_leaves_no_line(
    aziza: int, dilnoza: Staff, deed: Callable[[int, Staff], object], error: type[LedgerError]
) -> None:
    ledger.make_budget(code="small", fund=0, points=10, valid_from=TODAY, valid_until=TODAY)

    with pytest.raises(error):
        deed(aziza, dilnoza)

    assert audited() == []
    assert lots(aziza) == []
    assert books.budgets()[0].left_points == 10


def spent(who: int, *, expires_on: date, on: date) -> None:
    accrual = ledger.Accrual(who, "old", on, 40, expires_on, 0, fingerprint_of("old"))
    ledger.post_many(source=Source.IMPORT, accruals=[accrual])
    ledger.spend(
        subscriber_id=who, source=Source.ORDER, ref="order", day=on, points=40,
        fingerprint=fingerprint_of("order"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("grace_days", "left", "reason"),
    [(7, [Lot(TODAY + timedelta(days=7), 0, 40)], "grace"), (0, [], "lapsed")],
)
def test_a_refund_of_points_that_expired_meanwhile_follows_the_programmes_days_of_grace(
    aziza: int, dilnoza: Staff, grace_days: int, left: list[Lot], reason: str
) -> None:
    Programme.objects.update(return_grace_days=grace_days)
    month_ago = TODAY - timedelta(days=30)
    spent(aziza, expires_on=month_ago + timedelta(days=1), on=month_ago)

    incidents.reverse(
        subscriber_id=aziza, of_source=Source.ORDER, of_ref="order", of_day=month_ago,
        points=None, key="refund", by=dilnoza, now=NOW,
    )  # fmt: skip

    assert lots(aziza) == left
    kinds = {line.kind: line for line in books.statement(subscriber_id=aziza, limit=9).lines}
    assert (kinds[Kind.RETURN].reason, kinds[Kind.RETURN].actor) == (reason, "dilnoza")
    assert [deed for deed, _, _ in audited()] == ["posting.reversed"]
    assert books.prove() == []


@pytest.mark.parametrize(("policy", "arrears"), [("other_lots", 20), ("arrears", 40)])
def test_a_clawback_follows_the_programmes_policy(
    aziza: int, dilnoza: Staff, policy: str, arrears: int
) -> None:
    Programme.objects.update(clawback_policy=policy)
    spent(aziza, expires_on=TODAY, on=TODAY)
    incidents.adjust(subscriber_id=aziza, points=20, reason=FAULT, key="other", by=dilnoza, now=NOW)

    incidents.reverse(
        subscriber_id=aziza, of_source=Source.IMPORT, of_ref="old", of_day=TODAY,
        points=None, key="fraud", by=dilnoza, now=NOW,
    )  # fmt: skip

    assert books.balance(subscriber_id=aziza, day=TODAY).arrears_points == arrears
    assert books.prove() == []


def test_what_is_about_to_expire_is_extended_for_one_and_for_everybody(
    club: Club, aziza: int, dilnoza: Staff
) -> None:
    others = [club.subscriber().id for _ in range(3)]
    soon, later = TODAY + timedelta(days=3), TODAY + timedelta(days=60)
    for who in (aziza, *others):
        accrual = ledger.Accrual(who, "a", TODAY, 10, soon, 0, fingerprint_of("a"))
        ledger.post_many(source=Source.IMPORT, accruals=[accrual])
    why: dict[str, Any] = {"reason": "holidays", "key": "h", "by": dilnoza, "now": NOW}

    for _ in range(2):
        incidents.extend(subscriber_id=aziza, ending_until=soon, to=later, **why)
    chunks = []
    after = None
    while (swept := incidents.extend_everybody(
        ending_on=soon, to=later, limit=2, after=after, **why
    )).taken:  # fmt: skip
        chunks.append(swept.taken)
        after = swept.last_subscriber_id

    assert sum(chunks) == 3
    assert [lots(who) for who in (aziza, *others)] == [[Lot(later, 0, 10)]] * 4
    assert [subject for _, subject, _ in audited()] == [
        f"subscriber {aziza}",
        *[f"expiry_day {soon}"] * len(chunks),
    ]
    assert books.prove() == []

"""Whatever was done in the oldest month and after it: once that month is gone, the books answer as before,
or say that they do not know any more."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

import hypothesis.strategies as st
import pytest
from django.db import DatabaseError, transaction
from hypothesis import HealthCheck, example, given, settings

from club.clock import day_of, months_later
from club.ledger import actions as ledger
from club.ledger import queries
from club.ledger.errors import BeforeTheBooks
from tests.ledger.moments import at, happened
from tests.ledger.months.living import NOON, TODAY, oldest
from tests.ledger.plain import (
    ACCRUE,
    CAPTURE,
    HOLD,
    ME,
    REVERSE,
    SPEND,
    THIS,
    TRANSFER,
    YOU,
    Row,
    call,
    rows,
    run,
)
from tests.missing import tries

LATER = date(2027, 6, 30)
BEGAN = at(22, day=18)  # Some deeds are of the day after it.
Deed = Callable[[int, int, str, date], object]  # who, how many points, its key, its day

DEEDS: dict[str, Deed] = {
    "earn": lambda who, n, key, day: call(ACCRUE, who, key, day, n, LATER, THIS),
    "spend": lambda who, n, key, day: call(SPEND, who, key, day, n, THIS),
    "hold": lambda who, n, _, day: call(HOLD, who, UUID(int=n % 3), day, n, NOON, THIS),
    "close": lambda who, n, _, day: call(CAPTURE, who, UUID(int=n % 3), day, n // 3),
    "send": lambda who, n, key, day: call(TRANSFER, who, ME + YOU - who, key, day, n, THIS),
    "take back": lambda who, n, key, day: undo(who, n, key, day, source=1),
    "refund": lambda who, n, key, day: undo(who, n, key, day, source=2),
}
DONE = st.tuples(
    st.sampled_from([*DEEDS, "earn", "spend"]),
    st.sampled_from([ME, YOU]),
    st.integers(1, 60),
    st.sampled_from([0, 0, 1]),  # months after the oldest
)


def undo(who: int, points: int, key: str, day: date, *, source: int) -> None:
    of = rows(
        "select ref, occurred_on from ledger.posting where subscriber_id = %s and source = %s"
        " order by posted_at desc limit 1",
        who, source,
    )  # fmt: skip
    for ref, on in of:
        call(REVERSE, who, key, day, source, ref, on, points, THIS, None)


@pytest.mark.django_db
@settings(
    max_examples=tries(8, quick=3),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(deeds=st.lists(DONE, min_size=6, max_size=14), is_dropped=st.booleans())
@example(
    deeds=[
        ("earn", ME, 60, 0),
        ("spend", ME, 20, 0),
        ("hold", ME, 19, 0),
        ("close", ME, 19, 0),
        ("send", ME, 15, 0),
        ("spend", YOU, 15, 0),
        ("earn", YOU, 30, 1),
        ("refund", ME, 4, 1),
        ("take back", ME, 50, 1),
        ("earn", ME, 9, 0),
    ],
    is_dropped=True,
)
def test_a_month_that_leaves_changes_no_answer_that_is_still_given(
    deeds: Sequence[tuple[str, int, int, int]], is_dropped: bool
) -> None:
    with transaction.atomic():
        old = oldest()
        moments = do(deeds, old)
        close(moments[-1])
        past = {(who, moment): had(who, moment) for who in (ME, YOU) for moment in moments}
        before = whole()

        call("select ledger.detach_month(%s, %s)", old, TODAY)
        call("select ledger.attach_past(%s)", old)
        if is_dropped:
            run(f"drop table ledger.posting_{old:%Y%m}")

        assert breaches() == []
        assert whole() == before
        since = dict(
            rows("select subscriber_id, max(last_posted_at) from ledger.carried group by 1")
        )
        for (who, moment), points in past.items():
            if who in since and moment < since[who]:  # type: ignore[operator]
                with pytest.raises(BeforeTheBooks):
                    had(who, moment)
            else:
                assert had(who, moment) == points
        transaction.set_rollback(True)


def do(deeds: Sequence[tuple[str, int, int, int]], old: date) -> list[datetime]:
    """Each deed at a moment of its own, whether it is refused or not."""
    moments = []
    for number, (verb, who, points, month) in enumerate(deeds):
        day = months_later(old, month) + timedelta(days=9)
        try:
            with transaction.atomic():
                DEEDS[verb](who, points, f"deed {number}", day)
        except DatabaseError as error:
            if not str(getattr(error.__cause__, "sqlstate", "")).startswith("LG"):
                raise
        moments.append(BEGAN + number * timedelta(minutes=20))
        happened(moments[-1])
    return moments


def close(last: datetime) -> None:
    """Everything is counted, and sealed as far as detaching asks."""
    for _ in range(3):
        ledger.count_day()
    run("insert into ledger.seal values (%s, 0, 0, '', '')", day_of(last) + timedelta(days=1))


def had(who: int, moment: datetime) -> tuple[object, ...]:
    asked = {"subscriber_id": who, "at": moment}
    return queries.balance_at(**asked), queries.lots_at(**asked)  # type: ignore[arg-type]


def whole() -> tuple[object, ...]:
    programme = rows("select * from ledger.programme(null, 'infinity') order by 1, 2, 3, 4, 5")
    return programme, queries.totals()


def breaches() -> list[Row]:
    laws = ("prove", "prove_sums", "prove_months", "prove_totals")
    return [row for law in laws for row in rows(f"select * from ledger.{law}()")]

"""The past is answered as it was: whatever is done, in any order, each in a transaction of its own,
the books say of every instant between two deeds what they said in that instant."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import hypothesis.strategies as st
import pytest
from django.db import connection
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from club.ledger import actions as ledger
from club.ledger import queries
from club.ledger.errors import LedgerError
from club.ledger.queries import Balance, Lot
from club.ledger.rules import AdjustmentReason, ClawbackPolicy, Source, fingerprint_of
from tests.ledger import people
from tests.ledger.people import DAY, LATER, SOON, earns, pays_in, sends, somebody
from tests.missing import tries

WHO = st.integers(0, 3)  # the last one is a family's pot
PERSON = st.integers(0, 2)
POINTS = st.integers(1, 60)
PART = st.none() | st.integers(1, 40)
HOLD = st.sampled_from([UUID(int=1), UUID(int=2)])
EXPIRY = st.sampled_from([DAY + timedelta(days=2), SOON, LATER])
CONTENT = fingerprint_of("past")


class Past(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.day = DAY
        self.deeds = 0
        self.who = [somebody() for _ in range(3)]
        self.who.append(people.pot_of(*self.who))
        for who in self.who[:3]:
            earns(who, 100, fund=1)
            earns(who, 40, expires_on=DAY + timedelta(days=1))
        self.seen: list[tuple[int, datetime, date, Balance, list[Lot]]] = []

    def teardown(self) -> None:
        for who, at, day, balance, lots in self.seen:
            assert queries.balance_at(subscriber_id=who, at=at, day=day) == balance
            assert queries.lots_at(subscriber_id=who, at=at, day=day) == lots
        assert [b for b in queries.prove() if b.subscriber_id in (None, *self.who)] == []

    @invariant()
    def look(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("select clock_timestamp()")
            (at,) = cursor.fetchone()
        for who in self.who:
            balance = queries.balance(subscriber_id=who, day=self.day)
            lots = queries.lots(subscriber_id=who, day=self.day)
            self.seen.append((who, at, self.day, balance, lots))

    # ---- coming

    @rule(
        who=WHO, n=POINTS, expires_on=EXPIRY, fund=st.integers(0, 1), late=st.sampled_from([0, 90])
    )
    def earn(self, who: int, n: int, expires_on: date, fund: int, late: int) -> None:
        on = self.day - timedelta(days=late)
        earns(self.who[who], n, expires_on=expires_on, fund=fund, on=on)

    @rule(who=PERSON, n=POINTS, ref=st.sampled_from("ab"))
    def promise(self, who: int, n: int, ref: str) -> None:
        promise = ledger.Promise(
            self.who[who], f"p{ref}", self.day, n, LATER, 0, CONTENT, self.now + timedelta(hours=1)
        )
        ledger.promise_many(source=Source.ACCRUAL, promises=[promise])

    @rule()
    def keep(self) -> None:
        ledger.keep_promises(now=self.now + timedelta(hours=2), limit=100)

    @rule(who=PERSON, ref=st.sampled_from("ab"))
    def withdraw(self, who: int, ref: str) -> None:
        self.may(
            lambda: ledger.withdraw_promise(
                subscriber_id=self.who[who], source=1, ref=f"p{ref}", occurred_on=self.day
            )
        )

    # ---- going

    @rule(who=WHO, n=POINTS)
    def spend(self, who: int, n: int) -> None:
        self.may(lambda: people.spends(self.who[who], n))

    @rule(who=WHO, hold_id=HOLD, n=POINTS)
    def hold(self, who: int, hold_id: UUID, n: int) -> None:
        self.may(
            lambda: ledger.hold(
                subscriber_id=self.who[who], hold_id=hold_id, day=self.day, points=n, now=self.now,
                lifetime=timedelta(days=1), fingerprint=CONTENT,
            )
        )  # fmt: skip

    @rule(who=WHO, hold_id=HOLD, n=st.none() | st.integers(0, 40), grace=st.none() | st.just(LATER))
    def end_hold(self, who: int, hold_id: UUID, n: int | None, grace: date | None) -> None:
        closing = {"subscriber_id": self.who[who], "hold_id": hold_id, "day": self.day}
        self.may(
            lambda: (
                ledger.release(**closing, grace_until=grace)
                if n == 0
                else ledger.capture(**closing, points=n, grace_until=grace)
            )
        )

    @rule(days=st.integers(1, 20), is_swept=st.booleans())
    def live_on(self, days: int, is_swept: bool) -> None:
        self.day += timedelta(days=days)
        if is_swept:
            ledger.walk(lambda after: ledger.expire_due(day=self.day, limit=100, after=after))

    @rule(who=PERSON)
    def forfeit(self, who: int) -> None:
        self.may(
            lambda: ledger.forfeit(
                subscriber_id=self.who[who], source=Source.STAFF, ref=self.ref(), day=self.day,
                reason="left", actor="a",
            )
        )  # fmt: skip

    # ---- to and fro

    @rule(
        who=WHO,
        which=st.integers(0, 9),
        n=PART,
        grace=st.none() | st.just(LATER),
        owes=st.booleans(),
    )
    def reverse(self, who: int, which: int, n: int | None, grace: date | None, owes: bool) -> None:
        lines = people.lines(self.who[who])
        of = lines[which % len(lines)] if lines else None
        if of is not None:
            self.may(
                lambda: ledger.reverse(
                    subscriber_id=self.who[who], source=Source.STAFF, ref=self.ref(), day=self.day,
                    of_source=of.source, of_ref=of.ref, of_day=of.occurred_on, points=n,
                    fingerprint=CONTENT, grace_until=grace,
                    policy=ClawbackPolicy.ARREARS if owes else ClawbackPolicy.OTHER_LOTS,
                )
            )  # fmt: skip

    @rule(who=PERSON, n=st.integers(-40, 40).filter(bool))
    def adjust(self, who: int, n: int) -> None:
        self.may(
            lambda: ledger.adjust(
                subscriber_id=self.who[who], source=Source.STAFF, ref=self.ref(), day=self.day,
                points=n, expires_on=LATER if n > 0 else None, fund=None,
                reason=AdjustmentReason.AGREEMENT, actor="a", fingerprint=CONTENT,
            )
        )  # fmt: skip

    @rule(who=WHO)
    def extend(self, who: int) -> None:
        self.may(
            lambda: ledger.extend(
                subscriber_id=self.who[who], source=Source.STAFF, ref=self.ref(), day=self.day,
                ending_from=self.day, ending_until=SOON, to=LATER, reason="late", actor="a",
                fingerprint=CONTENT,
            )
        )  # fmt: skip

    @rule(who=PERSON, to=PERSON, n=POINTS)
    def send(self, who: int, to: int, n: int) -> None:
        self.may(lambda: sends(self.who[who], self.who[to], n, day=self.day))

    @rule(who=PERSON, n=POINTS)
    def pay_in(self, who: int, n: int) -> None:
        self.may(lambda: pays_in(self.who[3], self.who[who], n, day=self.day))

    @rule(who=PERSON)
    def leave(self, who: int) -> None:
        self.may(lambda: people.leaves(self.who[3], self.who[who], day=self.day))

    @rule(who=PERSON, to=PERSON)
    def merge(self, who: int, to: int) -> None:
        self.may(
            lambda: ledger.merge(
                from_subscriber_id=self.who[who], to_subscriber_id=self.who[to],
                source=Source.STAFF, ref=self.ref(), day=self.day,
            )
        )  # fmt: skip

    @rule()
    def follow(self) -> None:
        ledger.follow_successors(day=self.day, limit=100)

    @property
    def now(self) -> datetime:
        return datetime(self.day.year, self.day.month, self.day.day, 7, tzinfo=UTC)

    def ref(self) -> str:
        self.deeds += 1
        return f"deed:{self.deeds}"

    @staticmethod
    def may(deed: Callable[[], object]) -> None:
        """Refused or not: the past has to be right in either case."""
        with suppress(LedgerError):
            deed()


@pytest.mark.django_db(transaction=True)
def test_every_instant_is_answered_as_it_was_answered_then() -> None:
    run_state_machine_as_test(
        Past,
        settings=settings(
            max_examples=tries(6, quick=3),
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

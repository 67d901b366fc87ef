"""The laws of the books under every order of calls: a state machine drives the real ledger and the
plain model side by side, with repeated keys, late days, refusals, and compares after each step."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import hypothesis.strategies as st
import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from club.errors import ClubError
from club.ledger import actions as ledger
from club.ledger import queries
from club.ledger.rules import ClawbackPolicy, Source, fingerprint_of, hold_ref
from tests.ledger.model import Key, Person, Promise, Refusal

START = date(2026, 11, 1)
PEOPLE = (7, 3)
WHO = st.sampled_from(PEOPLE)
SOURCE = st.sampled_from([Source.ACCRUAL, Source.ORDER])
REF = st.sampled_from(["a", "b", "c", "d"])
HOLD = st.sampled_from([UUID(int=1), UUID(int=2), UUID(int=3)])
POINTS = st.integers(1, 60)
PART = st.none() | st.integers(1, 40)
EXPIRY = st.sampled_from([START + timedelta(days=days) for days in (1, 4, 9, 400)])
FUND = st.integers(0, 1)
BACK = st.sampled_from([0, 0, 0, 1])  # Days an event comes late.
GRACE = st.none() | st.just(START + timedelta(days=12))
EARNED = st.sampled_from([7, 25, 60])  # Few, so that a key meets its own content again.
CONTENT = st.sampled_from([fingerprint_of("this"), fingerprint_of("this"), fingerprint_of("that")])


def event(ref: str, day: date) -> str:
    """An event happens on one day: its ref is never seen on another one."""
    return f"{ref}:{day}"


class Books(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.example = transaction.atomic()
        self.example.__enter__()
        self.day = START
        self.people = {who: Person() for who in PEOPLE}

    def teardown(self) -> None:
        try:
            assert queries.prove() == []
            journal = sum(e.points for p in self.people.values() for e in p.journal.values())
            assert queries.totals().outstanding_points == journal - self.expired_points
        finally:
            transaction.set_rollback(True)
            self.example.__exit__(None, None, None)

    @property
    def expired_points(self) -> int:
        return sum(person.expired for person in self.people.values())

    @property
    def now(self) -> datetime:
        return datetime.combine(self.day, datetime.min.time(), UTC) + timedelta(hours=8)

    # ---- earning

    @rule(
        who=WHO, source=SOURCE, ref=REF, back=BACK, n=POINTS, e=EXPIRY, fund=FUND, content=CONTENT
    )
    def accrue(
        self, who: int, source: int, ref: str, back: int, n: int, e: date, fund: int, content: bytes
    ) -> None:
        day = self.day - timedelta(days=back)
        ref = event(ref, day)
        outcome = self.people[who].accrue((source, ref, day), n, e, fund, content)

        posted = ledger.post_many(
            source=source, accruals=[ledger.Accrual(who, ref, day, n, e, fund, content)]
        )

        assert posted == posted_as([(ref, outcome)])

    @rule(
        source=SOURCE,
        rows=st.lists(st.tuples(WHO, REF, BACK, EARNED, EXPIRY, FUND), max_size=5),
    )
    def accrue_a_batch(self, source: int, rows: list[tuple[int, str, int, int, date, int]]) -> None:
        batch = [
            ledger.Accrual(who, event(ref, day), day, n, e, fund, fingerprint_of(n))
            for who, ref, back, n, e, fund in rows
            for day in [self.day - timedelta(days=back)]
        ]
        outcomes = [
            (a.ref, self.people[a.subscriber_id].accrue(
                (source, a.ref, a.occurred_on), a.points, a.expires_on, a.fund, a.fingerprint,
                settles=False,
            ))
            for a in batch
        ]  # fmt: skip
        for person in self.people.values():
            person.settle_batch()

        assert ledger.post_many(source=source, accruals=batch) == posted_as(outcomes)

    @rule(who=WHO, ref=REF, n=EARNED, e=EXPIRY, days=st.integers(0, 3))
    def promise(self, who: int, ref: str, n: int, e: date, days: int) -> None:
        content = fingerprint_of(n)
        at = self.now + timedelta(days=days)
        ref = event(ref, self.day)
        key = (Source.ACCRUAL, ref, self.day)
        outcome = self.people[who].promise(key, Promise(n, e, 0, content, at))

        noted = ledger.promise_many(
            source=Source.ACCRUAL,
            promises=[ledger.Promise(who, ref, self.day, n, e, 0, content, at)],
        )

        assert noted == posted_as([(ref, outcome)])

    @rule()
    def keep_promises(self) -> None:
        kept = sum(person.keep(self.now) for person in self.people.values())

        assert ledger.keep_promises(now=self.now, limit=100) == kept

    @rule(who=WHO, ref=REF)
    def withdraw(self, who: int, ref: str) -> None:
        ref = event(ref, self.day)
        self.both(
            lambda: self.people[who].withdraw((Source.ACCRUAL, ref, self.day)),
            lambda: ledger.withdraw_promise(
                subscriber_id=who, source=Source.ACCRUAL, ref=ref, occurred_on=self.day
            ),
        )

    # ---- spending

    @rule(who=WHO, source=SOURCE, ref=REF, n=POINTS, content=CONTENT)
    def spend(self, who: int, source: int, ref: str, n: int, content: bytes) -> None:
        self.both(
            lambda: self.people[who].spend((source, ref, self.day), n, content),
            lambda: self.booked(
                who,
                ledger.spend(
                    subscriber_id=who,
                    source=source,
                    ref=ref,
                    day=self.day,
                    points=n,
                    fingerprint=content,
                ),
            ),
        )

    @rule(who=WHO, hold_id=HOLD, n=POINTS, days=st.integers(1, 3), content=CONTENT)
    def hold(self, who: int, hold_id: UUID, n: int, days: int, content: bytes) -> None:
        life = timedelta(days=days)
        self.both(
            lambda: self.people[who].hold(str(hold_id), self.day, n, self.now + life, content),
            lambda: self.booked(
                who,
                ledger.hold(
                    subscriber_id=who,
                    hold_id=hold_id,
                    day=self.day,
                    points=n,
                    now=self.now,
                    lifetime=life,
                    fingerprint=content,
                ),
            ),
        )

    @rule(who=WHO, hold_id=HOLD, n=PART, grace=GRACE)
    def capture(self, who: int, hold_id: UUID, n: int | None, grace: date | None) -> None:
        key = (Source.LEDGER, hold_ref(hold_id), self.day)
        self.both(
            lambda: self.people[who].close(str(hold_id), key, n, grace),
            lambda: self.booked(
                who,
                ledger.capture(
                    subscriber_id=who,
                    hold_id=hold_id,
                    day=self.day,
                    points=n,
                    grace_until=grace,
                ),
            ),
        )

    @rule(who=WHO, hold_id=HOLD, grace=GRACE)
    def release(self, who: int, hold_id: UUID, grace: date | None) -> None:
        key = (Source.LEDGER, hold_ref(hold_id), self.day)
        self.both(
            lambda: self.people[who].close(str(hold_id), key, 0, grace),
            lambda: self.booked(
                who,
                ledger.release(subscriber_id=who, hold_id=hold_id, day=self.day, grace_until=grace),
            ),
        )

    @rule()
    def sweep_holds(self) -> None:
        due = [
            (person, hold_id)
            for person in self.people.values()
            for hold_id, hold in person.holds.items()
            if hold.captured is None and hold.expires_at <= self.now
        ]
        for person, hold_id in due:
            person.close(hold_id, (Source.LEDGER, hold_id, self.day), 0, None)

        assert ledger.release_expired_holds(now=self.now, day=self.day, limit=100) == len(due)

    # ---- undoing, expiring

    @rule(
        data=st.data(), who=WHO, ref=REF, n=PART, grace=GRACE, spares=st.booleans(), content=CONTENT
    )
    def reverse(
        self,
        data: st.DataObject,
        who: int,
        ref: str,
        n: int | None,
        grace: date | None,
        spares: bool,
        content: bytes,
    ) -> None:
        unknown: Key = (Source.ORDER, "unknown", self.day)
        of = data.draw(st.sampled_from([unknown, *self.people[who].journal]))
        key = (Source.STAFF, ref, self.day)
        self.both(
            lambda: self.people[who].reverse(key, of, n, content, grace, spares),
            lambda: self.booked(
                who,
                ledger.reverse(
                    subscriber_id=who,
                    source=Source.STAFF,
                    ref=ref,
                    day=self.day,
                    of_source=of[0],
                    of_ref=of[1],
                    of_day=of[2],
                    points=n,
                    fingerprint=content,
                    grace_until=grace,
                    policy=ClawbackPolicy.ARREARS if spares else ClawbackPolicy.OTHER_LOTS,
                ),
            ),
        )

    @rule()
    def expire(self) -> None:
        for person in self.people.values():
            person.expire(self.day)

        ledger.walk(lambda after: ledger.expire_due(day=self.day, limit=1, after=after))

        assert queries.totals().expired_points == self.expired_points

    @rule(days=st.integers(1, 3))
    def time_passes(self, days: int) -> None:
        self.day += timedelta(days=days)

    # ---- comparing

    def booked(self, who: int, booked: ledger.Booked) -> bool:
        assert booked.available_points == self.people[who].spendable(self.day)
        return booked.is_fresh

    @staticmethod
    def both(model: Callable[[], bool], real: Callable[[], bool]) -> None:
        """The model goes first: what the ledger answers is then compared with its new state."""
        expected = outcome_of(model)
        if not isinstance(expected, Refusal):
            assert real() == expected
            return
        with pytest.raises(ClubError) as told:
            real()
        assert told.value.code == expected.code
        assert expected.values.items() <= told.value.values.items()

    @invariant()
    def the_books_are_those_of_the_model(self) -> None:
        for who, person in self.people.items():
            lots = [
                (lot.expires_on, lot.fund, lot.points)
                for lot in queries.lots(subscriber_id=who, day=date.min)
            ]
            assert lots == person.good_lots(date.min)
            balance = queries.balance(subscriber_id=who, day=self.day)
            assert balance.spendable_points == person.spendable(self.day)
            assert balance.held_points == person.held()
            assert balance.pending_points == person.pending()
            assert balance.arrears_points == person.arrears


def outcome_of(model: Callable[[], bool]) -> bool | Refusal:
    try:
        return model()
    except Refusal as refusal:
        return refusal


def posted_as(outcomes: list[tuple[str, str]]) -> ledger.Posted:
    words = [outcome for _, outcome in outcomes]
    return ledger.Posted(
        fresh=words.count("fresh"),
        replayed=words.count("replayed"),
        conflicts=tuple(ref for ref, outcome in outcomes if outcome == "conflict"),
    )


@pytest.mark.django_db
def test_the_books_and_the_model_agree_after_every_step() -> None:
    run_state_machine_as_test(
        Books,
        settings=settings(
            max_examples=15,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

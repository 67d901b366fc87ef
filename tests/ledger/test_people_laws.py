"""Everything that people may do to each other, in any order: points change hands, and are neither
made nor lost; the terms of sending hold at every step."""

from collections.abc import Callable
from contextlib import suppress
from datetime import date, timedelta
from functools import partial
from uuid import UUID

import hypothesis.strategies as st
import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from club.ledger import actions as ledger
from club.ledger import queries
from club.ledger.errors import LedgerError
from club.ledger.rules import Kind, Source, TransferPolicy, fingerprint_of
from tests.ledger import people
from tests.ledger.people import DAY, LATER, SOON, earns, joins, leaves, pays_in, sends, somebody

PEOPLE_MAX = 5
POLICY = TransferPolicy(
    points_per_day_max=60, times_per_month_max=9, min_age_days=3, fee_fixed_points=1
)
WHO = st.integers(0, PEOPLE_MAX - 1)
POINTS = st.integers(1, 60) | st.integers(1, 15)
AGE = st.sampled_from([0, 2, 3, 30])  # days ago
HOLD = st.sampled_from([UUID(int=1), UUID(int=2), UUID(int=3)])


class Crowd(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.example = transaction.atomic()
        self.example.__enter__()
        self.day = DAY
        self.people = [somebody() for _ in range(PEOPLE_MAX)]
        self.pots: list[int] = []
        self.sent: list[tuple[int, str, date]] = []
        self.credits: dict[int, list[tuple[date, int]]] = {who: [] for who in self.people}
        for i, who in enumerate(self.people):
            earns(who, 150, expires_on=SOON, fund=i)
            earns(who, 150, expires_on=LATER)
        self.pots.append(people.pot_of(*self.people[:3]))
        for who in self.people[:3]:
            pays_in(self.pots[0], who, 80)
        self.posted = 300 * PEOPLE_MAX  # what all of them have, as the deeds say

    def teardown(self) -> None:
        try:
            self.follow()
            assert queries.prove() == []
            assert not [pot for pot in self.pots if self.is_closed(pot) and people.points(pot)]
        finally:
            transaction.set_rollback(True)
            self.example.__exit__(None, None, None)

    # ---- alone

    @rule(who=WHO, n=POINTS, age=AGE, expires_on=st.sampled_from([SOON, LATER]))
    def earn(self, who: int, n: int, age: int, expires_on: date) -> None:
        on = self.day - timedelta(days=age)
        earns(self.people[who], n, expires_on=expires_on, fund=who, on=on)
        self.credits[self.people[who]].append((on, n))
        self.posted += n

    @rule(who=WHO, n=POINTS)
    def spend(self, who: int, n: int) -> None:
        if self.may(lambda: people.spends(self.people[who], n)):
            self.posted -= n

    @rule(days=st.integers(1, 20))
    def live_on(self, days: int) -> None:
        self.day += timedelta(days=days)
        ledger.walk(lambda after: ledger.expire_due(day=self.day, limit=100, after=after))
        self.posted = self.in_the_books()  # what expired is the run's to say

    # ---- between two

    @rule(who=WHO, to=WHO, n=POINTS)
    def send(self, who: int, to: int, n: int) -> None:
        me, them = self.people[who], self.people[to]
        ref = f"t{len(self.sent)}:{me}"
        if self.may(lambda: sends(me, them, n, ref=ref, policy=POLICY, day=self.day)):
            self.sent.append((me, ref, self.day))
            self.posted -= 1
            assert people.points(me, day=self.day) >= self.young(me)
            today = [line for line in people.lines(me) if line.occurred_on == self.day]
            out = [-line.points for line in today if line.kind is Kind.TRANSFER_OUT]
            assert sum(out) <= 60 or "merge" in {line.reason for line in today}

    @rule(which=st.integers(0, 50), n=st.none() | POINTS, may_owe=st.booleans())
    def take_back(self, which: int, n: int | None, may_owe: bool) -> None:
        if not self.sent:
            return
        who, sent_ref, on = self.sent[which % len(self.sent)]
        ref = f"b{which}:{n}:{sent_ref}"
        self.may(
            lambda: people.takes_back(
                who, sent_ref, ref=ref, day=self.day, of_day=on, points=n, receiver_may_owe=may_owe
            )
        )
        self.posted -= self.lapsed()

    @rule(who=WHO, to=WHO, n=st.integers(0, 3), is_wanted=st.integers(0, 3).map(bool))
    def merge(self, who: int, to: int, n: int, is_wanted: bool) -> None:
        if is_wanted:  # mostly not: a former number does nothing more
            return
        self.may(
            lambda: ledger.merge(
                from_subscriber_id=self.people[who], to_subscriber_id=self.people[to],
                source=Source.STAFF, ref=f"m{n}", day=self.day,
            )
        )  # fmt: skip

    @rule()
    def follow(self) -> None:
        while ledger.follow_successors(day=self.day, limit=2):
            pass

    # ---- in a family

    @rule(who=WHO, others=st.lists(WHO, max_size=3))
    def open_pot(self, who: int, others: list[int]) -> None:
        owner = self.people[who]
        if self.may(lambda: self.pots.append(people.pot_of(owner))):
            for guest in {self.people[other] for other in others} - {owner}:
                self.may(partial(joins, self.pots[-1], guest, by=owner))

    @rule(who=WHO, n=POINTS)
    def pay_in(self, who: int, n: int) -> None:
        if pot := self.pot_of(who):
            self.may(lambda: pays_in(pot, self.people[who], n, day=self.day))

    @rule(who=WHO, n=POINTS)
    def spend_from_pot(self, who: int, n: int) -> None:
        if (pot := self.pot_of(who)) and self.may(
            lambda: people.spends_from(pot, self.people[who], n, day=self.day)
        ):
            self.posted -= n

    @rule(who=WHO, n=POINTS, hold_id=HOLD)
    def hold_from_pot(self, who: int, n: int, hold_id: UUID) -> None:
        if pot := self.pot_of(who):
            self.may(
                lambda: ledger.hold_from_pot(
                    pot_id=pot, by=self.people[who], hold_id=hold_id, day=self.day, points=n,
                    now=people.NOW, lifetime=timedelta(days=1), fingerprint=fingerprint_of(n),
                )
            )  # fmt: skip

    @rule(which=st.integers(0, 3), hold_id=HOLD)
    def release(self, which: int, hold_id: UUID) -> None:
        if self.pots:
            pot = self.pots[which % len(self.pots)]
            self.may(lambda: ledger.release(subscriber_id=pot, hold_id=hold_id, day=self.day))

    @rule(who=WHO)
    def leave(self, who: int) -> None:
        if pot := self.pot_of(who):
            self.may(lambda: leaves(pot, self.people[who], day=self.day))

    # ---- what holds

    @invariant()
    def nothing_is_made_or_lost(self) -> None:
        assert self.in_the_books() == self.posted

    @invariant()
    def stakes_are_what_the_pot_is_worth(self) -> None:
        for pot in self.pots:
            found = queries.pot(pot_id=pot, day=self.day)
            assert found is not None
            if found.closed_at is None:
                assert sum(member.stake_points for member in found.members) == found.free_points

    def in_the_books(self) -> int:
        with connection.cursor() as cursor:
            cursor.execute(
                "select coalesce(sum(posted), 0) from ledger.account where subscriber_id = any(%s)",
                [[*self.people, *self.pots]],
            )
            return int(cursor.fetchone()[0])

    def lapsed(self) -> int:
        """What came back too late, and expired at once."""
        gone = self.posted - self.in_the_books()
        assert gone >= 0
        assert gone == 0 or self.day > SOON
        return gone

    def young(self, who: int) -> int:
        since = self.day - timedelta(days=POLICY.min_age_days)
        return sum(n for on, n in self.credits[who] if on > since)

    def pot_of(self, who: int) -> int | None:
        return queries.pot_of(subscriber_id=self.people[who])

    def is_closed(self, pot: int) -> bool:
        found = queries.pot(pot_id=pot, day=self.day)
        return found is not None and found.closed_at is not None

    def may(self, deed: Callable[[], object]) -> bool:
        """Whether it was done; what is refused has moved nothing."""
        before = self.in_the_books()
        with suppress(LedgerError):
            deed()
            return True
        assert self.in_the_books() == before
        return False


@pytest.mark.django_db
def test_people_and_families_change_points_among_them_and_the_sum_stays() -> None:
    run_state_machine_as_test(
        Crowd,
        settings=settings(
            max_examples=8,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

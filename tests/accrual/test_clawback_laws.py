"""Whatever is paid, cancelled, spent, taken back, stopped and given back, in any order: everybody has what
stands of their grants, less what they spent, and the books are proved."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from club.access.errors import ProposalError
from club.accrual.clawback import proposing as clawbacks
from club.accrual.clawback import working
from club.accrual.errors import AccrualError
from club.accrual.models import Clawback
from club.ledger.errors import NotEnoughPoints
from club.subscribers.models import Subscriber
from tests.accrual.clawing import Story, assert_books_hold
from tests.accrual.conftest import Office
from tests.missing import tries

PEOPLE = 3
GRANT = 100


@dataclass
class Model:
    """What should be so: each payment's owner, whether it was cancelled, and which clawback has it."""

    owners: list[int] = field(default_factory=list)
    cancelled: set[int] = field(default_factory=set)
    taken_by: dict[int, int] = field(default_factory=dict)
    spent: Counter[int] = field(default_factory=Counter)

    def has(self, who: int) -> int:
        """Spendable less owed."""
        standing = [
            nth
            for nth, owner in enumerate(self.owners)
            if owner == who and nth not in self.cancelled and nth not in self.taken_by
        ]
        return GRANT * len(standing) - self.spent[who]

    def standing(self) -> list[int]:
        """By accounts, and in each by payments: the order in which a clawback takes."""
        found = [
            nth
            for nth in range(len(self.owners))
            if nth not in self.cancelled and nth not in self.taken_by
        ]
        return sorted(found, key=lambda nth: (self.owners[nth], nth))


class Play:
    """The deeds, done to the club and to the model."""

    def __init__(self, story: Story) -> None:
        self.story, self.model = story, Model()
        self.people: list[Subscriber] = [story.club.subscriber() for _ in range(PEOPLE)]
        self.payments: list[str] = []
        self.done: Counter[str] = Counter()

    def pay(self, number: int) -> None:
        self.story.club.later(seconds=1)
        who = number % PEOPLE
        self.payments.append(self.story.pays(self.people[who]))
        self.model.owners.append(who)

    def cancel(self, number: int) -> None:
        if not self.payments:
            return
        nth = number % len(self.payments)
        self.story.cancels(self.people[self.model.owners[nth]], self.payments[nth])
        self.model.cancelled.add(nth)

    def spend(self, number: int) -> None:
        who, points = number % PEOPLE, 1 + number % 70
        try:
            self.story.spends(self.people[who], points, ref=f"spend:{self.done.total()}")
        except NotEnoughPoints:
            return
        self.model.spent[who] += points

    def take(self, number: int) -> None:
        """The whole of it, or some slices and then a stop."""
        self.story.club.later(seconds=1)
        standing = self.model.standing()
        try:
            self.story.approves(self.story.asks())
        except AccrualError:
            assert standing == []
            return
        clawback = Clawback.objects.latest("pk")
        assert clawback.lines_count == len(standing)
        if number % 3:
            self.story.works(clawback)
        else:
            taken = working.work(clawback_id=clawback.pk, now=self.story.club.now, limit=1)
            standing = standing[:taken]
            clawbacks.stop(
                clawback_id=clawback.pk, why="wait", by=self.story.head, now=self.story.club.now
            )
        self.model.taken_by |= dict.fromkeys(standing, clawback.pk)

    def restore(self, number: int) -> None:
        ids = sorted(Clawback.objects.values_list("pk", flat=True))
        if not ids:
            return
        chosen = Clawback.objects.get(pk=ids[number % len(ids)])
        try:
            self.story.gives_back(chosen)
        except (AccrualError, ProposalError):
            return
        for nth in [nth for nth, by in self.model.taken_by.items() if by == chosen.pk]:
            del self.model.taken_by[nth]

    def does(self, deed: str, number: int) -> None:
        deeds: dict[str, Callable[[int], None]] = {
            "pay": self.pay, "cancel": self.cancel, "spend": self.spend,
            "take": self.take, "restore": self.restore,
        }  # fmt: skip
        deeds[deed](number)
        self.done[deed] += 1
        for nth, who in enumerate(self.people):
            spendable, owed = self.story.has(who)
            assert spendable - owed == self.model.has(nth), (deed, number, nth)


deeds = st.lists(
    st.tuples(
        st.sampled_from(["pay", "pay", "pay", "cancel", "spend", "take", "restore"]),
        st.integers(0, 1_000),
    ),
    min_size=3,
    max_size=14,
)


@given(deeds)
@settings(
    max_examples=tries(40, quick=15),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_everybody_has_what_stands_of_their_grants_less_what_they_spent(
    club: Office, record_property: Callable[[str, object], None], played: list[tuple[str, int]]
) -> None:
    start, now = transaction.savepoint(), club.now
    try:
        play = Play(Story(club))
        for deed, number in played:
            play.does(deed, number)
        assert_books_hold()
        record_property("tried", dict(play.done))
    finally:
        club.now = now
        transaction.savepoint_rollback(start)


def test_the_model_itself_notices_a_grant_that_is_taken_twice(club: Office) -> None:
    play = Play(Story(club))
    play.pay(0)
    play.take(1)
    play.model.taken_by.clear()

    with pytest.raises(AssertionError):
        play.does("pay", 1)

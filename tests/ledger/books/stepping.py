"""How the state machine works: each deed is done by the model and by the books, the answers and then the
complete books are compared, and any earlier deed may be done again."""

from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import hypothesis.strategies as st
import pytest
from django.db import transaction
from hypothesis.stateful import RuleBasedStateMachine, invariant

from club.access.models import Staff
from club.errors import ClubError
from club.ledger import actions as ledger
from club.ledger import queries
from club.ledger.rules import Source, pot_id_of
from club.subscribers.models import Subscriber
from tests.ledger import people
from tests.ledger.model.account import REVERSIBLE, Key
from tests.ledger.model.alone import Budget
from tests.ledger.model.lots import Refusal
from tests.ledger.model.together import Model
from tests.ledger.plain import rows

START = date(2026, 11, 1)
PEOPLE = 3
BUDGET, BUDGET_POINTS = "gifts", 150
BUDGET_UNTIL = START + timedelta(days=10)
# What only the books have a key for: expiry, repayment, the moves of shares and of late comers.
OWN = (
    "kind in (3, 8) or source = 0 and ref ~ '^(from:-?[0-9]+:0:)?(late|pot):'"
    " or kind = 11 and ref like 'sweep:%%'"
)

tried: Counter[str] = Counter()


@dataclass(frozen=True)
class Deed:
    verb: str
    model: Callable[[Model], object]
    books: Callable[[], object]
    whose: int | None = None
    """Whose spendable points the books answer, on which day."""
    day: date = START


class Machine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.example = transaction.atomic()
        self.example.__enter__()
        self.day = START
        self.people = tuple(people.somebody() for _ in range(PEOPLE))
        self.numbers = [Subscriber.objects.get(id=who).msisdn for who in self.people]
        self.officer = Staff.objects.create_superuser("officer")
        self.model = Model(people={*self.people})
        self.model.budgets[BUDGET] = Budget(1, BUDGET_POINTS, BUDGET_UNTIL)
        self.done: list[Deed] = []
        ledger.make_fund(fund=1, code="bank", name="Bank")
        ledger.make_budget(
            code=BUDGET, fund=1, points=BUDGET_POINTS, valid_from=START, valid_until=BUDGET_UNTIL
        )

    def teardown(self) -> None:
        try:
            assert queries.prove() == []
            assert booked_lines() == self.modelled_lines()
        finally:
            transaction.set_rollback(True)
            self.example.__exit__(None, None, None)

    @property
    def now(self) -> datetime:
        return datetime.combine(self.day, datetime.min.time(), UTC) + timedelta(hours=8)

    @property
    def moment(self) -> datetime:
        """One of its own for each deed."""
        return self.now + timedelta(seconds=len(self.done))

    # ---- who

    def person(self, nth: int) -> int:
        return self.people[nth]

    def anybody(self, nth: int) -> int:
        """A person, or one of the two pots."""
        return self.people[nth] if nth < PEOPLE else pot_id_of(UUID(int=8 + nth - PEOPLE))

    def posting_of(self, data: st.DataObject, who: int) -> Key:
        """Mostly one that can be reversed."""
        unknown: Key = (Source.ORDER, "unknown", self.day)
        journal = self.model.of(who).journal
        own = [key for key in journal if "move:" not in key[1]]
        fit = [key for key in own if journal[key].what in REVERSIBLE]
        return data.draw(st.sampled_from([*fit, *fit, unknown, *own]))

    # ---- doing

    def deed(
        self, verb: str, model: Callable[..., object], books: Callable[..., object],
        *, whose: int | None = None, **given: Any,
    ) -> None:  # fmt: skip
        """`model` is what the model does with itself; `given` goes to the books."""
        self.does(Deed(verb, model, partial(books, **given), whose, self.day))

    def does(self, deed: Deed) -> None:
        """Each third one is said again at once, as by a client whose answer was lost."""
        self.done.append(deed)
        self.compare(deed)
        if len(self.done) % 3 == 0:
            self.repeat(0)

    def compare(self, deed: Deed) -> None:
        """The model goes first: what the books answer is then compared with its new state."""
        tried.update([deed.verb, "steps"])
        before = deepcopy(self.model)
        try:
            expected = deed.model(self.model)
        except Refusal as refusal:
            self.model = before
            tried["refused"] += 1
            self.is_refused(deed, refusal)
            return
        answer = deed.books()
        if isinstance(answer, ledger.Booked):
            assert deed.whose is not None
            spendable = self.model.of(deed.whose).spendable(deed.day)
            assert answer.available_points == spendable, deed.verb
            answer = answer.is_fresh
        assert answer == expected, deed.verb

    @staticmethod
    def is_refused(deed: Deed, refusal: Refusal) -> None:
        with pytest.raises(ClubError) as told:
            deed.books()
        assert told.value.code == refusal.code, deed.verb
        assert refusal.values.items() <= told.value.values.items(), deed.verb

    def repeat(self, nth: int) -> None:
        """An earlier deed, as a retry that comes late, with the day and the moment it had."""
        if self.done:
            tried["repeated"] += 1
            self.compare(self.done[-1 - nth % len(self.done)])

    # ---- comparing

    @invariant()
    def the_books_are_those_of_the_model(self) -> None:
        accounts = self.model.accounts
        found = {
            who: (held, arrears)
            for who, held, arrears in rows(
                "select subscriber_id, held, arrears from ledger.account"
            )
        }
        lots: dict[int, list[tuple[date, int, int]]] = {}
        for who, expires_on, fund, points in rows(
            "select subscriber_id, expires_on, fund, points from ledger.lot order by 1, 2, 3"
        ):
            lots.setdefault(who, []).append((expires_on, fund, points))
        pending = dict(
            rows("select subscriber_id, sum(points) from ledger.pending where state = 1 group by 1")
        )
        for who, me in accounts.items():
            assert found.get(who, (0, 0)) == (me.held(), me.arrears), who
            assert lots.get(who, []) == me.purse.all(), who
            assert pending.get(who, 0) == me.pending(), who
        assert {*lots} <= {*accounts}
        self.the_figures_shown_are_those_of_the_model()

    def the_figures_shown_are_those_of_the_model(self) -> None:
        who = self.people[len(self.done) % PEOPLE]
        me, balance = self.model.of(who), queries.balance(subscriber_id=who, day=self.day)
        assert balance.spendable_points == me.spendable(self.day)
        for code, spent in rows("select code, spent from ledger.budget"):
            assert spent == self.model.budgets[code].spent
        frozen = dict(rows("select subscriber_id, frozen_until from ledger.freeze"))
        assert frozen == self.model.frozen
        successors = dict(rows("select subscriber_id, successor_id from ledger.successor"))
        assert successors == self.model.successors
        for pot_id, pot in self.model.pots.items():
            shown = queries.pot(pot_id=pot_id, day=self.day)
            assert shown is not None
            assert (shown.closed_at is not None) == pot.is_closed
            assert shown.owner_id == pot.owner
            stakes = {member.subscriber_id: member.stake_points for member in shown.members}
            assert stakes == self.model.stakes(pot_id, self.day)

    def modelled_lines(self) -> dict[tuple[object, ...], int]:
        return {
            (who, *key): entry.points
            for who, me in self.model.accounts.items()
            for key, entry in me.journal.items()
            if "move:" not in key[1]
        }


def booked_lines() -> dict[tuple[object, ...], int]:
    return {
        (who, source, ref, on): points
        for who, source, ref, on, points in rows(
            "select subscriber_id, source, ref, occurred_on, points from ledger.posting"
            f" where ({OWN}) is not true"
        )
    }

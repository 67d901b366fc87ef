"""The laws of the books under every order of calls: a state machine drives all verbs of the real ledger
and the plain model side by side, with repeated keys, late days, refusals, and compares the complete
books after each step. `make test-all` takes thousands of steps."""

from collections.abc import Callable
from datetime import timedelta

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import initialize, rule, run_state_machine_as_test

from club.ledger import actions as ledger
from club.ledger.rules import Source
from tests.ledger.books.choices import DAYS, THIS
from tests.ledger.books.ending import Ending
from tests.ledger.books.family import Family
from tests.ledger.books.sending import Sending
from tests.ledger.books.stepping import START, tried
from tests.ledger.books.undoing import Undoing
from tests.missing import nothing_may_be_missing

IS_LONG = nothing_may_be_missing()
EXAMPLES, STEPS, STEPS_MIN = (60, 90, 5_000) if IS_LONG else (12, 50, 500)
EXAMPLES_MORE = 60
VERBS = (
    """
adjust|capture|close_pot|erase|expire_due|expire_inactive|extend|extend_hold|extend_many
follow_successors|forfeit|forfeit_what_came_later|freeze|goodwill|hold|hold_from_pot|invite_to_pot
join_pot|keep_promises|leave_pot|merge|open_pot|pay_into_pot|pin_hold|post_many|post_many, opening
promise_many|release|release_expired_holds|reverse|reverse_transfer|spend|spend_from_pot|transfer
unfreeze|unpin_hold|withdraw_promise
""".strip()
    .replace("\n", "|")
    .split("|")
)


class Books(Undoing, Ending, Sending, Family):
    @initialize()
    def everybody_has_something(self) -> None:
        long_ago = START - timedelta(days=30)
        for i, who in enumerate(self.people):
            for ref, e in (("soon", DAYS[1]), ("later", DAYS[3])):
                self.accrues(
                    Source.ACCRUAL, [ledger.Accrual(who, ref, long_ago, 45, e, i % 2, THIS)]
                )

    @rule(nth=st.just(0) | st.integers(0, 40))
    def again(self, nth: int) -> None:
        self.repeat(nth)

    @rule(nth=st.integers(0, 40))
    def again_and_twice(self, nth: int) -> None:
        self.repeat(nth)
        self.repeat(nth)

    @rule(days=st.integers(1, 3))
    def time_passes(self, days: int) -> None:
        self.day += timedelta(days=days)


def drive(examples: int) -> None:
    run_state_machine_as_test(
        Books,
        settings=settings(
            max_examples=examples,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def rare() -> set[str]:
    return {verb for verb in VERBS if tried[verb] < 5}


@pytest.mark.django_db
def test_the_books_and_the_model_agree_after_every_step(
    record_property: Callable[[str, object], None],
) -> None:
    drive(EXAMPLES)
    assert tried["steps"] >= STEPS_MIN
    if IS_LONG:
        # Each example leaves some rules out by chance, and a few verbs need two of them.
        for _ in range(EXAMPLES_MORE // 5):
            if not rare():
                break
            drive(5)
        assert rare() == set()
    record_property("tried", dict(tried))

"""Earning, at once or later."""

from datetime import date, timedelta
from typing import Any

import hypothesis.strategies as st
from hypothesis.stateful import rule

from club.ledger import actions as ledger
from club.ledger.rules import Kind, Source, fingerprint_of
from tests.ledger.books.choices import (
    BACK,
    CONTENT,
    EARNED,
    EXPIRY,
    FUND,
    LONG_BACK,
    NTH,
    POINTS,
    REF,
    SOURCE,
    event,
)
from tests.ledger.books.stepping import Machine
from tests.ledger.model.account import Promise


class Earning(Machine):
    @rule(nth=NTH, source=SOURCE, ref=REF, back=LONG_BACK, n=POINTS, e=EXPIRY, fund=FUND,
          content=CONTENT)  # fmt: skip
    def accrue(
        self, nth: int, source: int, ref: str, back: int, n: int, e: date, fund: int, content: bytes
    ) -> None:
        day = self.day - timedelta(days=back)
        accrual = ledger.Accrual(self.person(nth), event(ref, day), day, n, e, fund, content)
        self.accrues(source, [accrual])

    @rule(source=SOURCE, rows=st.lists(st.tuples(NTH, REF, BACK, EARNED, EXPIRY, FUND), max_size=5))
    def accrue_a_batch(self, source: int, rows: list[tuple[int, str, int, int, date, int]]) -> None:
        self.accrues(source, self.batch_of(rows))

    @rule(rows=st.lists(st.tuples(NTH, REF, BACK, EARNED, EXPIRY, FUND), max_size=3))
    def bring_opening_balances(self, rows: list[tuple[int, str, int, int, date, int]]) -> None:
        self.accrues(Source.IMPORT, self.batch_of(rows), kind=Kind.OPENING)

    def batch_of(self, rows: list[tuple[int, str, int, int, date, int]]) -> list[ledger.Accrual]:
        return [
            ledger.Accrual(self.person(nth), event(ref, day), day, n, e, fund, fingerprint_of(n))
            for nth, ref, back, n, e, fund in rows
            for day in [self.day - timedelta(days=back)]
        ]

    def accrues(self, source: int, batch: list[ledger.Accrual], kind: Kind = Kind.ACCRUAL) -> None:
        def modelled(model: Any) -> ledger.Posted:
            outcomes = [
                (a.ref, model.accrue(
                    a.subscriber_id, (source, a.ref, a.occurred_on),
                    (a.expires_on, a.fund, a.points), a.fingerprint,
                ))
                for a in batch
            ]  # fmt: skip
            model.settle_all()
            return posted_as(outcomes)

        self.deed(
            "post_many" if kind == Kind.ACCRUAL else "post_many, opening", modelled,
            ledger.post_many, source=source, accruals=batch, kind=kind,
        )  # fmt: skip

    @rule(nth=NTH, ref=REF, n=EARNED, e=EXPIRY, days=st.integers(0, 3))
    def promise(self, nth: int, ref: str, n: int, e: date, days: int) -> None:
        who, content = self.person(nth), fingerprint_of(n)
        at = self.now + timedelta(days=days)
        ref = event(ref, self.day)
        key = (Source.ACCRUAL, ref, self.day)
        self.deed(
            "promise_many",
            lambda m: posted_as([(ref, m.promise(who, key, Promise(n, e, 0, content, at)))]),
            ledger.promise_many,
            source=Source.ACCRUAL,
            promises=[ledger.Promise(who, ref, self.day, n, e, 0, content, at)],
        )

    @rule()
    def keep_promises(self) -> None:
        now = self.now
        self.deed("keep_promises", lambda m: m.keep(now), ledger.keep_promises, now=now, limit=100)

    @rule(nth=NTH, ref=REF)
    def withdraw(self, nth: int, ref: str) -> None:
        ref = event(ref, self.day)
        who, key = self.person(nth), (Source.ACCRUAL, ref, self.day)
        self.deed(
            "withdraw_promise", lambda m: m.withdraw(who, key), ledger.withdraw_promise,
            subscriber_id=who, source=Source.ACCRUAL, ref=ref, occurred_on=self.day,
        )  # fmt: skip


def posted_as(outcomes: list[tuple[str, str]]) -> ledger.Posted:
    words = [outcome for _, outcome in outcomes]
    return ledger.Posted(
        fresh=words.count("fresh"),
        replayed=words.count("replayed"),
        conflicts=tuple(ref for ref, outcome in outcomes if outcome == "conflict"),
    )

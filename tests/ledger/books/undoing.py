"""Undoing, putting right."""

from datetime import date

import hypothesis.strategies as st
from hypothesis.stateful import rule

from club.ledger import actions as ledger
from club.ledger.rules import AdjustmentReason, ClawbackPolicy, Source
from tests.ledger.books.choices import (
    CONTENT,
    EXPIRY,
    GRACE,
    NTH,
    ONE_FUND,
    PART,
    POINTS,
    REF,
    THIS,
)
from tests.ledger.books.earning import Earning
from tests.ledger.books.spending import Spending
from tests.ledger.books.stepping import BUDGET, PEOPLE
from tests.ledger.model.account import Key


class Undoing(Earning, Spending):
    @rule(data=st.data(), nth=st.integers(0, PEOPLE + 1), ref=REF, n=PART, grace=GRACE,
          spares=st.booleans(), content=CONTENT)  # fmt: skip
    def reverse(
        self, data: st.DataObject, nth: int, ref: str, n: int | None, grace: date | None,
        spares: bool, content: bytes,
    ) -> None:  # fmt: skip
        who = self.anybody(nth)
        of = self.posting_of(data, who)
        self.reverses(who, (Source.STAFF, ref, self.day), of, n, grace, spares, content)

    def reverses(
        self, who: int, key: Key, of: Key, n: int | None, grace: date | None, spares: bool,
        content: bytes,
    ) -> None:  # fmt: skip
        self.deed(
            "reverse", lambda m: m.reverse(who, key, of, n, content, grace, spares), ledger.reverse,
            whose=who, subscriber_id=who, source=key[0], ref=key[1], day=key[2],
            of_source=of[0], of_ref=of[1], of_day=of[2], points=n, fingerprint=content,
            grace_until=grace,
            policy=ClawbackPolicy.ARREARS if spares else ClawbackPolicy.OTHER_LOTS,
        )  # fmt: skip

    @rule(nth=NTH, ref=REF, n=st.integers(-40, 40).filter(bool), fund=ONE_FUND, e=EXPIRY,
          content=CONTENT)  # fmt: skip
    def adjust(self, nth: int, ref: str, n: int, fund: int | None, e: date, content: bytes) -> None:
        who, key = self.person(nth), (Source.STAFF, f"adjusted:{ref}", self.day)
        self.deed(
            "adjust", lambda m: m.adjust(who, key, n, fund, e, content), ledger.adjust, whose=who,
            subscriber_id=who, source=Source.STAFF, ref=key[1], day=self.day, points=n, fund=fund,
            expires_on=e, reason=AdjustmentReason.AGREEMENT, actor="anna", fingerprint=content,
        )  # fmt: skip

    @rule(nth=NTH, ref=REF, n=POINTS, code=st.sampled_from([BUDGET, BUDGET, "none"]), e=EXPIRY,
          content=CONTENT)  # fmt: skip
    def goodwill(self, nth: int, ref: str, n: int, code: str, e: date, content: bytes) -> None:
        who, key = self.person(nth), (Source.STAFF, f"given:{ref}", self.day)
        self.deed(
            "goodwill", lambda m: m.goodwill(who, key, n, code, e, content), ledger.goodwill,
            whose=who, subscriber_id=who, source=Source.STAFF, ref=key[1], day=self.day, points=n,
            budget=code, expires_on=e, actor="anna", fingerprint=content,
        )  # fmt: skip

    @rule(nth=NTH, n=POINTS, e=EXPIRY, is_spared=st.booleans())
    def come_to_owe(self, nth: int, n: int, e: date, is_spared: bool) -> None:
        """Earns, spends all there is, and has the earning taken back."""
        who, ref, content = self.person(nth), f"owed:{len(self.done)}", THIS
        self.accrues(Source.ACCRUAL, [ledger.Accrual(who, ref, self.day, n, e, 0, content)])
        if all_there_is := self.model.of(who).spendable(self.day):
            self.spends(who, (Source.ORDER, ref, self.day), all_there_is, None, content)
        of = (Source.ACCRUAL, ref, self.day)
        self.reverses(who, (Source.STAFF, ref, self.day), of, None, None, is_spared, content)

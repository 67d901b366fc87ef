"""Spending, and holds."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import hypothesis.strategies as st
from hypothesis.stateful import rule

from club.ledger import actions as ledger
from club.ledger.rules import Source, hold_ref
from tests.ledger.books.choices import (
    CONTENT,
    GRACE,
    HOLD,
    NTH,
    ONE_FUND,
    PART,
    POINTS,
    REF,
    SOURCE,
    event,
)
from tests.ledger.books.stepping import PEOPLE, Machine
from tests.ledger.model.account import Key


class Spending(Machine):
    @rule(nth=NTH, source=SOURCE, ref=REF, n=POINTS, fund=ONE_FUND, content=CONTENT)
    def spend(
        self, nth: int, source: int, ref: str, n: int, fund: int | None, content: bytes
    ) -> None:
        self.spends(self.person(nth), (source, event(ref, self.day), self.day), n, fund, content)

    def spends(self, who: int, key: Key, n: int, fund: int | None, content: bytes) -> None:
        self.deed(
            "spend", lambda m: m.spend(who, key, n, fund, content), ledger.spend, whose=who,
            subscriber_id=who, source=key[0], ref=key[1], day=key[2], points=n, fund=fund,
            fingerprint=content,
        )  # fmt: skip

    @rule(nth=NTH, hold_id=HOLD, n=POINTS, days=st.integers(1, 3), fund=ONE_FUND, content=CONTENT)
    def hold(
        self, nth: int, hold_id: UUID, n: int, days: int, fund: int | None, content: bytes
    ) -> None:
        who, day, life = self.person(nth), self.day, timedelta(days=days)
        until = self.now + life
        self.deed(
            "hold", lambda m: m.hold(who, str(hold_id), day, n, fund, until, content), ledger.hold,
            whose=who, subscriber_id=who, hold_id=hold_id, day=day, points=n, now=self.now,
            lifetime=life, fund=fund, fingerprint=content,
        )  # fmt: skip

    @rule(nth=st.integers(0, PEOPLE + 1), hold_id=HOLD, n=PART, grace=GRACE, is_kept=st.booleans())
    def end_a_hold(
        self, nth: int, hold_id: UUID, n: int | None, grace: date | None, is_kept: bool
    ) -> None:
        who, key = self.anybody(nth), (Source.LEDGER, hold_ref(hold_id), self.day)
        points = n if is_kept else 0
        given: dict[str, Any] = {"points": n} if is_kept else {}
        self.deed(
            "capture" if is_kept else "release",
            lambda m: m.close_hold(who, str(hold_id), key, points, grace),
            ledger.capture if is_kept else ledger.release,
            whose=who, subscriber_id=who, hold_id=hold_id, day=self.day, grace_until=grace, **given,
        )  # fmt: skip

    @rule(nth=NTH, hold_id=HOLD, verb=st.sampled_from(["pin", "unpin", "extend"]))
    def touch_a_hold(self, nth: int, hold_id: UUID, verb: str) -> None:
        who, until, name = self.person(nth), self.now + timedelta(days=2), str(hold_id)
        of = {"subscriber_id": who, "hold_id": hold_id}
        match verb:
            case "pin":
                self.deed("pin_hold", lambda m: m.pin(who, name), ledger.pin_hold, **of)
            case "unpin":
                self.deed(
                    "unpin_hold", lambda m: m.unpin(who, name, until), ledger.unpin_hold,
                    **of, until=until,
                )  # fmt: skip
            case _:
                self.deed(
                    "extend_hold", lambda m: m.extend_hold(who, name, until), ledger.extend_hold,
                    **of, until=until,
                )  # fmt: skip

    @rule()
    def sweep_holds(self) -> None:
        now, day = self.now, self.day
        self.deed(
            "release_expired_holds", lambda m: m.sweep(now, day), ledger.release_expired_holds,
            now=now, day=day, limit=100,
        )  # fmt: skip

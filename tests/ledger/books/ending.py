"""The ends of points."""

from datetime import date, timedelta
from typing import Any

import hypothesis.strategies as st
from hypothesis.stateful import rule

from club.ledger import actions as ledger
from club.ledger.rules import Source
from tests.ledger.books.choices import CONTENT, EXPIRY, NTH, ONE_FUND, REF
from tests.ledger.books.stepping import Machine


class Ending(Machine):
    @rule()
    def expire(self) -> None:
        day = self.day
        self.deed(
            "expire_due", lambda m: m.expire(day),
            lambda: ledger.walk(lambda after: ledger.expire_due(day=day, limit=1, after=after)),
        )  # fmt: skip

    @rule(days=st.sampled_from([1, 3, 100]))
    def expire_the_inactive(self, days: int) -> None:
        day, since = self.day, self.day - timedelta(days=days)
        self.deed(
            "expire_inactive", lambda m: m.expire_inactive(day, since),
            lambda: ledger.walk(
                lambda after: ledger.expire_inactive(
                    day=day, active_since=since, after=after, limit=1
                )
            ),
        )  # fmt: skip

    @rule(nth=NTH, ref=REF, first=EXPIRY, last=EXPIRY, days=st.integers(0, 20), fund=ONE_FUND,
          content=CONTENT)  # fmt: skip
    def extend(
        self, nth: int, ref: str, first: date, last: date, days: int, fund: int | None,
        content: bytes,
    ) -> None:  # fmt: skip
        who, key = self.person(nth), (Source.STAFF, f"extended:{ref}", self.day)
        to = last + timedelta(days=days)

        def extended(**given: Any) -> tuple[bool, int]:
            answer = ledger.extend(**given)
            return answer.is_fresh, answer.extended_points

        self.deed(
            "extend", lambda m: m.extend(who, key, first, last, to, fund, content), extended,
            subscriber_id=who, source=Source.STAFF, ref=key[1], day=self.day, ending_from=first,
            ending_until=last, to=to, fund=fund, reason="staff", actor="anna", fingerprint=content,
        )  # fmt: skip

    @rule(ending_on=EXPIRY, days=st.integers(1, 5), fund=ONE_FUND)
    def extend_many(self, ending_on: date, days: int, fund: int | None) -> None:
        day, to = self.day, ending_on + timedelta(days=days)
        self.deed(
            "extend_many", lambda m: m.extend_many(day, ending_on, to, fund),
            lambda: ledger.walk(
                lambda after: ledger.extend_many(
                    source=Source.STAFF, ref="sweep", day=day, ending_on=ending_on, to=to,
                    fund=fund, reason="staff", actor="anna", limit=1, after=after,
                )
            ),
        )  # fmt: skip

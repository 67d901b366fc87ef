"""In a family."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import hypothesis.strategies as st
from hypothesis.stateful import rule

from club.ledger import actions as ledger
from club.ledger.rules import PotSpender, Source, pot_id_of
from tests.ledger.books.choices import (
    CONTENT,
    HOLD,
    NTH,
    POINTS,
    POLICY,
    POT,
    REF,
    SOURCE,
    TERMS,
    event,
)
from tests.ledger.books.stepping import Machine


class Family(Machine):
    @rule(pot=POT, nth=NTH, is_for_all=st.booleans())
    def open_pot(self, pot: UUID, nth: int, is_for_all: bool) -> None:
        owner, pot_id = self.person(nth), pot_id_of(pot)

        def opened(model: Any) -> int:
            model.open_pot(pot_id, owner, is_for_all)
            return pot_id

        self.deed(
            "open_pot", opened, ledger.open_pot, key=pot, owner_id=owner,
            spent_by=PotSpender.EVERYBODY if is_for_all else PotSpender.OWNER,
        )  # fmt: skip

    @rule(pot=POT, by=NTH, nth=NTH, days=st.integers(1, 3))
    def invite(self, pot: UUID, by: int, nth: int, days: int) -> None:
        pot_id, owner, who, now = pot_id_of(pot), self.owner_or(pot, by), self.person(nth), self.now
        until = now + timedelta(days=days)
        self.deed(
            "invite_to_pot", lambda m: m.invite(pot_id, owner, who, now, until),
            ledger.invite_to_pot, pot_id=pot_id, by=owner, subscriber_id=who, now=now, until=until,
        )  # fmt: skip

    @rule(pot=POT, nth=NTH)
    def join(self, pot: UUID, nth: int) -> None:
        pot_id, who, now = pot_id_of(pot), self.person(nth), self.now
        self.deed(
            "join_pot", lambda m: m.join(pot_id, who, now), ledger.join_pot,
            pot_id=pot_id, subscriber_id=who, now=now,
        )  # fmt: skip

    @rule(pot=POT, nth=NTH, ref=REF, n=POINTS, content=CONTENT)
    def pay_in(self, pot: UUID, nth: int, ref: str, n: int, content: bytes) -> None:
        pot_id, who, now = pot_id_of(pot), self.person(nth), self.now
        key = (Source.PARTNER, f"paid:{ref}", self.day)
        self.deed(
            "pay_into_pot", lambda m: m.pay_in(pot_id, who, key, n, TERMS, now, content),
            ledger.pay_into_pot, whose=who, pot_id=pot_id, subscriber_id=who,
            source=Source.PARTNER, ref=key[1], day=self.day, points=n, policy=POLICY, now=now,
            fingerprint=content,
        )  # fmt: skip

    @rule(pot=POT, nth=NTH, source=SOURCE, ref=REF, n=POINTS, content=CONTENT)
    def spend_from_pot(
        self, pot: UUID, nth: int, source: int, ref: str, n: int, content: bytes
    ) -> None:
        pot_id, by, now = pot_id_of(pot), self.person(nth), self.now
        ref = event(ref, self.day)
        key = (source, ref, self.day)
        self.deed(
            "spend_from_pot", lambda m: m.spend_from_pot(pot_id, by, key, n, now, content),
            ledger.spend_from_pot, whose=pot_id, pot_id=pot_id, by=by, source=source, ref=ref,
            day=self.day, points=n, now=now, fingerprint=content,
        )  # fmt: skip

    @rule(pot=POT, nth=NTH, hold_id=HOLD, n=POINTS, content=CONTENT)
    def hold_from_pot(self, pot: UUID, nth: int, hold_id: UUID, n: int, content: bytes) -> None:
        pot_id, by, now, day = pot_id_of(pot), self.person(nth), self.now, self.day
        life = timedelta(days=2)
        self.deed(
            "hold_from_pot",
            lambda m: m.hold_from_pot(pot_id, by, str(hold_id), day, n, now, now + life, content),
            ledger.hold_from_pot, whose=pot_id, pot_id=pot_id, by=by, hold_id=hold_id, day=day,
            points=n, now=now, lifetime=life, fingerprint=content,
        )  # fmt: skip

    @rule(pot=POT, nth=NTH, by=NTH)
    def leave(self, pot: UUID, nth: int, by: int) -> None:
        pot_id, who, day = pot_id_of(pot), self.person(nth), self.day
        asker = who if by % 2 else self.owner_or(pot, by)
        self.deed(
            "leave_pot", lambda m: m.leave(pot_id, who, asker, day), ledger.leave_pot, whose=who,
            pot_id=pot_id, subscriber_id=who, by=asker, day=day,
        )  # fmt: skip

    @rule(pot=POT, nth=NTH)
    def close_pot(self, pot: UUID, nth: int) -> None:
        pot_id, who, day = pot_id_of(pot), self.person(nth), self.day
        self.deed(
            "close_pot", lambda m: m.close_pot(pot_id, who, day), ledger.close_pot,
            pot_id=pot_id, by=who, day=day,
        )  # fmt: skip

    def owner_or(self, pot: UUID, nth: int) -> int:
        """Mostly the owner, so that something comes of it."""
        known = self.model.pots.get(pot_id_of(pot))
        return known.owner if known is not None and nth else self.person(nth)

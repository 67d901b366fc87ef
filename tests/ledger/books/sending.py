"""Between people."""

from datetime import date, timedelta

import hypothesis.strategies as st
from hypothesis.stateful import rule

from club.erasure import actions as erasure
from club.ledger import actions as ledger
from club.ledger.rules import Source, fingerprint_of
from tests.ledger.books.choices import CONTENT, GRACE, NTH, PART, POINTS, POLICY, REF, TERMS
from tests.ledger.books.stepping import PEOPLE, Deed, Machine


class Sending(Machine):
    @rule(nth=NTH, to_nth=st.integers(0, PEOPLE), ref=REF, n=POINTS, content=CONTENT)
    def transfer(self, nth: int, to_nth: int, ref: str, n: int, content: bytes) -> None:
        who = self.person(nth)
        to = self.people[to_nth] if to_nth < PEOPLE else 10**12  # Nobody has that number.
        key, now = (Source.PARTNER, ref, self.day), self.now
        self.deed(
            "transfer", lambda m: m.transfer(who, to, key, n, TERMS, now, content), ledger.transfer,
            whose=who, subscriber_id=who, to_subscriber_id=to, source=Source.PARTNER, ref=ref,
            day=self.day, points=n, policy=POLICY, now=now, fingerprint=content,
        )  # fmt: skip

    @rule(data=st.data(), nth=NTH, ref=REF, n=PART, grace=GRACE, with_fee=st.booleans(),
          may_owe=st.booleans(), content=CONTENT)  # fmt: skip
    def reverse_transfer(
        self, data: st.DataObject, nth: int, ref: str, n: int | None, grace: date | None,
        with_fee: bool, may_owe: bool, content: bytes,
    ) -> None:  # fmt: skip
        who = self.person(nth)
        sent = [k for k, entry in self.model.of(who).journal.items() if entry.what == "sent"]
        sent = [k for k in sent if "move:" not in k[1]]
        of = data.draw(st.sampled_from(sent)) if sent else self.posting_of(data, who)
        key = (Source.STAFF, f"sent back:{ref}", self.day)
        self.deed(
            "reverse_transfer",
            lambda m: m.reverse_transfer(who, key, of, n, content, grace, with_fee, may_owe),
            ledger.reverse_transfer,
            whose=who, subscriber_id=who, source=Source.STAFF, ref=key[1], day=self.day,
            of_source=of[0], of_ref=of[1], of_day=of[2], points=n, with_fee=with_fee,
            receiver_may_owe=may_owe, fingerprint=content, grace_until=grace,
        )  # fmt: skip

    @rule(nth=NTH, days=st.integers(1, 4), is_wanted=st.integers(0, 3))
    def freeze_or_free(self, nth: int, days: int, is_wanted: int) -> None:
        who, until = self.person(nth), self.now + timedelta(days=days)
        if is_wanted:
            self.deed("unfreeze", lambda m: m.unfreeze(who), ledger.unfreeze, subscriber_id=who)
        else:
            self.deed(
                "freeze", lambda m: m.freeze(who, until), ledger.freeze,
                subscriber_id=who, until=until, reason="staff",
            )  # fmt: skip

    @rule(nth=NTH, to_nth=NTH, ref=REF, chance=st.integers(0, 3))
    def merge(self, nth: int, to_nth: int, ref: str, chance: int) -> None:
        if chance:  # Mostly not: whoever gave way does little more.
            return
        who, to = self.person(nth), self.person(to_nth)
        key, content = (Source.STAFF, f"merged:{ref}", self.day), fingerprint_of("merge", to)
        self.deed(
            "merge", lambda m: m.merge(who, to, key, content), ledger.merge, whose=to,
            from_subscriber_id=who, to_subscriber_id=to, source=Source.STAFF, ref=key[1],
            day=self.day,
        )  # fmt: skip

    @rule()
    def follow(self) -> None:
        heirs = [self.model.successors[who] for who in self.model.late()]
        if len(heirs) != len({*heirs}):
            return  # Who of them comes first is nobody's promise.
        day = self.day

        def followed() -> None:
            while ledger.follow_successors(day=day, limit=10):
                pass

        self.compare(Deed("follow_successors", lambda m: m.follow(day), followed))

    @rule(nth=NTH, ref=REF, chance=st.integers(0, 3))
    def forfeit(self, nth: int, ref: str, chance: int) -> None:
        if chance:
            return
        who, key = self.person(nth), (Source.STAFF, f"forfeited:{ref}", self.day)
        self.deed(
            "forfeit", lambda m: m.forfeit(who, key, b"left"), ledger.forfeit, whose=who,
            subscriber_id=who, source=Source.STAFF, ref=key[1], day=self.day, actor=None,
            reason="left",
        )  # fmt: skip

    @rule(nth=NTH, chance=st.integers(0, 7))
    def erase(self, nth: int, chance: int) -> None:
        if chance:
            return
        who, msisdn, now = self.person(nth), self.numbers[nth], self.moment
        ref = f"erased:{now.isoformat()}"

        def erased() -> tuple[tuple[int, ...], int]:
            answer = erasure.erase(msisdn=msisdn, by=self.officer, now=now)
            return answer.subscriber_ids, answer.forfeited_points

        key = (Source.STAFF, ref, self.day)
        self.deed("erase", lambda m: m.erase(who, key), erased)

    @rule()
    def forfeit_what_came_later(self) -> None:
        now = self.moment
        key = (Source.STAFF, f"erased:{now.isoformat()}", self.day)
        self.deed(
            "forfeit_what_came_later", lambda m: m.forfeit_late(key),
            erasure.forfeit_what_came_later, now=now, limit=10,
        )  # fmt: skip

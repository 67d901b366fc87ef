"""What one account does by itself: earning, spending, holds, promises, undoing."""

from dataclasses import dataclass, field
from datetime import date, datetime

from tests.ledger.model.account import REVERSIBLE, Account, Entry, Hold, Key, Promise
from tests.ledger.model.lots import Lots, Refusal, split, total


@dataclass
class Budget:
    fund: int
    points: int
    until: date
    spent: int = 0


@dataclass
class Alone:
    accounts: dict[int, Account] = field(default_factory=dict)
    budgets: dict[str, Budget] = field(default_factory=dict)
    successors: dict[int, int] = field(default_factory=dict)

    def of(self, who: int) -> Account:
        return self.accounts.setdefault(who, Account())

    # ---- earning

    def accrue(self, who: int, key: Key, lot: tuple[date, int, int], content: bytes) -> str:
        me = self.of(who)
        if (before := me.journal.get(key)) is not None:
            return "replayed" if before.content == content else "conflict"
        me.journal[key] = Entry("earned", lot[2], content, [lot])
        me.purse.put([lot])
        me.came.append(lot)
        me.is_active(key[2])
        return "fresh"

    def settle_all(self) -> None:
        """A batch repays at its end."""
        for me in self.accounts.values():
            me.settle(sorted(me.came))
            me.came.clear()

    def promise(self, who: int, key: Key, promise: Promise) -> str:
        me = self.of(who)
        before = me.promises.get(key) or me.journal.get(key)
        if before is not None:
            return "replayed" if before.content == promise.content else "conflict"
        me.promises[key] = promise
        return "fresh"

    def keep(self, now: datetime) -> int:
        due = [
            (who, key, p)
            for who, me in self.accounts.items()
            for key, p in me.promises.items()
            if p.state == "promised" and p.promised_at <= now
        ]
        for who, key, p in due:
            outcome = self.accrue(who, key, (p.expires_on, p.fund, p.points), p.content)
            p.state = "withdrawn" if outcome == "conflict" else "kept"
        self.settle_all()
        return len(due)

    def withdraw(self, who: int, key: Key) -> bool:
        if (promise := self.of(who).promises.get(key)) is None:
            raise Refusal("no_such_posting")
        if promise.state == "moved":
            return self.withdraw(self.successors[who], key)
        if promise.state == "promised":
            promise.state = "withdrawn"
        return promise.state == "withdrawn"

    # ---- spending

    def spend(self, who: int, key: Key, n: int, fund: int | None, content: bytes) -> bool:
        me = self.of(who)
        if me.seen(key, content):
            return False
        me.afford(n, key[2], fund)
        me.journal[key] = Entry("spent", -n, content, me.purse.take(n, key[2], fund))
        me.is_active(key[2])
        return True

    def hold(
        self, who: int, hold_id: str, day: date, n: int, fund: int | None, until: datetime,
        content: bytes,
    ) -> bool:  # fmt: skip
        me = self.of(who)
        if (before := me.holds.get(hold_id)) is not None:
            if before.content != content:
                raise Refusal("idempotency_key_reused")
            return False
        me.afford(n, day, fund)
        me.holds[hold_id] = Hold(n, content, me.purse.take(n, day, fund), until)
        me.is_active(day)
        return True

    def close_hold(
        self, who: int, hold_id: str, key: Key, n: int | None, grace: date | None
    ) -> bool:
        me = self.of(who)
        if (hold := me.holds.get(hold_id)) is None:
            raise Refusal("no_such_hold")
        spent = hold.points if n is None else n
        if spent > hold.points:
            raise Refusal("more_than_left", left_points=hold.points)
        if hold.captured is not None:
            if hold.captured != spent:
                raise Refusal("hold_closed", captured_points=hold.captured)
            return False
        hold.captured = spent
        kept, back = split(hold.lots, spent)
        if spent:
            me.journal[key] = Entry("spent", -spent, hold.content, kept)
        me.settle(me.give_back(back, key[2], grace))
        return True

    def pin(self, who: int, hold_id: str) -> bool:
        return self._touch(who, hold_id, lambda hold: None)

    def unpin(self, who: int, hold_id: str, until: datetime) -> bool:
        hold = self.of(who).holds.get(hold_id)
        if hold is None or hold.expires_at is not None:
            return False
        return self._touch(who, hold_id, lambda hold: until)

    def extend_hold(self, who: int, hold_id: str, until: datetime) -> bool:
        return self._touch(
            who, hold_id, lambda hold: hold.expires_at and max(hold.expires_at, until)
        )

    def _touch(self, who: int, hold_id: str, until: object) -> bool:
        hold = self.of(who).holds.get(hold_id)
        if hold is None or hold.captured is not None:
            return False
        hold.expires_at = until(hold)  # type: ignore[operator]
        return True

    def sweep(self, now: datetime, day: date) -> int:
        due = [
            (me, hold)
            for me in self.accounts.values()
            for hold in me.holds.values()
            if hold.captured is None and hold.expires_at is not None and hold.expires_at <= now
        ]
        for me, hold in due:
            hold.captured = 0
            me.came += me.give_back(hold.lots, day, None)
        self.settle_all()
        return len(due)

    # ---- undoing, putting right

    def reverse(
        self, who: int, key: Key, of: Key, points: int | None, content: bytes,
        grace: date | None, spares_others: bool,
    ) -> bool:  # fmt: skip
        me = self.of(who)
        if key[2] < of[2]:
            raise Refusal("bad_posting")
        if me.seen(key, content):
            return False
        if (original := me.journal.get(of)) is None:
            raise Refusal("no_such_posting")
        if original.what not in REVERSIBLE:
            raise Refusal("not_reversible")
        left, n = me.left_of(of, points)
        part = split(split(original.lots, left)[0], left - n)[1]
        if original.points < 0:
            me.returned(key, of, n, part, content, grace)
        else:
            me.clawed(key, of, n, part, content, spares_others)
        if original.reason in self.budgets:
            self.budgets[original.reason].spent -= n
        return True

    def adjust(
        self, who: int, key: Key, n: int, fund: int | None, until: date, content: bytes
    ) -> bool:
        me = self.of(who)
        if me.seen(key, content):
            return False
        if n > 0:
            self._give(me, key, (until, fund or 0, n), content, None)
        else:
            me.afford(-n, key[2], fund)
            me.journal[key] = Entry("taken", n, content, me.purse.take(-n, key[2], fund))
        return True

    def goodwill(self, who: int, key: Key, n: int, code: str, until: date, content: bytes) -> bool:
        me = self.of(who)
        if me.seen(key, content):
            return False
        if (budget := self.budgets.get(code)) is None:
            raise Refusal("no_such_budget")
        left = budget.points - budget.spent if key[2] <= budget.until else 0
        if left < n:
            raise Refusal("budget_spent", left_points=left)
        self._give(me, key, (until, budget.fund, n), content, code)
        budget.spent += n
        return True

    @staticmethod
    def _give(
        me: Account, key: Key, lot: tuple[date, int, int], content: bytes, reason: str | None
    ) -> None:
        if lot[0] < key[2]:
            raise Refusal("bad_posting")
        if lot[1] > 1:
            raise Refusal("wrong_fund", fund=lot[1])
        me.journal[key] = Entry("given", lot[2], content, [lot], reason)
        me.receive([lot])
        me.is_active(key[2])

    # ---- the ends of points

    def expire(self, day: date) -> int:
        due = [(me, lot) for me in self.accounts.values() for lot in me.purse.all() if lot[0] < day]
        for me, lot in due:
            me.purse.take_these([lot])
        return len(due)

    def expire_inactive(self, day: date, since: date) -> int:
        due = [
            (me, lot)
            for me in self.accounts.values()
            if me.active_on is not None and me.active_on < since
            for lot in me.purse.all(day)
        ]
        for me, lot in due:
            me.purse.take_these([lot])
        return len(due)

    def extend(
        self, who: int, key: Key, first: date, last: date, to: date, fund: int | None,
        content: bytes,
    ) -> tuple[bool, int]:  # fmt: skip
        if not (key[2] <= last < to and first <= last):
            raise Refusal("bad_posting")
        me = self.of(who)
        if me.seen(key, content):
            return False, total(me.journal[key].lots)
        lots = self._moved(me, max(first, key[2]), last, to, fund)
        if lots:
            me.journal[key] = Entry("moved", 0, content, lots)
        return bool(lots), total(lots)

    def extend_many(self, day: date, ending_on: date, to: date, fund: int | None) -> int:
        if not day <= ending_on < to:
            raise Refusal("bad_posting")
        return sum(
            bool(self._moved(me, ending_on, ending_on, to, fund)) for me in self.accounts.values()
        )

    @staticmethod
    def _moved(me: Account, first: date, last: date, to: date, fund: int | None) -> Lots:
        lots = [lot for lot in me.purse.all(first) if lot[0] <= last and fund in (None, lot[1])]
        me.purse.put([(to, f, n) for _, f, n in me.purse.take_these(lots)])
        return lots

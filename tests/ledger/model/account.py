"""One account, a person's or a pot's: what it has, owes, holds and was promised, and its journal."""

from dataclasses import dataclass, field
from datetime import date, datetime

from tests.ledger.model.lots import Lots, Purse, Refusal, split, total

Key = tuple[int, str, date]  # source, ref, occurred_on


@dataclass
class Entry:
    what: str  # earned, spent, given, taken, back, clawed, sent, received, fee, forfeit, moved
    points: int
    content: bytes
    lots: Lots = field(default_factory=list)
    reason: str | None = None
    of_day: date | None = None  # of what was reversed
    other: int = 0  # who received
    reversed: int = 0


REVERSIBLE = frozenset({"earned", "spent", "given", "taken"})


@dataclass
class Hold:
    points: int
    content: bytes
    lots: Lots
    expires_at: datetime | None  # None: pinned
    captured: int | None = None  # 0 = released


@dataclass
class Promise:
    points: int
    expires_on: date
    fund: int
    content: bytes
    promised_at: datetime
    state: str = "promised"  # kept, withdrawn, moved


@dataclass
class Account:
    purse: Purse = field(default_factory=Purse)
    arrears: int = 0
    came: Lots = field(default_factory=list)  # by a batch, which settles at its end
    journal: dict[Key, Entry] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)
    promises: dict[Key, Promise] = field(default_factory=dict)
    active_on: date | None = None

    # ---- reading

    def spendable(self, day: date, fund: int | None = None) -> int:
        good = self.purse.all(day)
        free = max(0, total(good) - self.arrears)
        return free if fund is None else min(free, total([lot for lot in good if lot[1] == fund]))

    def held(self) -> int:
        return sum(hold.points for hold in self.holds.values() if hold.captured is None)

    def pending(self) -> int:
        return sum(p.points for p in self.promises.values() if p.state == "promised")

    def young(self, day: date, age_days: int) -> int:
        """What came within so many days, less what of it was clawed back."""

        def is_young(on: date | None) -> bool:
            return on is not None and (day - on).days < age_days

        return sum(
            entry.points
            for (_, _, on), entry in self.journal.items()
            if is_young(on)
            and (
                (entry.what in ("earned", "given", "received") and entry.points > 0)
                or (entry.what == "clawed" and is_young(entry.of_day))
            )
        )

    # ---- changing

    def is_active(self, day: date) -> None:
        self.active_on = max(self.active_on or day, day)

    def settle(self, came: Lots) -> int:
        """Out of what came, in its order; answers how many points repaid."""
        repaid = total(self.purse.take_these(split(came, self.arrears)[0]))
        self.arrears -= repaid
        return repaid

    def receive(self, lots: Lots) -> None:
        self.purse.put(lots)
        self.settle(lots)

    def give_back(self, lots: Lots, day: date, grace: date | None) -> Lots:
        back = [(grace if e < day and grace else e, f, n) for e, f, n in lots]
        self.purse.put(back)
        return back

    def seen(self, key: Key, content: bytes) -> bool:
        if (before := self.journal.get(key)) is None:
            return False
        if before.content != content:
            raise Refusal("idempotency_key_reused")
        return True

    def afford(self, points: int, day: date, fund: int | None = None, funds: int = 2) -> None:
        if self.spendable(day, fund) < points:
            if fund is not None and fund >= funds:
                raise Refusal("wrong_fund", fund=fund)
            raise Refusal("not_enough_points", available_points=self.spendable(day, fund))

    def left_of(self, key: Key, points: int | None) -> tuple[int, int]:
        """What of a posting is not reversed yet, and what of that is now."""
        original = self.journal[key]
        left = abs(original.points) - original.reversed
        n = left if points is None else points
        if not 1 <= n <= left:
            raise Refusal("more_than_left", left_points=left)
        return left, n

    def returned(
        self, key: Key, of: Key, n: int, lots: Lots, content: bytes, grace: date | None
    ) -> None:
        """Points of a debit come back, last taken first; those past their day live on or lapse."""
        day = key[2]
        back = self.give_back(lots, day, grace if grace and grace >= day else None)
        kept = split(back, self.settle(back))[1]
        self.purse.take_these([lot for lot in kept if lot[0] < day])
        self.journal[of].reversed += n
        self.journal[key] = Entry("back", n, content)

    def clawed(
        self, key: Key, of: Key, n: int, lots: Lots, content: bytes, spares_others: bool = False
    ) -> None:
        missing = n - total(self.purse.take_these(lots))
        self.arrears += missing - (0 if spares_others else total(self.purse.take(missing)))
        self.journal[of].reversed += n
        self.journal[key] = Entry("clawed", -n, content, of_day=of[2])
